"""What is to happen at a time: one heap. Whoever pops an entry asks whether it still holds.

Entries name tasks by number, so that a long timeout does not keep the memory of a short task. Those of tasks that have
ended are dropped whenever the heap has doubled.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterator
from enum import Enum

from gangline.messages import TaskId

_CLEAR_MIN = 1024


class Timer(Enum):
    """What a timer is for."""

    EXPIRE = "the task has waited too long to be started"
    RESUME = "the delay before the next attempt is over"
    OVERDUE = "the attempt has run too long"
    FORCE = "the attempt was interrupted and has not ended"
    STEAL = "look for tasks that wait behind a long one"


class Timers:
    """Timers by time; equal times in the order in which they were set.

    Args:
        live: The tasks that have not ended.
    """

    __slots__ = ("_clear_at", "_count", "_heap", "_live")

    def __init__(self, live: Container[TaskId]) -> None:
        self._live = live
        self._heap: list[tuple[float, int, Timer, TaskId | None, int]] = []
        self._count = 0
        self._clear_at = _CLEAR_MIN

    def set(self, at: float, timer: Timer, task: TaskId | None = None, start: int = 0) -> None:
        """Let `timer` come due at `at`, a monotonic time in seconds; `start` says for which start of the task."""
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, timer, task, start))
        if len(self._heap) >= self._clear_at:
            self._clear_ended()

    def next_at(self) -> float | None:
        """When the next one is due."""
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> tuple[Timer, TaskId | None, int] | None:
        """Take the next one that is due."""
        if self._heap and self._heap[0][0] <= now:
            _, _, timer, task, start = heapq.heappop(self._heap)
            return timer, task, start
        return None

    def _clear_ended(self) -> None:
        self._heap = [entry for entry in self._heap if entry[3] is None or entry[3] in self._live]
        heapq.heapify(self._heap)
        self._clear_at = max(_CLEAR_MIN, 2 * len(self._heap))

    def __iter__(self) -> Iterator[tuple[float, Timer, TaskId | None, int]]:
        """All that are set, in no order."""
        return ((at, timer, task, start) for at, _, timer, task, start in self._heap)

    def __len__(self) -> int:
        return len(self._heap)
