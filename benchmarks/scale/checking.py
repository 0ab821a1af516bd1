"""Is the simulator right? The same small runs, real and simulated, side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.scale.grid import costs_of
from benchmarks.scale.probes import STARTS
from benchmarks.scale.simulation import Load, play


class Check(NamedTuple):
    """A run on engines that wait."""

    kind: str
    engines: int
    task_s: float
    tasks: int


CHECKS = (
    Check("processes", 8, 0.001, 8_000),
    Check("processes", 8, 0.01, 1_600),
    Check("processes", 16, 0.1, 480),
    Check("dask", 8, 0.1, 240),
)
TURNS = 3


def check_all(measured: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """Each of them, real (the best of several) and simulated."""
    rows = []
    for check in CHECKS:
        real = [run(check) for _ in range(TURNS)]
        simulated = play(Load(check.engines, check.task_s), costs_of(check.kind, measured, within_host=True))
        rows.append(
            check._asdict()
            | {"real_tasks_per_s": max(rate for rate, _ in real), "simulated_tasks_per_s": simulated.tasks_per_s}
            | {
                "real_client_s": min(spent for _, spent in real),
                "simulated_client_s": simulated.client_share / simulated.tasks_per_s,
            }
        )
    return rows


def run(check: Check) -> tuple[float, float]:
    """Tasks in a second, and processor time of this process for each, on real engines."""
    with STARTS[check.kind](check.engines) as (client, _):
        view = client.load_balanced_view()
        view.map(time.sleep, [check.task_s] * 4 * check.engines, chunksize=1).get()
        begun, spent = time.perf_counter(), time.process_time()
        view.map(time.sleep, [check.task_s] * check.tasks, chunksize=1).get()
        return check.tasks / (time.perf_counter() - begun), (time.process_time() - spent) / check.tasks
