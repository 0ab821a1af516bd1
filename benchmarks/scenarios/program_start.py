"""How long the command line takes to start, beyond the interpreter's own start."""

from __future__ import annotations

import sys
from functools import partial

from benchmarks.programs import PIPELINES, cost_of, installed, kept_folder, write_files
from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, bound

REPETITIONS = 10


def measure(args: tuple[str, ...], _size: int) -> Figure:
    """Seconds that `gangline ARGS` takes more than a Python program that does nothing."""
    folder = kept_folder("start", lambda folder: write_files(folder, ["here.txt"]))
    bare, started = [sys.executable, "-c", "pass"], [installed("gangline"), *args]
    cost_of(started, folder)  # the first run notes that the file is there, and keeps compiled modules
    without, with_start = [], []
    for _ in range(REPETITIONS):
        without.append(cost_of(bare, folder).seconds)
        with_start.append(cost_of(started, folder).seconds)
    return Figure(sorted(with_start)[REPETITIONS // 2] - sorted(without)[REPETITIONS // 2])


def _scenario(name: str, title: str, args: tuple[str, ...], allowed_s: float) -> Scenario:
    limit = f"{allowed_s * 1000:.0f} ms, the limit"
    return Scenario(
        name=name,
        title=f"{title}, beyond the interpreter's own start",
        unit=Unit.MILLISECONDS,
        contenders=(Contender(GANGLINE, partial(measure, args), 1, 1), bound(limit, allowed_s)),
        targets=(Target(limit, 1),),
        repetitions=2,
    )


HELP = _scenario("start_help", "gangline --help", ("--help",), 0.150)
RUN = _scenario("start_run", "gangline run with nothing to do", ("run", str(PIPELINES / "nothing.py")), 0.300)
