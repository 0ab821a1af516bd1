"""Tasks of very unequal length: how close a map comes to engines that are never idle."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from functools import partial

from benchmarks.fleets import warm_fleet
from benchmarks.scenario import ENGINES, GANGLINE, Contender, Figure, Scenario, Target, Unit, seconds
from benchmarks.work import burn, occupy

MEDIAN_S = 0.001
SIGMA = 1.5


def durations(size: int) -> list[float]:
    """The lengths of the tasks, the same for everyone, in seconds."""
    random_ = random.Random(20)
    return [random_.lognormvariate(math.log(MEDIAN_S), SIGMA) for _ in range(size)]


def measure(name: str, task: Callable[[float], None], verb: str, size: int) -> Figure:
    """Seconds per task."""
    lengths = durations(size)
    with warm_fleet(name) as fleet:
        return Figure(seconds(partial(getattr(fleet, verb), task, lengths)) / size)


def ideal(size: int) -> Figure:
    """Seconds per task if no engine were ever idle and nothing but the tasks took time."""
    return Figure(sum(durations(size)) / ENGINES / size)


def greedy(size: int) -> Figure:
    """Seconds per task if a free engine took the next task in order, at no cost: the best without foresight."""
    engines = [0.0] * ENGINES
    for length in durations(size):
        heapq.heapreplace(engines, engines[0] + length)
    return Figure(max(engines) / size)


def _scenario(name: str, title: str, task: Callable[[float], None], note: str) -> Scenario:
    size, quick_size = 2_000, 500

    def contender(label: str, fleet: str, verb: str) -> Contender:
        return Contender(label, partial(measure, fleet, task, verb), size, quick_size)

    return Scenario(
        name=name,
        title=title,
        unit=Unit.MICROSECONDS,
        contenders=(
            contender(GANGLINE, GANGLINE, "map_all"),
            Contender("ideal", ideal, size, quick_size),
            Contender("greedy, in order", greedy, size, quick_size),
            contender("ProcessPoolExecutor", "ProcessPoolExecutor", "map_all"),
            contender("Pool", "Pool", "map_all"),
            contender("Dask", "Dask", "map_all"),
        ),
        targets=(Target("ideal", 0.95),),
        note=note,
    )


BUSY = _scenario(
    "uneven_busy",
    "uneven tasks (log-normal, 1 ms median, sigma 1.5), computing",
    burn,
    "The tasks use processor time, so that what the library itself uses on the same two cores lengthens the run.",
)
WAITING = _scenario(
    "uneven_waiting",
    "uneven tasks (log-normal, 1 ms median, sigma 1.5), waiting",
    occupy,
    "The tasks leave the core to others, as if the library had one for itself: what is lost is lost by scheduling.",
)
