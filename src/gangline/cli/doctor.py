"""`gangline doctor`: what this installation can do, and what it lacks."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.table import Table
from rich.text import Text

from gangline.cli.exits import WORK_FAILED
from gangline.cli.findings import (
    Finding,
    State,
    examine_engines,
    examine_extras,
    examine_machine,
    examine_scheduler,
)
from gangline.cli.output import Screen, output_option

_SIGNS = {State.OK: ("yes", "green"), State.ABSENT: ("no", "yellow"), State.BROKEN: ("FAILED", "bold red")}


@click.command()
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(min=0), default=30.0, show_default=True, metavar="SECONDS"
)
@output_option
def doctor(timeout_s: float, screen: Screen) -> None:
    """Tell what this installation can do, and what it lacks.

    Starts an engine on each backend and runs a task on it, and asks the batch system, if there is one here; each gets
    --timeout for its answer. The exit code is 1 if something that should work does not; a missing extra or batch system
    is told, but is no failure.
    """
    with screen.messages.status("looking around, starting engines ..."):
        findings = [*examine_machine(), *examine_engines(timeout_s), *examine_scheduler(timeout_s), *examine_extras()]
    broken = [finding.subject for finding in findings if finding.state is State.BROKEN]
    verdict = f"Broken: {', '.join(broken)}." if broken else "All that should work does."
    screen.result({"healthy": not broken, "findings": [asdict(f) for f in findings]}, _table(findings), verdict)
    if broken:
        raise SystemExit(WORK_FAILED)


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        sign, style = _SIGNS[finding.state]
        detail = Text(finding.detail)
        if finding.advice:
            detail.append(f"\n{finding.advice}", style="dim")
        table.add_row(finding.subject, Text(sign, style=style), detail)
    return table
