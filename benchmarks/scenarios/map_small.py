"""A map over very many very small items, where the library chooses the chunks."""

from __future__ import annotations

import multiprocessing
from functools import partial

from benchmarks.fleets import warm_fleet
from benchmarks.scenario import ENGINES, GANGLINE, Contender, Figure, Scenario, Target, Unit, best_of
from benchmarks.work import identity

CHUNK_SIZES = (None, 300, 1_000, 3_000, 10_000, 30_000, 62_500, 125_000, 250_000, 500_000)


def measure(size: int) -> Figure:
    """Gangline's seconds per item, no chunk size given."""
    with warm_fleet(GANGLINE) as fleet:
        assert fleet.map_all(identity, range(1_000)) == list(range(1_000))
        return Figure(best_of(5, partial(fleet.map_all, identity, range(size))) / size)


def measure_pool(size: int) -> Figure:
    """`Pool.map`'s seconds per item with the chunk size that suits it best."""
    with multiprocessing.Pool(ENGINES) as pool:
        pool.map(identity, range(1_000))
        cost, chunk_size = min(
            (best_of(2, partial(pool.map, identity, range(size), chunk)) / size, chunk or 0) for chunk in CHUNK_SIZES
        )
        cost = min(cost, best_of(5, partial(pool.map, identity, range(size), chunk_size or None)) / size)
    return Figure(cost, f"best chunk size: {chunk_size or 'its default'}")


SCENARIO = Scenario(
    name="map_small",
    title="map over 1,000,000 small items, no chunk size given",
    unit=Unit.NANOSECONDS,
    contenders=(
        Contender(GANGLINE, measure, 1_000_000, 1_000_000),
        Contender("Pool, best chunk size", measure_pool, 1_000_000, 1_000_000),
    ),
    targets=(Target("Pool, best chunk size", 1),),
    note=f"Cost per item. multiprocessing.Pool.map has tried the chunk sizes {CHUNK_SIZES[1:]} and its default.",
)
