"""Where recipes have jobs run, as schedules see it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from gangline.errors import UsageError

if TYPE_CHECKING:
    from gangline._runtime.session import Session
    from gangline.backends.hosts import HostEvent
    from gangline.recipes.jobs import ComputeJob
    from gangline.remote.command import Command

__all__ = ["SLOTS_MAX", "Site", "limit_name"]

SLOTS_MAX = 512
"""How many slots a host has at most."""


class Site(ABC):
    """A place for jobs, and the limits that hold for all schedules there.

    Args:
        session: The scheduler.

    Attributes:
        session: The scheduler.
        gathering: Held while a gang comes together: two that did so at once could wait for each other for ever.
        no_gangs: Why jobs cannot start together here; empty if they can.
        most_per_host: So many jobs run on one host at once at most, where nobody has set another limit.
        queues: Jobs that are handed over may wait for long before they begin, so that their time counts from then.
    """

    no_gangs: ClassVar[str] = ""
    most_per_host: ClassVar[int] = SLOTS_MAX
    queues: ClassVar[bool] = False

    def __init__(self, session: Session) -> None:
        self.session = session
        self.gathering = threading.Lock()
        self._lock = threading.Lock()
        self._caps: dict[str, list[int]] = {}

    def check_gang(self, jobs: Iterable[ComputeJob], most: int) -> None:
        """See that jobs can start together.

        Args:
            jobs: They.
            most: How many run on one host at once.

        Raises:
            UsageError: They cannot.
        """
        if self.no_gangs:
            raise UsageError(self.no_gangs)
        for host, count in Counter(job.host for job in jobs).items():
            if count > most:
                why = f"there can be only {most}"
                if most != SLOTS_MAX:
                    why = f"max_per_node lets only {most} run there at once"
                raise UsageError(
                    f"the gang has {count} jobs on host {host}, but {why}: they could never start together"
                )

    @contextmanager
    def use(self, wanted: Mapping[str, int], cap: int | None, listener: Callable[[HostEvent], None]) -> Iterator[None]:
        """Be able to have so many jobs on these hosts at once, and hear what becomes of the hosts.

        Args:
            wanted: How many jobs there are for each host.
            cap: No more than so many jobs run on each of them at once, whoever has scheduled them; None: no limit. Of
                the schedules of the moment the one with the lowest decides.
            listener: Is called from another thread, and must not wait.
        """
        caps = {} if cap is None else dict.fromkeys(wanted, cap)
        with self._lock:
            for host, each in caps.items():
                self._caps.setdefault(host, []).append(each)
                self._apply_cap(host)
        try:
            yield
        finally:
            with self._lock:
                for host, each in caps.items():
                    self._caps[host].remove(each)
                    self._apply_cap(host)

    def _apply_cap(self, host: str) -> None:
        if not self.session.closed:
            self.session.set_limit(limit_name(host), min(self._caps[host], default=self.most_per_host))

    @abstractmethod
    def connect(self, host: str) -> None:
        """Bring a host up, unless it is, or need not be."""

    @abstractmethod
    def hosts_of(self, job: ComputeJob) -> tuple[str, ...]:
        """Where a job may run, the place that is tried first in front."""

    @abstractmethod
    def needs(self, host: str) -> tuple[tuple[str, float], ...]:
        """The resources that have a task run on a host."""

    @abstractmethod
    def fitted(self, command: Command, job: ComputeJob, host: str) -> Command:
        """The command of a job as it is handed over here."""


def limit_name(host: str) -> str:
    """What the limit is called that holds for a host's jobs."""
    return f"max_per_node {host}"
