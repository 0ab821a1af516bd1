"""Jobs of a second each on Slurm with four slots."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, bound, seconds

JOBS, QUICK_JOBS = 100, 24
SLOTS = 4
JOB_S = 1

ARRAY = "one array, submitted by hand"
LOOP = "sbatch --wait in 4 loops"
IDEAL = "ideal"


@contextmanager
def four_slots() -> Iterator[None]:
    """A Slurm with four nodes of one processor, as the tests have it, for this process."""
    from tests.slurm import started

    with tempfile.TemporaryDirectory(prefix="gl") as folder, started(Path(folder) / "s", nodes=SLOTS, cpus=1) as slurm:
        before, here = os.environ.copy(), Path.cwd()
        os.environ |= slurm.environment
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)
            os.environ.clear()
            os.environ |= before


def measure_ours(size: int) -> Figure:
    """Seconds by job, from the client's start to the last result."""
    from gangline import Client, Command

    def work() -> None:
        with Client(backend="batch", system="slurm") as client:
            view = client.load_balanced_view()
            results = [view.apply(Command(["sleep", str(JOB_S)])) for _ in range(size)]
            for result in results:
                result.get()

    with four_slots():
        return Figure(seconds(work) / size)


def measure_array(size: int) -> Figure:
    """Seconds by job of what the scheduler itself takes, with all jobs in its hands at once."""
    command = ["sbatch", f"--array=1-{size}", "--output=/dev/null", f"--wrap=sleep {JOB_S}"]

    def work() -> None:
        _run(command)
        while subprocess.run(["squeue", "--noheader"], check=True, stdout=subprocess.PIPE).stdout:
            time.sleep(0.1)

    with four_slots():
        return Figure(seconds(work) / size)


def measure_loop(size: int) -> Figure:
    """Seconds by job, four at a time, each submitted and waited for."""
    command = ["sbatch", "--wait", "--output=/dev/null", f"--wrap=sleep {JOB_S}"]

    def work() -> None:
        with ThreadPoolExecutor(SLOTS) as loops:
            list(loops.map(lambda _: _run(command), range(size)))

    with four_slots():
        return Figure(seconds(work) / size)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


SCENARIO = Scenario(
    name="slurm_jobs",
    title=f"{JOBS} jobs of a second on Slurm with {SLOTS} slots",
    unit=Unit.MILLISECONDS,
    contenders=(
        Contender(GANGLINE, measure_ours, JOBS, QUICK_JOBS),
        Contender(ARRAY, measure_array, JOBS, QUICK_JOBS),
        Contender(LOOP, measure_loop, JOBS, QUICK_JOBS),
        bound(IDEAL, JOB_S / SLOTS),
    ),
    targets=(Target(ARRAY, 1 / 1.15), Target(LOOP, 1)),
    repetitions=1,
    note=(
        "Cost by job. The array by hand is the ideal and what Slurm itself takes to begin and end jobs: nobody can be "
        "faster with one job for each."
    ),
)
