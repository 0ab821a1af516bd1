"""How often records are looked for, and how often a scheduler is asked."""

from __future__ import annotations

import time

__all__ = ["Pace"]

_PAUSE_S = (0.03, 1.0)
_ASK_S = (2.0, 30.0)
_HURRIED_S = 0.5
_SLOWER = 1.3


class Pace:
    """Quick while something happens, slow while nothing does; and a scheduler that is slow to answer is asked less.

    Attributes:
        pause_s: How long to wait before records are looked for again.
    """

    def __init__(self) -> None:
        self.pause_s = _PAUSE_S[1]
        self._interval_s = _ASK_S[0]
        self._answered_at = time.monotonic()
        self._asked_at = self._answered_at

    def on_submission(self) -> None:
        """There are new jobs."""
        self.on_progress()
        self._interval_s = min(self._interval_s, 2 * _ASK_S[0])

    def on_progress(self) -> None:
        """Something was found."""
        self.pause_s = _PAUSE_S[0]

    def is_time_to_ask(self, *, hurried: bool) -> bool:
        """Whether the scheduler shall be asked now.

        Args:
            hurried: There is a job that ends with its answer.
        """
        self.pause_s = min(self.pause_s * _SLOWER, _HURRIED_S if hurried else _PAUSE_S[1])
        now = time.monotonic()
        took_s = self._answered_at - self._asked_at
        interval_s = max(_HURRIED_S, 3 * took_s) if hurried else max(self._interval_s, 10 * took_s)
        if now - self._answered_at < interval_s:
            return False
        self._asked_at = now
        return True

    def on_answer(self) -> None:
        """The scheduler has answered."""
        self._answered_at = time.monotonic()
        self._interval_s = min(self._interval_s * 1.5, _ASK_S[1])

    def on_silence(self) -> None:
        """The scheduler does not answer."""
        self._answered_at = time.monotonic()
        self._asked_at = self._answered_at - _HURRIED_S
