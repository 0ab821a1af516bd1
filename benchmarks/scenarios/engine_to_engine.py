"""One large array from one engine of a Dask cluster to another: straight, and through the client."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from benchmarks.fleets import dask_client
from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, best_of

THROUGH_CLIENT = "through the client"
TURNS = 10


@cache
def make(size_bytes: int) -> Any:
    """The array; that it comes into being for the first time is not measured."""
    return np.arange(size_bytes // 8, dtype=np.float64)


def use(array: Any) -> float:
    """Look at each page of it."""
    return float(array[::512].sum())


def _measure(size_bytes: int, transfer: Callable[[Any, Any, int], float]) -> Figure:
    """Gangline's seconds from engine 0 to engine 1."""
    from gangline import Client

    expected = use(make(size_bytes))
    with dask_client() as dask, Client(dask) as client:
        client.wait_for_engines(2)
        source, sink = (client[engine] for engine in client.ids[:2])

        def turn() -> None:
            assert transfer(source, sink, size_bytes) == expected

        turn()
        return Figure(best_of(TURNS, turn))


def measure_direct(size_bytes: int) -> Figure:
    """Seconds where the result of one task is the argument of the other."""
    return _measure(size_bytes, lambda source, sink, size: sink.apply_sync(use, source.apply_async(make, size)))


def measure_through_client(size_bytes: int) -> Figure:
    """Seconds where the client gets the result and sends it on."""
    return _measure(size_bytes, lambda source, sink, size: sink.apply_sync(use, source.apply_sync(make, size)))


def measure_dask(size_bytes: int) -> Figure:
    """Dask's own seconds from one worker to another."""
    expected = use(make(size_bytes))
    with dask_client() as client:
        source, sink = client.scheduler_info()["workers"]

        def turn() -> None:
            made = client.submit(make, size_bytes, workers=[source], pure=False)
            assert client.submit(use, made, workers=[sink], pure=False).result() == expected

        turn()
        return Figure(best_of(TURNS, turn))


SIZE = 100_000_000
SCENARIO = Scenario(
    name="engine_to_engine",
    title="100 MB NumPy array from one engine to another, 2 Dask workers",
    unit=Unit.MILLISECONDS,
    contenders=(
        Contender(GANGLINE, measure_direct, SIZE, SIZE),
        Contender(THROUGH_CLIENT, measure_through_client, SIZE, SIZE),
        Contender("Dask", measure_dask, SIZE, SIZE),
    ),
    targets=(Target(THROUGH_CLIENT, 2),),
    note="All on one host. A worker of Dask has tasks and data in one process; engines are processes of their own.",
)
