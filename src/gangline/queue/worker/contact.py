"""Whether the store can be reached, and when to try again."""

from __future__ import annotations

import logging
import time

from gangline.errors import StoreUnavailable

__all__ = ["Contact"]

_PAUSES_S = (0.1, 2.0)
_log = logging.getLogger("gangline.worker")


class Contact:
    """The state of the contact with a store.

    Attributes:
        lost: Whether it is lost.
        retry_at: When to try again, by the monotonic clock.
    """

    def __init__(self) -> None:
        self.lost = False
        self.retry_at = 0.0
        self._since = 0.0
        self._pause_s = _PAUSES_S[0]

    def failed(self, error: StoreUnavailable) -> None:
        """The store could not be reached."""
        now = time.monotonic()
        if not self.lost:
            self.lost, self._since, self._pause_s = True, now, _PAUSES_S[0]
            _log.error("%s; trying again until it is back", error)
        self.retry_at = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, _PAUSES_S[1])

    def succeeded(self) -> bool:
        """It was reached; whether that is news."""
        if not self.lost:
            return False
        self.lost = False
        _log.warning("the queue is back after %.1f s", time.monotonic() - self._since)
        return True
