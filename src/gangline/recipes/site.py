"""The hosts that this process's recipes have jobs run on: one scheduler for all schedules."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gangline._runtime.session import Session
from gangline.backends.hosts import HostEvent, HostsBackend
from gangline.remote.connection import ConnectionOptions

__all__ = ["Site", "site_for"]

SLOTS_MAX = 512
"""So many jobs run on one host at once at most, where nobody has set another limit."""


class Site:
    """Hosts, each with as many slots as the schedules of the moment want, and the limits that hold for all of them.

    Args:
        options: How hosts are reached.

    Attributes:
        session: The scheduler.
        gathering: Held while a gang comes together: two that did so at once could wait for each other for ever.
    """

    def __init__(self, options: ConnectionOptions) -> None:
        self._backend = HostsBackend(options)
        self._backend.add_host_listener(self._on_host)
        self.session = Session(self._backend, engines=0)
        self.gathering = threading.Lock()
        self._lock = threading.Lock()
        self._wanted: Counter[str] = Counter()
        self._caps: dict[str, list[int]] = {}
        self._listeners: list[Callable[[HostEvent], None]] = []

    @contextmanager
    def use(self, wanted: Mapping[str, int], cap: int | None, listener: Callable[[HostEvent], None]) -> Iterator[None]:
        """Be able to have so many slots on these hosts, and hear what becomes of the hosts.

        Args:
            wanted: How many jobs there are for each host.
            cap: No more than so many jobs run on each of them at once, whoever has scheduled them; None: no limit. Of
                the schedules of the moment the one with the lowest decides.
            listener: Is called from another thread, and must not wait.
        """
        caps = {} if cap is None else dict.fromkeys(wanted, cap)
        slots = {host: count if cap is None else min(count, cap) for host, count in wanted.items()}
        with self._lock:
            self._listeners.append(listener)
            self._wanted.update(slots)
            for host, each in caps.items():
                self._caps.setdefault(host, []).append(each)
                self._apply_cap(host)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.remove(listener)
                self._wanted.subtract(slots)
                for host, each in caps.items():
                    self._caps[host].remove(each)
                    self._apply_cap(host)

    def connect(self, host: str) -> None:
        """Bring a host up, unless it is."""
        with self._lock:
            slots = min(max(self._wanted[host], 1), SLOTS_MAX)
        self._backend.connect(host, slots)

    def _apply_cap(self, host: str) -> None:
        if not self.session.closed:
            self.session.set_limit(limit_name(host), min(self._caps[host], default=SLOTS_MAX))

    def _on_host(self, event: HostEvent) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for each in listeners:
            each(event)


def limit_name(host: str) -> str:
    """What the limit is called that holds for a host's jobs."""
    return f"max_per_node {host}"


def site_for(options: ConnectionOptions) -> Site:
    """The site of this process whose hosts are reached in this way; it lasts as long as the process does."""
    with _lock:
        site = _sites.get(options)
        if site is None or site.session.closed or not _usable(site):
            site = _sites[options] = Site(options)
        return site


def _usable(site: Site) -> bool:
    """Whether this process is the one that made it, not a fork."""
    try:
        site.session.check_usable()
    except ValueError:
        return False
    return True


_sites: dict[Any, Site] = {}
_lock = threading.Lock()
