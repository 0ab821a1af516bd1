"""Pipelines whose files are all up to date: how long until that is known?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.programs import PIPELINES, cost_of, installed, kept_folder, python_program, write_files
from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, bound

FILES, MANY = 10_000, 100_000
QUICK = 1_000
PAUSE_S = 0.05
"""So that no file is as old as the one that it was made from."""


def _names(size: int) -> list[str]:
    return [f"{number:06d}" for number in range(size)]


def _fill(size: int, prepare: Sequence[str], folder: Path) -> None:
    """Files of all stages, each newer than the one before; then the tool takes note of them in its own way."""
    for ending in ("a", "b", "c"):
        write_files(folder, (f"{name}.{ending}" for name in _names(size)))
        time.sleep(PAUSE_S)
    if prepare:
        cost_of(prepare, folder)


def _library(name: str, size: int) -> Path:
    """The folder of Gangline's or Ruffus's pipeline. Gangline takes note for both: Ruffus believes the same history."""
    return kept_folder(
        f"{name}-{size}", partial(_fill, size, python_program("two_stages.py", "gangline.pipeline", "touch"))
    )


def measure_library(name: str, size: int) -> Figure:
    """Seconds of a whole program with Gangline or Ruffus."""
    return Figure(cost_of(python_program("two_stages.py", name), _library(name, size)).seconds)


def measure_per_file(size: int) -> Figure:
    """Seconds of a whole program with Gangline, by file of the first stage."""
    return Figure(
        cost_of(python_program("two_stages.py", "gangline.pipeline"), _library("gangline.pipeline", size))[0] / size
    )


def measure_memory(size: int) -> Figure:
    """The most memory, in bytes, that a program with Gangline has at once."""
    cost = cost_of(python_program("two_stages.py", "gangline.pipeline"), _library("gangline.pipeline", size))
    return Figure(cost.peak_bytes)


def measure_snakemake(size: int) -> Figure:
    """Seconds of Snakemake, one core, its usual triggers."""
    command = [installed("snakemake"), "--snakefile", str(PIPELINES / "Snakefile"), "--cores", "1", "--quiet", "all"]
    folder = kept_folder(f"snakemake-{size}", partial(_fill, size, [*command, "--touch"]))
    return Figure(cost_of(command, folder).seconds)


def measure_make(size: int) -> Figure:
    """Seconds of GNU make."""
    command = [installed("make"), "--file", str(PIPELINES / "Makefile"), "--silent"]
    return Figure(cost_of(command, kept_folder(f"make-{size}", partial(_fill, size, ()))).seconds)


def _fill_for_ninja(size: int, folder: Path) -> None:
    """Ninja believes only what it has run itself: the commands run once."""
    write_files(folder, (f"{name}.a" for name in _names(size)))
    lines = ["rule copy", "  command = cp $in $out"]
    for name in _names(size):
        lines += [f"build {name}.b: copy {name}.a", f"build {name}.c: copy {name}.b"]
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")
    cost_of([installed("ninja"), "--quiet"], folder)


def measure_ninja(size: int) -> Figure:
    """Seconds of ninja, its file written before."""
    folder = kept_folder(f"ninja-{size}", partial(_fill_for_ninja, size))
    return Figure(cost_of([installed("ninja"), "--quiet"], folder).seconds)


NOTHING_TO_DO = Scenario(
    name="nothing_to_do",
    title=f"whole program with nothing to do: {FILES:,} files in each of 2 stages, on disk",
    unit=Unit.MILLISECONDS,
    contenders=(
        Contender(GANGLINE, partial(measure_library, "gangline.pipeline"), FILES, QUICK),
        Contender("Ruffus", partial(measure_library, "ruffus"), FILES, QUICK),
        Contender("Snakemake", measure_snakemake, FILES, QUICK),
        Contender("make", measure_make, FILES, QUICK),
        Contender("ninja", measure_ninja, FILES, QUICK),
    ),
    targets=(Target("Ruffus", 8), Target("Snakemake", 20), Target("ninja", 0.25)),
    repetitions=5,
    typical=True,
    note="Level 1 of checks; Gangline has written the history. At least 0.25 of ninja: at most four times its time.",
    scaled=False,
)

FEWER = f"{FILES:,} files"
LINEAR = Scenario(
    name="nothing_to_do_many",
    title=f"the same by file: {MANY:,} files in each of 2 stages, against {FILES:,}",
    unit=Unit.MICROSECONDS,
    contenders=(
        Contender(GANGLINE, measure_per_file, MANY, 5 * QUICK),
        Contender(FEWER, measure_per_file, FILES, QUICK),
    ),
    targets=(Target(FEWER, 0.8),),
    repetitions=3,
    typical=True,
    note="Cost of the whole program by file of the first stage. At least 0.8: it grows by less than 25 %.",
    scaled=False,
)

LIMIT = "400 MB, the limit"
MEMORY = Scenario(
    name="nothing_to_do_memory",
    title=f"the same, {MANY:,} files in each of 2 stages: peak memory of the program",
    unit=Unit.MEGABYTES,
    contenders=(Contender(GANGLINE, measure_memory, MANY, 5 * QUICK), bound(LIMIT, 400e6)),
    targets=(Target(LIMIT, 1),),
    repetitions=1,
)
