"""How many engines a cluster should have for what its clients have to do. Pure: the time is an argument.

- More, when tasks have waited for a moment although no engine is idle: as many as tasks wait. Short tasks that are soon
  done bring none.
- Fewer, when engines have been idle for a while and nothing waits. One that has anything to do is never ended.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from gangline.backends.dask.load import Load
from gangline.errors import UsageError

__all__ = ["IDLE_S", "Bounds", "Plan", "Planner"]

IDLE_S = 60.0
"""How long an engine may be idle if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between what a cluster scales.

    Args:
        minimum: So many engines there are always.
        maximum: More there are never.
        idle_s: How long an engine may be idle before it is ended.
        patience_s: How long tasks wait before there are more engines.

    Raises:
        UsageError: A value makes no sense.
    """

    minimum: int
    maximum: int
    idle_s: float = IDLE_S
    patience_s: float = 1.0

    def __post_init__(self) -> None:
        for name in ("minimum", "maximum"):
            value = getattr(self, name)
            if type(value) is not int or value < 0:
                raise UsageError(f"{name} must be a whole number of engines, 0 or more, not {value!r}")
        if self.maximum < max(self.minimum, 1):
            raise UsageError(f"maximum must be {max(self.minimum, 1)} or more, not {self.maximum}")
        if not 0 <= self.idle_s < float("inf"):
            raise UsageError(f"idle_timeout must be seconds, 0 or more, not {self.idle_s!r}")


class Plan(NamedTuple):
    """What there is to do.

    Attributes:
        wanted: How many engines there should be.
        idle: The addresses of those that may be ended, the longest idle first.
    """

    wanted: int
    idle: tuple[str, ...]


class Planner:
    """Remembers since when tasks have been waiting and engines idle.

    Args:
        bounds: Between what the number of engines is to stay.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._waiting_since: float | None = None
        self._calm_since: float | None = None
        self._idle_since: dict[str, float] = {}

    def on_refusal(self, address: str, now: float) -> None:
        """An engine has something to do after all: what was said of it was old."""
        if address in self._idle_since:
            self._idle_since[address] = now

    def plan(self, load: Load, up: Collection[str], coming: int, now: float) -> Plan:
        """What there is to do now.

        Args:
            load: What all clients have to do.
            up: The addresses of the engines that there are.
            coming: How many more are on their way.
            now: The time, in seconds of a clock that never goes back.
        """
        bounds, there = self.bounds, len(up) + coming
        self._idle_since = {each: self._idle_since.get(each, now) for each in sorted(up) if each not in load.busy}
        if load.waiting:
            self._calm_since = None
            self._waiting_since = now if self._waiting_since is None else self._waiting_since
            wanted = there
            # With idle engines there, more of the kind would not help: what waits needs something else.
            has_waited = now - self._waiting_since >= bounds.patience_s or not there
            if has_waited and not self._idle_since:
                wanted = max(there, len(up) + load.waiting)
            return Plan(min(max(wanted, bounds.minimum), max(bounds.maximum, bounds.minimum)), ())
        self._waiting_since = None
        self._calm_since = now if self._calm_since is None else self._calm_since
        idle = [each for each, since in self._idle_since.items() if now - since >= bounds.idle_s]
        idle.sort(key=lambda each: self._idle_since[each])
        ending = tuple(idle[: max(len(up) - bounds.minimum, 0)])
        expected = coming if now - self._calm_since < bounds.idle_s else 0  # those are not needed any more
        return Plan(max(len(up) - len(ending) + expected, bounds.minimum), ending)
