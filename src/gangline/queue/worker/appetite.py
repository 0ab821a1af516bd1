"""How many jobs a worker takes at once.

A job that takes less than a turn at the database costs is worth taking with many others; one that takes long must not
lie here behind another while some other worker is idle. So a worker keeps a few hundredths of a second of work at hand,
by the durations that it has measured for each class; of a class that it does not know, and of one with a limit, it
takes no more than can start at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["Appetite"]

AHEAD_S = 0.03
"""How much work is kept at hand for each slot. It is filled up when half of it is done."""

_AHEAD_MOST_S = 0.1
_AHEAD_TURNS = 4.0
"""At a database that is slow to answer, as much work is kept at hand as is done during so many turns."""

_MOST_PER_SLOT = 256
_WEIGHT = 0.2
_LONG = 4.0
"""A job that has run for so many times its expected duration says nothing any more about when it will end."""


class Appetite:
    """Learns how long the jobs of each class take, and says how many to take.

    What is held is told as pairs: the class of a job, and for how many seconds it has been running (0: it has not
    begun).

    Args:
        slots: How many jobs run at once.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._expected: dict[str, float] = {}
        self._turn_s = 0.0

    def learn(self, name: str, seconds: float) -> None:
        """A job of this class has taken so long."""
        before = self._expected.get(name)
        self._expected[name] = seconds if before is None else before + _WEIGHT * (seconds - before)

    def learn_turn(self, seconds: float) -> None:
        """The database has taken so long to answer."""
        self._turn_s += _WEIGHT * (seconds - self._turn_s)

    @property
    def _ahead_s(self) -> float:
        return min(max(AHEAD_S, _AHEAD_TURNS * self._turn_s), _AHEAD_MOST_S)

    def at_hand_s(self, held: Sequence[tuple[str, float]]) -> float | None:
        """Seconds of work that are at hand; None if there is a job of which nobody can say when it will end."""
        total = 0.0
        for name, elapsed in held:
            expected = self._expected.get(name)
            if expected is None or elapsed > _LONG * expected:
                return None
            total += max(expected - elapsed, 0.0)
        return total

    def ahead(self, held: Sequence[tuple[str, float]]) -> dict[str, int]:
        """How many jobs of each class may be taken to lie at hand: not less than can start at once."""
        at_hand_s = self.at_hand_s(held)
        full_s = self._slots * self._ahead_s
        if at_hand_s is None or at_hand_s > full_s / 2:
            return {}
        most = _MOST_PER_SLOT * self._slots - len(held)
        if most <= 0:
            return {}
        free = max(0, self._slots - len(held))
        return {
            name: max(free, min(most, 1 + int((full_s - at_hand_s) / max(expected, 1e-6))))
            for name, expected in self._expected.items()
        }

    @staticmethod
    def may_be_more(claimed: Mapping[str, int], room: int, ahead: Mapping[str, int]) -> bool:
        """Whether a turn has left jobs in the queue, as far as it tells.

        Args:
            claimed: How many jobs of each class it has brought.
            room: How many it was asked for.
            ahead: How many of each class.
        """
        most = max(room, *ahead.values()) if ahead else room
        enough = sum(claimed.values()) >= most > 0
        return enough or any(count >= ahead.get(name, room) for name, count in claimed.items())

    def next_in_s(self, held: Sequence[tuple[str, float]]) -> float | None:
        """Seconds until `ahead` has something to say, if nothing ends before; None if only an end will tell."""
        at_hand_s = self.at_hand_s(held)
        return None if at_hand_s is None else max(at_hand_s / self._slots - self._ahead_s / 2, 0.0)
