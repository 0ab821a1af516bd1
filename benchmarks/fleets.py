"""Everyone's two engine processes behind the same four verbs, each in the way its own documentation recommends."""

from __future__ import annotations

import logging
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from typing import Any

from benchmarks.scenario import ENGINES, GANGLINE
from benchmarks.work import identity, occupy

Function = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Engines that are ready.

    Attributes:
        submit: One call as a task of its own; returns at once with something to wait on.
        result: Wait for one.
        gather: Wait for many.
        map_each: Every item as a task of its own; waits.
        map_all: All items, in chunks as the library chooses them; waits.
    """

    submit: Callable[[Function, Any], Any]
    result: Callable[[Any], Any]
    gather: Callable[[list[Any]], list[Any]]
    map_each: Callable[[Function, Iterable[Any]], list[Any]]
    map_all: Callable[[Function, Iterable[Any]], list[Any]]


@contextmanager
def gangline_fleet() -> Iterator[Fleet]:
    """Gangline's load-balanced view."""
    from gangline import Client

    with Client(engines=ENGINES) as client:
        view = client.load_balanced_view()
        get = methodcaller("get")
        yield Fleet(
            submit=view.apply_async,
            result=get,
            gather=lambda results: [result.get() for result in results],
            map_each=lambda function, items: view.map(function, items, chunksize=1).get(),
            map_all=lambda function, items: view.map_sync(function, items),
        )


def _executor_fleet(executor: Executor) -> Fleet:
    return Fleet(
        submit=executor.submit,
        result=methodcaller("result"),
        gather=lambda futures: [future.result() for future in futures],
        map_each=lambda function, items: list(executor.map(function, items)),
        map_all=lambda function, items: list(executor.map(function, items)),
    )


@contextmanager
def process_pool_executor_fleet() -> Iterator[Fleet]:
    """The standard library's executor."""
    with ProcessPoolExecutor(ENGINES) as executor:
        yield _executor_fleet(executor)


@contextmanager
def loky_fleet() -> Iterator[Fleet]:
    """The executor that joblib uses."""
    import loky  # type: ignore[import-not-found]

    with loky.ProcessPoolExecutor(ENGINES) as executor:
        yield _executor_fleet(executor)


@contextmanager
def pool_fleet() -> Iterator[Fleet]:
    """The standard library's older pool."""
    with multiprocessing.Pool(ENGINES) as pool:
        yield Fleet(
            submit=lambda function, item: pool.apply_async(function, (item,)),
            result=methodcaller("get"),
            gather=lambda results: [result.get() for result in results],
            map_each=partial(pool.map, chunksize=1),
            map_all=pool.map,
        )


@contextmanager
def ipyparallel_fleet() -> Iterator[Fleet]:
    """IPython parallel's load-balanced view, its files in a directory that is thrown away."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["IPYTHONDIR"] = home
        import ipyparallel  # type: ignore[import-not-found]

        with ipyparallel.Cluster(n=ENGINES, log_level=logging.ERROR) as client:
            view = client.load_balanced_view()
            yield Fleet(
                submit=view.apply_async,
                result=methodcaller("get"),
                gather=lambda results: [result.get() for result in results],
                map_each=lambda function, items: view.map_sync(function, items, chunksize=1),
                map_all=view.map_sync,
            )


@contextmanager
def dask_client() -> Iterator[Any]:
    """Dask's client of a local cluster of single-threaded worker processes."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=ENGINES, threads_per_worker=1, dashboard_address=None, silence_logs=logging.ERROR
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def dask_fleet() -> Iterator[Fleet]:
    """Dask's futures; `pure=False` as every call is to be run."""
    with dask_client() as client:

        def map_all(function: Function, items: Iterable[Any]) -> list[Any]:
            return list(client.gather(client.map(function, items, pure=False)))

        yield Fleet(
            submit=partial(client.submit, pure=False),
            result=methodcaller("result"),
            gather=client.gather,
            map_each=map_all,
            map_all=map_all,
        )


FLEETS: dict[str, Callable[[], AbstractContextManager[Fleet]]] = {
    GANGLINE: gangline_fleet,
    "ProcessPoolExecutor": process_pool_executor_fleet,
    "Pool": pool_fleet,
    "loky": loky_fleet,
    "ipyparallel": ipyparallel_fleet,
    "Dask": dask_fleet,
}


@contextmanager
def warm_fleet(name: str) -> Iterator[Fleet]:
    """A fleet all of whose engines have run something."""
    with FLEETS[name]() as fleet:
        fleet.gather([fleet.submit(occupy, 0.02) for _ in range(10 * ENGINES)])
        fleet.gather([fleet.submit(identity, item) for item in range(50)])
        yield fleet
