"""Ends the jobs of a worker whose leases are over, even while the worker waits for an answer from the store."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["Guard"]

_LOOK_EVERY_S = 0.1


class Guard:
    """A thread that sleeps as long as leases are renewed in time.

    Args:
        expired: Is called from this thread when the leases are over, again and again until they are renewed.
    """

    def __init__(self, expired: Callable[[], None]) -> None:
        self.leased_until = 0.0
        """Until when the leases last, by the monotonic clock. Whoever renews them writes it."""
        self._expired = expired
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="gangline-guard", daemon=True)

    def start(self) -> None:
        """Begin; `leased_until` is set."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_over(self) -> bool:
        """Whether the leases are over."""
        return time.monotonic() > self.leased_until

    def _watch(self) -> None:
        while not self._over.wait(max(self.leased_until - time.monotonic(), _LOOK_EVERY_S)):
            if self.is_over:
                self._expired()
