"""Many single submissions, each a task of its own with a result of its own."""

from __future__ import annotations

from functools import partial

from benchmarks.fleets import warm_fleet
from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, best_of
from benchmarks.work import identity


def measure(name: str, size: int) -> Figure:
    """Seconds per task, from the first submission to the last result."""
    with warm_fleet(name) as fleet:

        def run() -> None:
            submit = fleet.submit
            results = fleet.gather([submit(identity, item) for item in range(size)])
            assert results == list(range(size))

        return Figure(best_of(3, run) / size)


SCENARIO = Scenario(
    name="submissions",
    title="20,000 single submissions, each its own task and result",
    unit=Unit.MICROSECONDS,
    contenders=(
        Contender(GANGLINE, partial(measure, GANGLINE), 20_000, 20_000),
        Contender("ProcessPoolExecutor", partial(measure, "ProcessPoolExecutor"), 20_000, 5_000),
        Contender("loky", partial(measure, "loky"), 20_000, 5_000),
        Contender("ipyparallel", partial(measure, "ipyparallel"), 2_000, 500),
        Contender("Dask", partial(measure, "Dask"), 5_000, 1_000),
    ),
    targets=(Target("ProcessPoolExecutor", 8), Target("ipyparallel", 20), Target("Dask", 20)),
    note="Cost per task.",
)
