"""What is simulated: task lengths by numbers of engines, sizes of results, and how many engines can be kept busy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.scale.simulation import Costs, Load, play

LENGTHS_S = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
ENGINES: Mapping[str, Sequence[int]] = {"processes": (1, 10, 100), "dask": (1, 10, 100, 1_000, 10_000)}
NETWORK_S = {"processes": 0.0, "dask": 0.0001}
"""What a network adds to the way between client and engine; measured is within one host."""

BUSY = 0.95
MOST_ENGINES = 10_000
RESULTS_BYTES = (1_000, 100_000, 1_000_000, 10_000_000)
RESULT_LOAD = (100, 1.0)
LINK_BYTES_PER_S = 1.25e9
"""10 Gbit/s."""

Row = dict[str, Any]
Told = Callable[[str], None]


def costs_of(kind: str, measured: Mapping[str, Mapping[str, float]], *, within_host: bool = False) -> Costs:
    """What a client needs by what was measured; engines of a cluster are behind a network, or not."""
    numbers = measured[kind]
    alone_s = min(numbers["lone_s"], numbers["rush_s"])
    return Costs(
        submit_s=numbers["submit_s"],
        task_s=max(0.0, numbers["tiny_s"] - numbers["submit_s"]),
        exchange_s=max(0.0, alone_s - numbers["tiny_s"]),
        byte_s=numbers["received_byte_s"],
        way_s=max(0.0, numbers["round_trip_s"] - alone_s) / 2 + (0.0 if within_host else NETWORK_S[kind]),
        link_bytes_per_s=LINK_BYTES_PER_S,
    )


def play_all(measured: Mapping[str, Mapping[str, float]], tell: Told) -> Row:
    """Everything the page tells of."""
    return {
        "grid": [row for kind in ENGINES for row in _grid(kind, costs_of(kind, measured), tell)],
        "busy": [row for kind in ENGINES for row in _busy(kind, costs_of(kind, measured), tell)],
        "results": _results(costs_of("dask", measured), tell),
    }


def _grid(kind: str, costs: Costs, tell: Told) -> list[Row]:
    rows = []
    for task_s in LENGTHS_S:
        for engines in ENGINES[kind]:
            tell(f"{kind}: tasks of {task_s:g} s on {engines:,} engines")
            rows.append(
                {"kind": kind, "task_s": task_s, "engines": engines} | play(Load(engines, task_s), costs)._asdict()
            )
    return rows  # fmt: skip


def _busy(kind: str, costs: Costs, tell: Told) -> list[Row]:
    rows = []
    for task_s in LENGTHS_S:
        tell(f"{kind}: how many engines are busy with tasks of {task_s:g} s")
        rows.append({"kind": kind, "task_s": task_s, "engines": busy_engines(task_s, costs)})
    return rows


def busy_engines(task_s: float, costs: Costs) -> int:
    """How many engines one client keeps at work for 95 % of the time; `MOST_ENGINES` may mean more.

    0 if not even one is, since it waits for its next task for too long.
    """
    least, most = 1, max(2, min(MOST_ENGINES, round(1.5 * task_s / (costs.submit_s + costs.task_s))))
    guess = max(1, round(task_s / costs.lone_s))
    if guess > 1.2 * MOST_ENGINES:
        return MOST_ENGINES  # the grid has shown it
    if play(Load(1, task_s), costs).efficiency < BUSY:
        return 0
    while most > 1.03 * least and most - least > 1:
        middle = min(max(guess, least + 1), most - 1)
        if play(Load(middle, task_s), costs).efficiency >= BUSY:
            least = middle
        else:
            most = middle
        guess = round((least * most) ** 0.5) if most < 3 * least else 2 * least
    return least


def _results(costs: Costs, tell: Told) -> list[Row]:
    engines, task_s = RESULT_LOAD
    rows = []
    for size in RESULTS_BYTES:
        tell(f"results of {size:,} bytes")
        rows.append({"result_bytes": size} | play(Load(engines, task_s, size), costs)._asdict())
    return rows
