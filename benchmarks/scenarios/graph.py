"""A graph of many tasks in layers, each after three of the layer before."""

from __future__ import annotations

import random
from typing import Any

from benchmarks.fleets import dask_client
from benchmarks.scenario import ENGINES, GANGLINE, Contender, Figure, Scenario, Target, Unit, seconds
from benchmarks.work import merge

LAYERS = 100
PARENTS = 3


def layered_graph(size: int) -> list[list[list[int]]]:
    """For each layer, for each of its tasks, the places of its parents in the layer before; the same every time."""
    random_ = random.Random(20)
    width = size // LAYERS
    first: list[list[int]] = [[] for _ in range(width)]
    return [first] + [[random_.sample(range(width), PARENTS) for _ in range(width)] for _ in range(LAYERS - 1)]


def measure_gangline(size: int) -> Figure:
    """Seconds per task, from the first submission to the last result."""
    from gangline import Client

    graph = layered_graph(size)
    with Client(engines=ENGINES) as client:
        view = client.load_balanced_view()
        view.map_sync(merge, range(100))

        def run() -> None:
            everything = []
            above: list[Any] = []
            for layer in graph:
                here = []
                for parents in layer:
                    with view.temp_flags(after=[above[parent] for parent in parents]):
                        here.append(view.apply_async(merge))
                everything += here
                above = here
            for result in everything:
                result.get()

        return Figure(seconds(run) / size)


def measure_dask(size: int) -> Figure:
    """Seconds per task for the whole graph given at once, Dask's own way."""
    graph: dict[str, tuple[object, ...]] = {}
    above: list[str] = []
    for depth, layer in enumerate(layered_graph(size)):
        here = [f"task-{depth}-{place}" for place in range(len(layer))]
        for name, parents in zip(here, layer, strict=True):
            graph[name] = (merge, *(above[parent] for parent in parents))
        above = here
    with dask_client() as client:
        client.gather(client.map(merge, range(100)))
        return Figure(seconds(lambda: client.get(graph, above)) / size)


SCENARIO = Scenario(
    name="graph",
    title="graph of 100,000 tasks in 100 layers, 3 dependencies each",
    unit=Unit.MICROSECONDS,
    contenders=(
        Contender(GANGLINE, measure_gangline, 100_000, 20_000),
        Contender("Dask", measure_dask, 20_000, 5_000),
    ),
    targets=(Target("Dask", 5),),
    repetitions=2,
    note="Cost per task. Gangline: 100,000 calls with `after`, each with a result of its own; "
    "Dask: one graph, only the last layer's results; it costs less per task the smaller the graph is.",
)
