"""A map whose every item is a task of its own."""

from __future__ import annotations

from functools import partial

from benchmarks.fleets import warm_fleet
from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, best_of
from benchmarks.work import identity


def measure(name: str, size: int) -> Figure:
    """Seconds per item."""
    with warm_fleet(name) as fleet:
        assert fleet.map_each(identity, range(100)) == list(range(100))
        return Figure(best_of(3, partial(fleet.map_each, identity, range(size))) / size)


SCENARIO = Scenario(
    name="map_tracked",
    title="map over 10,000 tracked items, chunk size 1",
    unit=Unit.MICROSECONDS,
    contenders=(
        Contender(GANGLINE, partial(measure, GANGLINE), 10_000, 10_000),
        Contender("ProcessPoolExecutor", partial(measure, "ProcessPoolExecutor"), 10_000, 5_000),
        Contender("Pool", partial(measure, "Pool"), 10_000, 10_000),
        Contender("loky", partial(measure, "loky"), 10_000, 5_000),
        Contender("ipyparallel", partial(measure, "ipyparallel"), 2_000, 500),
        Contender("Dask", partial(measure, "Dask"), 10_000, 2_000),
    ),
    targets=(Target("ProcessPoolExecutor", 8),),
    note="Cost per item. Pool.map has one result object for all items and keeps no record of any.",
)
