"""What is to happen at a time: one heap. Entries are never removed; whoever pops one asks whether it still holds."""

from __future__ import annotations

import heapq
from enum import Enum

from gangline._core.task import Task
from gangline._core.transitions import FINAL


class Timer(Enum):
    """What a timer is for."""

    EXPIRE = "the task has waited too long to be started"
    RESUME = "the delay before the next attempt is over"
    OVERDUE = "the attempt has run too long"
    FORCE = "the attempt was interrupted and has not ended"
    STEAL = "look for tasks that wait behind a long one"


class Timers:
    """Timers by time; equal times in the order in which they were set."""

    __slots__ = ("_count", "_heap")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer, Task | None, int]] = []
        self._count = 0

    def set(self, at: float, timer: Timer, task: Task | None = None, attempt: int = 0) -> None:
        """Let `timer` come due at `at`, a monotonic time in seconds."""
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, timer, task, attempt))

    def next_at(self) -> float | None:
        """When the next one is due."""
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> tuple[Timer, Task | None, int] | None:
        """Take the next one that is due."""
        if self._heap and self._heap[0][0] <= now:
            _, _, timer, task, attempt = heapq.heappop(self._heap)
            return timer, task, attempt
        return None

    def clear_ended(self) -> None:
        """Drop the timers of tasks that have ended, so that long timeouts of short tasks do not pile up."""
        self._heap = [entry for entry in self._heap if entry[3] is None or entry[3].state not in FINAL]
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._heap)
