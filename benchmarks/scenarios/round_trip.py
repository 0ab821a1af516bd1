"""One task at a time: submit, wait, again."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection

from benchmarks.fleets import warm_fleet
from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit
from benchmarks.work import identity

MESSAGE = b"x" * 50
"""About what a call of a known function takes."""


def _median(trip: Callable[[int], object], size: int) -> Figure:
    durations = []
    for item in range(size):
        begun = time.perf_counter()
        trip(item)
        durations.append(time.perf_counter() - begun)
    return Figure(statistics.median(durations))


def measure(name: str, size: int) -> Figure:
    """Seconds from a submission to its result, the median."""
    with warm_fleet(name) as fleet:
        submit, result = fleet.submit, fleet.result
        return _median(lambda item: result(submit(identity, item)), size)


def measure_pipe(size: int) -> Figure:
    """Seconds for bytes through a pipe to another process and back, the median: what no pool can be faster than."""
    near, far = multiprocessing.Pipe()
    echo = multiprocessing.Process(target=_echo, args=(far,))
    echo.start()

    def trip(_: int) -> bytes:
        near.send_bytes(MESSAGE)
        return near.recv_bytes()

    figure = _median(trip, size)
    near.send_bytes(b"")
    echo.join()
    return figure


def _echo(connection: Connection) -> None:
    while message := connection.recv_bytes():
        connection.send_bytes(message)


SCENARIO = Scenario(
    name="round_trip",
    title="round trip of one task, median of 1,000",
    unit=Unit.MICROSECONDS,
    contenders=(
        Contender(GANGLINE, partial(measure, GANGLINE), 1_000, 1_000),
        Contender("bare pipe", measure_pipe, 1_000, 1_000),
        Contender("ProcessPoolExecutor", partial(measure, "ProcessPoolExecutor"), 1_000, 1_000),
        Contender("loky", partial(measure, "loky"), 1_000, 300),
        Contender("ipyparallel", partial(measure, "ipyparallel"), 1_000, 100),
        Contender("Dask", partial(measure, "Dask"), 1_000, 100),
    ),
    targets=(Target("ProcessPoolExecutor", 2), Target("bare pipe", 0.25)),
    note="The bare pipe carries 50 bytes to another process and back: no pickling, no pool.",
)
