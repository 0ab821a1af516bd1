"""Many tasks that do nothing on the workers of a Dask cluster: through Gangline, and through Dask itself."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.fleets import dask_client
from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, best_of
from benchmarks.work import identity

BATCH_SIZES = (None, 10, 100, 1_000)


def measure(size: int) -> Figure:
    """Gangline's seconds per task, with each item a task of its own."""
    from gangline import Client

    with dask_client() as dask, Client(dask) as client:
        client.wait_for_engines(2)
        view = client.load_balanced_view()
        assert view.map(identity, range(500), chunksize=1).get() == list(range(500))
        return Figure(best_of(3, lambda: view.map(identity, range(size), chunksize=1).get()) / size)


def _map(client: Any, size: int, batch_size: int | None) -> None:
    client.gather(client.map(identity, range(size), pure=False, batch_size=batch_size))


def measure_map(size: int) -> Figure:
    """Seconds per task of `Client.map` with the batch size that suits it best."""
    with dask_client() as client:
        _map(client, 100, None)
        cost, batch_size = min(
            (best_of(1, partial(_map, client, size, batch_size)) / size, batch_size or 0) for batch_size in BATCH_SIZES
        )
    return Figure(cost, f"best batch size: {batch_size or 'none'}")


def measure_submit(size: int) -> Figure:
    """Seconds per task of `Client.submit`."""
    with dask_client() as client:

        def submit_all() -> None:
            client.gather([client.submit(identity, item, pure=False) for item in range(size)])

        _map(client, 100, None)
        return Figure(best_of(1, submit_all) / size)


SCENARIO = Scenario(
    name="dask_tasks",
    title="10,000 tasks that do nothing on 2 Dask workers",
    unit=Unit.MICROSECONDS,
    contenders=(
        Contender(GANGLINE, measure, 10_000, 10_000),
        Contender("Dask map, best batch", measure_map, 10_000, 1_000),
        Contender("Dask submit", measure_submit, 10_000, 1_000),
    ),
    targets=(Target("Dask map, best batch", 30), Target("Dask submit", 30)),
    note=f"Cost per task. Dask's Client.map has tried the batch sizes {BATCH_SIZES[1:]} and none.",
)
