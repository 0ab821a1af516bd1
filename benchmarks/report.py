"""The outcome: as a table for people, as JSON to keep."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich import box
from rich.table import Table

from benchmarks.scenario import ENGINES, GANGLINE, Figure, Scenario, Target

PACKAGES = ("gangline", "ipyparallel", "distributed", "loky", "numpy", "cloudpickle", "ruffus", "snakemake", "ninja",
    "huey", "pgqueuer", "procrastinate", "celery", "dramatiq", "psycopg")  # fmt: skip


@dataclass
class Standing:
    """How one contender did.

    Attributes:
        size: How large their work was.
        typical: Whether the median of the turns counts, and not the best of them.
        figures: One for each turn.
        failure: Why there are none, if there are none.
    """

    size: int
    typical: bool = False
    figures: list[Figure] = field(default_factory=list)
    failure: str = ""

    @property
    def counted(self) -> Figure | None:
        """The turn that counts."""
        if not self.figures:
            return None
        return sorted(self.figures)[len(self.figures) // 2 if self.typical else 0]


@dataclass
class Outcome:
    """How all did in one scenario."""

    scenario: Scenario
    standings: dict[str, Standing]

    def ratio(self, peer: str) -> float | None:
        """How many times as much the peer's work costs as Gangline's; None where one of the two has no figure."""
        ours, theirs = self.standings[GANGLINE].counted, self.standings[peer].counted
        return theirs.cost / ours.cost if ours and theirs else None

    def reached(self, target: Target) -> bool | None:
        """Whether the target is reached; None when it could not be measured."""
        ratio = self.ratio(target.peer)
        return None if ratio is None else ratio >= target.factor


def as_table(outcomes: list[Outcome], title: str) -> Table:
    """One line for each peer of each scenario."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("scenario", GANGLINE, "peer", "its figure", "ratio", "target", "reached"):
        right = heading in (GANGLINE, "its figure", "ratio", "target")
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    for outcome in outcomes:
        _add_rows(table, outcome)
    return table


def _add_rows(table: Table, outcome: Outcome) -> None:
    scenario = outcome.scenario
    targets = {target.peer: target for target in scenario.targets}
    name, ours = scenario.name, _figure_text(scenario, outcome.standings[GANGLINE])
    for peer, standing in outcome.standings.items():
        if peer == GANGLINE:
            continue
        target = targets.get(peer)
        ratio = outcome.ratio(peer)
        table.add_row(
            name,
            ours,
            peer,
            _figure_text(scenario, standing),
            "-" if ratio is None else f"{ratio:.2f}",
            f"≥ {target.factor:g}" if target else "",
            _verdict(outcome, target),
        )
        name = ours = ""
    table.add_section()


def _figure_text(scenario: Scenario, standing: Standing) -> str:
    return scenario.unit.text(standing.counted.cost) if standing.counted else "none"


def _verdict(outcome: Outcome, target: Target | None) -> str:
    if target is None:
        return ""
    reached = outcome.reached(target)
    return {True: "[green]yes[/]", False: "[red]no[/]", None: "[red]unknown[/]"}[reached]


def footnotes(outcomes: list[Outcome]) -> list[str]:
    """What one must know to read the table, and what went wrong."""
    lines = [
        "Each figure is the best of its turns, or the median where it says so; the contenders took turns. Ratio: the "
        "peer's figure / Gangline's."
    ]
    for outcome in outcomes:
        scenario = outcome.scenario
        about = [f"{scenario.name}: {scenario.title}. {scenario.note}".strip()]
        if scenario.typical:
            about.append("Medians.")
        sizes = {name: standing.size for name, standing in outcome.standings.items() if standing.size}
        less = [f"{name} {size:,}" for name, size in sizes.items() if size < sizes[GANGLINE]]
        if less and scenario.scaled:
            about.append(f"Of {sizes[GANGLINE]:,} units of work, to keep it short: {', '.join(less)}.")
        about += [f"{name}: {_remark(each)}." for name, each in outcome.standings.items() if _remark(each)]
        lines.append(" ".join(about))
    return lines


def _remark(standing: Standing) -> str:
    if standing.failure:
        return f"failed: {standing.failure}"
    return standing.counted.note if standing.counted else ""


def as_json(outcomes: list[Outcome], load_before: float) -> dict[str, Any]:
    """Everything that was measured, and on what."""
    return {
        "machine": {
            "cores": os.cpu_count(),
            "architecture": platform.machine(),
            "system": platform.system(),
            "load_before": round(load_before, 2),
        },
        "engines": ENGINES,
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "scenarios": {outcome.scenario.name: _outcome_json(outcome) for outcome in outcomes},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    scenario = outcome.scenario
    label = scenario.unit.base
    return {
        "title": scenario.title,
        "note": scenario.note,
        "contenders": {
            name: {
                "size": standing.size,
                f"{'median' if scenario.typical else 'best'}_{label}": standing.counted.cost
                if standing.counted
                else None,
                f"all_{label}": [figure.cost for figure in standing.figures],
                "note": standing.counted.note if standing.counted else standing.failure,
                "ratio": outcome.ratio(name),
            }
            for name, standing in outcome.standings.items()
        },
        "targets": [
            {
                "peer": target.peer,
                "at_least": target.factor,
                "ratio": outcome.ratio(target.peer),
                "reached": outcome.reached(target),
            }
            for target in scenario.targets
        ],
    }
