"""Many jobs that do next to nothing: what a job costs around its own work."""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.programs import USED, cost_of, python_program, write_files
from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit

JOBS = 2_000
QUICK = 500
DISK, MEMORY = USED, Path("/dev/shm")
PLACES = {"disk": DISK, "tmpfs": MEMORY}


def measure(library: str, place: Path, parallelism: str, size: int) -> Figure:
    """Seconds of a whole program by job: each reads one file's name and writes another file."""
    place.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=place))
    try:
        write_files(folder, (f"{number:05d}.a" for number in range(size)))
        args = [parallelism] if parallelism else []
        cost = cost_of(python_program("file_jobs.py", library, *args), folder)
        assert len(list(folder.glob("*.b"))) == size
        inside = float((folder / "inside").read_text())
    finally:
        if place is not DISK:
            shutil.rmtree(folder)
    return Figure(cost.seconds / size, f"{inside / size * 1e6:,.0f} µs of it inside pipeline_run")


def _scenario(name: str, where: str, parallelism: str, on: str, factor: float) -> Scenario:
    return Scenario(
        name=f"file_jobs_{name}_{on}",
        title=f"whole program with {JOBS:,} trivial file jobs, {where}, on {on}",
        unit=Unit.MICROSECONDS,
        contenders=(
            Contender(GANGLINE, partial(measure, "gangline.pipeline", PLACES[on], parallelism), JOBS, QUICK),
            Contender("Ruffus", partial(measure, "ruffus", PLACES[on], parallelism), JOBS, QUICK),
        ),
        targets=(Target("Ruffus", factor),),
        repetitions=5,
        typical=True,
        note="Cost by job.",
        scaled=False,
    )


SCENARIOS = tuple(
    _scenario(name, where, parallelism, on, factor)
    for name, where, parallelism, factor in (
        ("processes", "2 processes", "multiprocess=2", 8),
        ("threads", "2 threads", "multithread=2", 3),
        ("here", "in its own process", "", 3),
    )
    for on in PLACES
)
