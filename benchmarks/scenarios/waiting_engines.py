"""Equal work on ever more engines of a Dask cluster that wait instead of compute: how close they come to the ideal."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial

from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, best_of

LARGEST = 16
FEWER = (8, 4, 2, 1)
TASK_S = 0.25
TASKS = 128
"""On each number of engines they fill whole rounds: what is lost is lost by Gangline."""

QUICK_ROUNDS = 8
TURNS = 3
"""Of those with as many engines as there are, within one measurement; it is they that a busy moment hits."""

IDEAL = "ideal"
LOOPS = f"{LARGEST} bare loops"
_LOOP = "import sys, time; input(); [time.sleep(float(sys.argv[1])) for _ in range(int(sys.argv[2]))]; print()"


def measure(engines: int, size: int) -> Figure:
    """Seconds of engine time per task, from the submission of all to the last result."""
    from gangline import Client

    with Client(backend="dask", engines=engines) as client:
        client.wait_for_engines(engines, timeout=120)
        view = client.load_balanced_view()
        view.map(time.sleep, [0.02] * 4 * engines, chunksize=1).get()

        def run() -> None:
            view.map(time.sleep, [TASK_S] * size, chunksize=1).get()

        cost = best_of(TURNS if engines == LARGEST else 1, run) * engines / size
    return Figure(cost, f"efficiency {TASK_S / cost:.1%}")


def measure_loops(size: int) -> Figure:
    """The same of as many processes that do nothing but sleep in a loop: what this machine's clock and load allow."""
    return Figure(min(_run_loops(size) for _ in range(TURNS)) * LARGEST / size)


def _run_loops(size: int) -> float:
    command = [sys.executable, "-c", _LOOP, str(TASK_S), str(size // LARGEST)]
    loops = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(LARGEST)]
    time.sleep(1.0)  # until all have started
    begun = time.perf_counter()
    for loop in loops:
        assert loop.stdin is not None
        loop.stdin.write(b"go\n")
        loop.stdin.flush()
    for loop in loops:
        loop.communicate()
    return time.perf_counter() - begun


def measure_ideal(_: int) -> Figure:
    """What it would be if the work were shared out without loss."""
    return Figure(TASK_S)


def _name(engines: int) -> str:
    return f"on {engines} engine{'s' * (engines > 1)}"


SCENARIO = Scenario(
    name="waiting_engines",
    title=f"{TASKS} tasks that sleep for {TASK_S:g} s on {LARGEST} engines of a Dask cluster, and on fewer",
    unit=Unit.MILLISECONDS,
    contenders=(
        Contender(GANGLINE, partial(measure, LARGEST), TASKS, TASKS),
        Contender(IDEAL, measure_ideal, TASKS, TASKS),
        Contender(LOOPS, measure_loops, TASKS, TASKS),
        *(Contender(_name(engines), partial(measure, engines), TASKS, QUICK_ROUNDS * engines) for engines in FEWER),
    ),
    targets=(Target(IDEAL, 0.95),),
    note=(
        f"Elapsed time x engines / tasks. The ratio to the ideal is the efficiency on {LARGEST} engines. "
        f"The bare loops are as many processes that do nothing but sleep: what the machine allows."
    ),
)
