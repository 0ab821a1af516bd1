"""Run the scenarios, print the table, keep the figures."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import click
from rich.console import Console

from benchmarks.measure import MeasurementFailed, measure_apart
from benchmarks.programs import USED
from benchmarks.report import Outcome, Standing, as_json, as_table, footnotes
from benchmarks.scenario import ENGINES, Scenario
from benchmarks.scenarios import SCENARIOS

LATEST = Path(__file__).parent / "results" / "latest.json"
TABLE_WIDTH = 110
NAMES = [scenario.name for scenario in SCENARIOS]


def play(scenario: Scenario, quick: bool, console: Console) -> Outcome:
    """Let everyone take turns, so that a moment in which the machine is busy hits no one alone."""
    standings = {
        contender.name: Standing(contender.quick_size if quick else contender.size, scenario.typical)
        for contender in scenario.contenders
    }
    turns = 1 if quick else scenario.repetitions
    for turn in range(turns):
        for contender in scenario.contenders:
            standing = standings[contender.name]
            if standing.failure:
                continue
            with console.status(f"{scenario.name}: {contender.name}, turn {turn + 1} of {turns}"):
                try:
                    standing.figures.append(measure_apart(scenario, contender, standing.size))
                except MeasurementFailed as exc:
                    standing.failure = str(exc)
                    console.print(f"{scenario.name}: {contender.name} failed: {exc}", style="red", markup=False)
    return Outcome(scenario, standings)


@click.command()
@click.option("--quick", is_flag=True, help="One turn each, less work for slow peers.")
@click.option("--only", type=click.Choice(NAMES), multiple=True, help="Only this scenario; may be repeated.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to keep the figures as JSON. A full run is kept in benchmarks/results/latest.json.",
)
def main(quick: bool, only: tuple[str, ...], output: Path | None) -> None:
    """Measure Gangline against its peers and print the table."""
    progress, console = Console(stderr=True), Console()
    progress.width = console.width = max(console.width, TABLE_WIDTH)
    load_before = os.getloadavg()[0]
    if load_before > 0.3:
        progress.print(f"The machine is busy (load {load_before:.1f}): the figures will be worse than they could be.")
    outcomes = []
    try:
        for scenario in SCENARIOS:
            if only and scenario.name not in only:
                continue
            outcomes.append(play(scenario, quick, progress))
            progress.print(as_table(outcomes[-1:], scenario.title))
    finally:
        shutil.rmtree(USED, ignore_errors=True)
    console.print(as_table(outcomes, f"Gangline and its peers, {ENGINES} engines, {os.cpu_count()} cores"))
    for line in footnotes(outcomes):
        console.print(f"- {line}", markup=False, highlight=False)
    if output is None and not (quick or only):
        output = LATEST
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(as_json(outcomes, load_before), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
