"""`python -m benchmarks.scale`: measure the costs, simulate, and write the page's numbers and its figure."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from benchmarks.scale.checking import check_all
from benchmarks.scale.figure import draw
from benchmarks.scale.grid import play_all
from benchmarks.scale.page import FIGURE, NUMBERS, PAGE, fill
from benchmarks.scale.probes import PROBES

ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 600.0


def tell(what: str) -> None:
    """Progress, for whoever waits."""
    click.echo(what, err=True)


def measure_costs(turns: int) -> dict[str, dict[str, float]]:
    """Each probe in processes of its own; of what it told several times, the least counts."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    measured: dict[str, dict[str, float]] = {}
    for turn in range(turns):
        for name in PROBES:
            tell(f"measuring: {name}, turn {turn + 1} of {turns}")
            command = [sys.executable, "-m", "benchmarks.scale.probes", name]
            done = subprocess.run(
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT_S, check=True
            )
            numbers: dict[str, float] = json.loads(done.stdout)
            before = measured.setdefault(name, {})
            for what, number in numbers.items():
                pick = max if what.endswith("_per_s") else min
                before[what] = pick(before.get(what, number), number)
    return measured


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}


@click.command()
@click.option("--turns", default=2, show_default=True, help="How often each cost is measured.")
@click.option("--keep-costs", is_flag=True, help="Simulate again with the costs that were measured before.")
@click.option("--page-only", is_flag=True, help="Write the page and the figure again; measure and simulate nothing.")
def main(turns: int, keep_costs: bool, page_only: bool) -> None:
    """Measure the costs, simulate, and write the page's numbers and its figure."""
    if page_only:
        numbers = json.loads(NUMBERS.read_text())
    else:
        if keep_costs:
            before = json.loads(NUMBERS.read_text())
            numbers = {"machine": before["machine"], "costs": before["costs"]}
        else:
            numbers = {"machine": machine(), "costs": measure_costs(turns)}
        tell("checking the simulator against real runs")
        numbers["checks"] = check_all(numbers["costs"])
        numbers |= play_all(numbers["costs"], tell)
        NUMBERS.write_text(json.dumps(numbers, indent=2) + "\n")
    draw(numbers, FIGURE)
    PAGE.write_text(fill(PAGE.read_text(), numbers))


if __name__ == "__main__":
    main()
