"""Caps on how many tasks run at once by name, and pools of what the engines of one host share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gangline.errors import UsageError
from gangline.messages import EngineId

if TYPE_CHECKING:
    from gangline._core.engines import Engine

Needs = tuple[tuple[str, float], ...]
"""Amounts by name of a resource."""

_EPSILON = 1e-9
"""Amounts are floats that are taken and given back; sums may be off by rounding."""


class Limit:
    """A named cap."""

    __slots__ = ("cap", "used")

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.used = 0


class Limits:
    """All named limits. A name that was never given a cap does not restrict."""

    __slots__ = ("_limits",)

    def __init__(self) -> None:
        self._limits: dict[str, Limit] = {}

    def set(self, name: str, cap: int) -> None:
        """Give a limit its cap; what runs above a lowered cap runs on.

        Raises:
            UsageError: the cap is below 1.
        """
        if cap < 1:
            raise UsageError(f"limit {name!r} must be 1 or more, not {cap}")
        self._limits.setdefault(name, Limit(cap)).cap = cap

    def get(self, name: str) -> Limit | None:
        """The limit of that name, if it has a cap."""
        return self._limits.get(name)

    def exhausted(self, names: tuple[str, ...]) -> str | None:
        """The first of the limits that has no room."""
        for name in names:
            limit = self._limits.get(name)
            if limit is not None and limit.used >= limit.cap:
                return name
        return None

    def take(self, names: tuple[str, ...]) -> None:
        """Count one task against each."""
        for name in names:
            limit = self._limits.get(name)
            if limit is None:
                limit = self._limits[name] = Limit(_NO_CAP)
            limit.used += 1

    def give(self, names: tuple[str, ...]) -> None:
        """One task less on each."""
        for name in names:
            self._limits[name].used -= 1

    def usage(self) -> dict[str, tuple[int, int]]:
        """Name → (in use, cap)."""
        return {name: (limit.used, limit.cap) for name, limit in self._limits.items()}


_NO_CAP = 2**62


class Pool:
    """What the engines of one pool (one host) have together.

    Attributes:
        capacity: Amount by resource. A resource that is not named is one that the pool does not have.
        used: Amount taken by running tasks.
        engines: How many live engines share it.
        idle: Those of them that are idle.
    """

    __slots__ = ("capacity", "engines", "idle", "name", "used")

    def __init__(self, name: str, capacity: Mapping[str, float]) -> None:
        self.name = name
        self.capacity = dict(capacity)
        self.used: dict[str, float] = {}
        self.engines = 0
        self.idle: dict[EngineId, Engine] = {}

    def could_ever_fit(self, needs: Needs) -> bool:
        """Whether the needs fit into the pool when nothing runs there."""
        return all(amount <= self.capacity.get(name, 0.0) + _EPSILON for name, amount in needs)

    def fits(self, needs: Needs) -> bool:
        """Whether the needs fit beside what runs."""
        return all(
            self.used.get(name, 0.0) + amount <= self.capacity.get(name, 0.0) + _EPSILON for name, amount in needs
        )

    def take(self, needs: Needs) -> None:
        """A task that needs this begins."""
        for name, amount in needs:
            self.used[name] = self.used.get(name, 0.0) + amount

    def give(self, needs: Needs) -> None:
        """A task that needed this has ended."""
        for name, amount in needs:
            self.used[name] -= amount
