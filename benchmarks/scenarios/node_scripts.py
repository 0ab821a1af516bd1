"""Many short node scripts, one after the other on each of two places."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.scenario import ENGINES, GANGLINE, Contender, Figure, Scenario, Target, Unit

SCRIPT = Path(__file__).resolve().parent.parent / "recipes" / "trivial.py"
SCRIPTS = 200
PEER = "python -c 'import logging, json, socket'"


def measure_recipe(size: int) -> Figure:
    """Seconds by script, of a recipe that has them run."""
    from gangline.recipes import ComputeJob, RemoteCommandRecipeMixIn

    class Recipe(RemoteCommandRecipeMixIn):
        logger = logging.getLogger("recipe")

    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled modules are kept, as after an installation
    recipe = Recipe()
    recipe.logger.setLevel(logging.INFO)

    def run(count: int) -> None:
        jobs = [ComputeJob("localhost", [sys.executable, str(SCRIPT)], [str(number)]) for number in range(count)]
        recipe._schedule_jobs(jobs, max_per_node=ENGINES).raise_for_failures()

    run(ENGINES)
    begun = time.perf_counter()
    run(size)
    return Figure((time.perf_counter() - begun) / size)


def measure_bare(size: int) -> Figure:
    """Seconds by interpreter that imports what a log over a network needs, and ends."""
    command = ["xargs", "-n", "1", "-P", str(ENGINES), sys.executable, "-c", "import logging, json, socket"]
    words = "".join(f"{number}\n" for number in range(size))
    begun = time.perf_counter()
    subprocess.run(command, input=words, text=True, check=True)
    return Figure((time.perf_counter() - begun) / size)


SCENARIO = Scenario(
    name="node_scripts",
    title=f"{SCRIPTS} node scripts on this host that log a line and end, {ENGINES} at a time",
    unit=Unit.MILLISECONDS,
    contenders=(
        Contender(GANGLINE, measure_recipe, SCRIPTS, SCRIPTS // 4),
        Contender(PEER, measure_bare, SCRIPTS, SCRIPTS // 4),
    ),
    targets=(Target(PEER, 1 / 1.5),),
    note="The peer only starts interpreters; nobody hears what they log.",
)
