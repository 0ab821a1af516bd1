"""From nothing to engines that work."""

from __future__ import annotations

import time
from functools import partial

from benchmarks.fleets import FLEETS
from benchmarks.scenario import Contender, Figure, Scenario, Unit
from benchmarks.work import identity


def measure(name: str, _size: int) -> Figure:
    """Seconds from the import to the first result of two engines that were started for it."""
    begun = time.perf_counter()
    with FLEETS[name]() as fleet:
        fleet.gather([fleet.submit(identity, item) for item in range(2)])
        return Figure(time.perf_counter() - begun)


SCENARIO = Scenario(
    name="start_up",
    title="start-up: import, two engines, first two results",
    unit=Unit.MILLISECONDS,
    contenders=tuple(Contender(name, partial(measure, name), 1, 1) for name in FLEETS),
    note="In a fresh interpreter. ProcessPoolExecutor and Pool fork the parent; the others start clean interpreters.",
)
