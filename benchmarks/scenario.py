"""What a benchmark is: a piece of work, who does it, and how far Gangline has to be ahead of whom."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

GANGLINE = "Gangline"
ENGINES = 2
"""How many engine processes everyone gets."""


class Unit(Enum):
    """What a figure is printed in: the base unit (seconds or bytes), its factor, label and decimals."""

    NANOSECONDS = ("seconds", 1e9, "ns", 1)
    MICROSECONDS = ("seconds", 1e6, "µs", 1)
    MILLISECONDS = ("seconds", 1e3, "ms", 1)
    BYTES = ("bytes", 1.0, "bytes", 0)
    MEGABYTES = ("bytes", 1e-6, "MB", 0)

    def __init__(self, base: str, scale: float, label: str, decimals: int) -> None:
        self.base = base
        self.scale = scale
        self.label = label
        self.decimals = decimals

    def text(self, cost: float) -> str:
        """The figure as it is printed."""
        return f"{cost * self.scale:,.{self.decimals}f} {self.label}"


class Figure(NamedTuple):
    """What one measurement brought: a cost (less is better), in seconds or bytes for one unit of the work."""

    cost: float
    note: str = ""


@dataclass(frozen=True)
class Contender:
    """One who does the work of a scenario.

    Args:
        name: For the table.
        measure: Does the work of the given size once, in a process of its own, and says what one unit of it cost.
        size: How large the work is. A slow peer may get less of it, as costs are compared per unit.
        quick_size: The same for `--quick`.
    """

    name: str
    measure: Callable[[int], Figure]
    size: int
    quick_size: int

    def fixed(self) -> bool:
        """Whether this is a bound that is known without measuring."""
        return self.size == 0


@dataclass(frozen=True)
class Target:
    """Gangline is to cost at most `1 / factor` of what the peer costs."""

    peer: str
    factor: float


@dataclass(frozen=True)
class Scenario:
    """One row of the comparison.

    Args:
        name: What `--only` takes.
        title: What is done.
        unit: What the figures are printed in.
        contenders: Who does it. Gangline is one of them.
        targets: What is to be reached.
        repetitions: How often everyone has a turn.
        typical: The median of the turns counts, as with programs that use the disk; else the best of them.
        note: What one must know to read the figures.
        scaled: Costs are per unit of work, so a contender may be given less of it than another.
    """

    name: str
    title: str
    unit: Unit
    contenders: tuple[Contender, ...]
    targets: tuple[Target, ...] = ()
    repetitions: int = 3
    typical: bool = False
    note: str = ""
    scaled: bool = True

    def contender(self, name: str) -> Contender:
        """The contender of that name."""
        return next(contender for contender in self.contenders if contender.name == name)


def bound(name: str, cost: float) -> Contender:
    """A pseudo-contender whose cost is a given number."""
    return Contender(name, lambda _: Figure(cost), 0, 0)


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def best_of(repetitions: int, action: Callable[[], object]) -> float:
    """The shortest of several calls, in seconds."""
    return min(seconds(action) for _ in range(repetitions))
