"""Hosts that recipes' jobs run on, here or over ssh."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gangline._runtime.session import Session
from gangline.backends.hosts import HostEvent, HostsBackend, resource_of
from gangline.recipes.site import SLOTS_MAX, Site

if TYPE_CHECKING:
    from gangline.recipes.jobs import ComputeJob
    from gangline.remote.command import Command
    from gangline.remote.connection import ConnectionOptions

__all__ = ["HostsSite"]


class HostsSite(Site):
    """Hosts, each with as many slots as the schedules of the moment want.

    Args:
        options: How hosts are reached.
    """

    def __init__(self, options: ConnectionOptions) -> None:
        self._backend = HostsBackend(options)
        self._backend.add_host_listener(self._on_host)
        self._wanted: Counter[str] = Counter()
        self._listeners: list[Callable[[HostEvent], None]] = []
        super().__init__(Session(self._backend, engines=0))

    @contextmanager
    def use(self, wanted: Mapping[str, int], cap: int | None, listener: Callable[[HostEvent], None]) -> Iterator[None]:
        """See `Site`."""
        slots = {host: count if cap is None else min(count, cap) for host, count in wanted.items()}
        with self._lock:
            self._listeners.append(listener)
            self._wanted.update(slots)
        try:
            with super().use(wanted, cap, listener):
                yield
        finally:
            with self._lock:
                self._listeners.remove(listener)
                self._wanted.subtract(slots)

    def connect(self, host: str) -> None:
        """See `Site`."""
        with self._lock:
            slots = min(max(self._wanted[host], 1), SLOTS_MAX)
        self._backend.connect(host, slots)

    def hosts_of(self, job: ComputeJob) -> tuple[str, ...]:
        """See `Site`."""
        return job.hosts

    def needs(self, host: str) -> tuple[tuple[str, float], ...]:
        """See `Site`."""
        return ((resource_of(host), 1.0),)

    def fitted(self, command: Command, job: ComputeJob, host: str) -> Command:
        """See `Site`."""
        return command

    def _on_host(self, event: HostEvent) -> None:
        with self._lock:
            listeners = list(self._listeners)
        for each in listeners:
            each(event)
