"""One large array to an engine and back."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.fleets import warm_fleet
from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, best_of
from benchmarks.work import identity


def _array(size_bytes: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(20).random(size_bytes // 8)


def measure(name: str, size_bytes: int) -> Figure:
    """Seconds there and back."""
    array = _array(size_bytes)
    with warm_fleet(name) as fleet:
        back = fleet.result(fleet.submit(identity, array))
        assert np.array_equal(back, array)
        assert not np.shares_memory(back, array)
        del back
        return Figure(best_of(5, lambda: fleet.result(fleet.submit(identity, array))))


def measure_copy(size_bytes: int) -> Figure:
    """Seconds for one copy in memory."""
    return Figure(best_of(5, _array(size_bytes).copy))


SIZE = 100_000_000
SCENARIO = Scenario(
    name="array",
    title="100 MB NumPy array there and back",
    unit=Unit.MILLISECONDS,
    contenders=(
        Contender(GANGLINE, partial(measure, GANGLINE), SIZE, SIZE),
        Contender("one memcpy", measure_copy, SIZE, SIZE),
        Contender("ProcessPoolExecutor", partial(measure, "ProcessPoolExecutor"), SIZE, SIZE),
        Contender("loky", partial(measure, "loky"), SIZE, SIZE),
        Contender("ipyparallel", partial(measure, "ipyparallel"), SIZE, SIZE),
        Contender("Dask", partial(measure, "Dask"), SIZE, SIZE),
    ),
    targets=(Target("ProcessPoolExecutor", 3),),
)
