"""What a worker does again and again beside taking jobs."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Chores"]


class Chores:
    """Functions with the times of their next calls, by the monotonic clock."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._calls: dict[str, tuple[float, Callable[[float], float | None]]] = {}

    def every(self, period_s: float, name: str, call: Callable[[float], float | None], *, first_at: float) -> None:
        """Call this so often, with the time of now; it may return in how many seconds to call it next instead."""
        self._calls[name] = (period_s, call)
        self._due[name] = first_at

    def hurry(self, name: str, at: float) -> None:
        """Do one at that time, if its turn would come later."""
        self._due[name] = min(self._due[name], at)

    def run_due(self, now: float) -> None:
        """Call those whose time has come. If one raises, its turn and that of the others comes at the next call."""
        for name, due_at in self._due.items():
            if due_at <= now:
                period_s, call = self._calls[name]
                next_in_s = call(now)
                self._due[name] = now + (period_s if next_in_s is None else next_in_s)

    def next_at(self) -> float:
        """When the next one is due."""
        return min(self._due.values())
