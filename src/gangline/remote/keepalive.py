"""Signs of life on all connections of this process: one thread, so that a slow listener cannot hold them up."""

from __future__ import annotations

import os
import threading
import time
from typing import Protocol

__all__ = ["Pinged", "unwatch", "watch"]


class Pinged(Protocol):
    """A connection that has to be pinged."""

    @property
    def ping_interval_s(self) -> float:
        """How often."""

    def ping(self, now: float) -> None:
        """Do it; must not wait."""


class _Keepalive:
    """The connections, and the thread that pings them; it ends when there are none."""

    def __init__(self) -> None:
        self._due: dict[Pinged, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, connection: Pinged) -> None:
        with self._changed:
            self._due[connection] = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gangline-keepalive", daemon=True)
                self._thread.start()
            self._changed.notify()

    def unwatch(self, connection: Pinged) -> None:
        with self._changed:
            self._due.pop(connection, None)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._due:
                    self._thread = None
                    return
                self._changed.wait(max(0.0, min(self._due.values()) - time.monotonic()))
                now = time.monotonic()
                due = [connection for connection, at in self._due.items() if at <= now]
                for connection in due:
                    self._due[connection] = now + connection.ping_interval_s
            for connection in due:
                connection.ping(now)


_keepalive = _Keepalive()
watch, unwatch = _keepalive.watch, _keepalive.unwatch
# A fork has neither the thread nor the connections, and perhaps the lock held for ever.
os.register_at_fork(after_in_child=_keepalive.__init__)  # type: ignore[misc]
