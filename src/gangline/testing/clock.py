"""A clock that moves only when it is told to."""

from __future__ import annotations


class FakeClock:
    """A `Clock` on which hours pass at once.

    Args:
        monotonic_s: Where the monotonic time begins.
        epoch_s: The time since the epoch at that moment.
    """

    def __init__(self, monotonic_s: float = 0.0, epoch_s: float = 1_700_000_000.0) -> None:
        self._now_s = monotonic_s
        self._offset_s = epoch_s - monotonic_s

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._now_s

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._now_s + self._offset_s

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back, so it cannot advance by {seconds}")
        self._now_s += seconds

    def advance_to(self, monotonic_s: float) -> None:
        """Let time pass until then; a moment that has passed already changes nothing."""
        self._now_s = max(self._now_s, monotonic_s)
