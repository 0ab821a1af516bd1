"""A run at a glance: its stages, its failures, and what to do about it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from gangline.cli.output import Line
from gangline.cli.pipelines.figures import counted, show_clock, show_duration, show_time
from gangline.cli.pipelines.files import stage_name
from gangline.cli.pipelines.reading import (
    fresh_of,
    run_data,
    short_id,
    stage_data,
    task_data,
    task_words,
    what_went_wrong,
)
from gangline.store.reader import Record
from gangline.store.rows import AttemptRow, RunRow, StageRow, TaskRow

__all__ = ["STYLES", "Overview", "overview_data", "run_overview", "runs_table", "stages_table", "take_overview"]

STYLES = {
    "ok": "green",
    "failed": "bold red",
    "interrupted": "yellow",
    "running": "cyan",
    "lost": "bold red",
    "held": "yellow",
    "cancelled": "yellow",
}
_FAILURES_SHOWN = 10
_INDENT = 8
_WORDS = {"lost": "died", "ok": "done"}


@dataclass(frozen=True, slots=True)
class Overview:
    """A run as it was at one moment.

    Attributes:
        run: The run.
        stages: Its stages in the order in which they began.
        counts: By stage, how many of its tasks are how far.
        failures: The tasks that failed, each with its last attempt.
        now_s: The moment, in seconds since the epoch.
        watched: It is shown again and again.
    """

    run: RunRow
    stages: Sequence[StageRow]
    counts: dict[str, dict[str, int]]
    failures: Sequence[tuple[TaskRow, AttemptRow | None]]
    now_s: float
    watched: bool = False


def take_overview(record: Record, run: RunRow | str) -> Overview:
    """A look at a run.

    Args:
        record: Where it stands.
        run: The run as it was read, or its id, to read it now.
    """
    row = record.run(run) if isinstance(run, str) else run
    return Overview(row, record.stages(row.id), record.counts(row.id), record.failures(row.id), time.time())


def overview_data(seen: Overview) -> dict[str, Any]:
    """A run at a glance for programs."""
    return {
        "run": run_data(seen.run),
        "stages": [stage_data(stage, seen.counts.get(stage.name, {})) for stage in seen.stages],
        "failures": [
            {**task_data(task), "error": what_went_wrong(attempt)} for task, attempt in seen.failures
        ],
    }  # fmt: skip


def run_overview(seen: Overview) -> Iterator[RenderableType]:
    """A run at a glance for people."""
    yield from _heading(seen)
    if seen.stages:
        yield stages_table(seen)
    yield from _failures(seen)
    advice = _advice(seen)
    if advice:
        yield Text("")
        yield Text(advice)


def _heading(seen: Overview) -> Iterator[Text]:
    run = seen.run
    first = Text(f"Run {short_id(run)} of {run.program or 'a program without a file'}: ")
    first.append(_WORDS.get(run.outcome, run.outcome), style=STYLES[run.outcome])
    if run.message:
        first.append(f" ({run.message})")
    yield first
    ended = seen.now_s if run.outcome == "running" else run.ended_at
    lasted = "" if ended is None else f", {'for' if run.outcome == 'running' else 'took'} "
    lasted += "" if ended is None else show_duration(ended - run.started_at)
    engines = f" with {run.engines} {run.backend}" if run.engines else f" with {run.backend}" if run.backend else ""
    engines = " as jobs of a scheduler" if run.backend == "batch" else engines
    yield Text(f"started {show_time(run.started_at)}{lasted}{engines}, as process {run.pid} on {run.host}", style="dim")
    yield Text(f"in {run.folder}: {shlex.join(run.argv)}", style="dim")
    yield Text("")


_COLUMNS = (
    ("ok", "done"),
    ("fresh", "up to date"),
    ("running", "running"),
    ("waiting", "waiting"),
    ("failed", "failed"),
    ("held", "held back"),
    ("cancelled", "cancelled"),
)
_ALWAYS = frozenset({"ok", "fresh"})


def stages_table(seen: Overview) -> Table:
    """The stages of a run, one in a row, with how many of their jobs are how far."""
    rows = [
        {**seen.counts.get(stage.name, {}), "fresh": fresh_of(stage, seen.counts.get(stage.name, {}))}
        for stage in seen.stages
    ]
    columns = [(key, heading) for key, heading in _COLUMNS if key in _ALWAYS or any(row.get(key) for row in rows)]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("stage", no_wrap=True)
    for heading in ("jobs", *(heading for _, heading in columns), "time"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for stage, row in zip(seen.stages, rows, strict=True):
        lasted = _lasted(stage, seen) if any(seen.counts.get(stage.name, {}).values()) else ""
        counts = [Text(f"{row.get(key, 0):,}", style=_style(key, row.get(key, 0))) for key, _ in columns]
        table.add_row(stage_name(stage.name), f"{stage.total:,}", *counts, lasted, _state(stage, row, seen.run))
    return table


def _lasted(stage: StageRow, seen: Overview) -> str:
    until = stage.ended_at if stage.ended_at is not None else seen.run.ended_at
    if until is None and seen.run.outcome == "running":
        until = seen.now_s
    return "" if until is None else show_duration(until - stage.started_at)


def _style(key: str, number: int) -> str:
    return "dim" if not number else STYLES.get(key, "")


def _state(stage: StageRow, counts: dict[str, int], run: RunRow) -> Text:
    match stage.outcome:
        case "ok":
            return Text("")
        case None:
            return Text("running" if run.outcome == "running" else "not finished", style=STYLES["interrupted"])
        case "failed" if counts.get("held") and not counts.get("failed"):
            return Text("held back", style=STYLES["held"])
        case "failed":
            return Text("failed", style=STYLES["failed"])
        case "skipped":
            return Text("not finished" if any(counts.values()) else "not reached", style=STYLES["interrupted"])
        case _:
            return Text("no jobs", style="dim")


def _failures(seen: Overview) -> Iterator[RenderableType]:
    if not seen.failures:
        return
    yield Text("")
    yield Text(f"{counted(len(seen.failures), 'task')} failed:", style="bold")
    for task, attempt in seen.failures[:_FAILURES_SHOWN]:
        yield Line(Text(f"{stage_name(task.stage)}  {task_words(task)}"), _INDENT, Text(f"  {task.number:>4}"))
        why = what_went_wrong(attempt)
        if why:
            yield Line(Text(why, style="red"), _INDENT)
    more = len(seen.failures) - _FAILURES_SHOWN
    if more > 0:
        yield Text(f"        and {more:,} more; --output json names all")


def _advice(seen: Overview) -> str:
    run = seen.run
    match run.outcome:
        case "lost":
            return (
                f"Process {run.pid} on {run.host} ended without a word: it was killed, or the machine went down. "
                + (
                    "Its jobs in the scheduler's queue go on, and `gangline retry` finds them."
                    if run.backend == "batch"
                    else "What it was making counts as half-made and is made again; `gangline retry` goes on where it "
                    "stopped."
                )
            )
        case "interrupted":
            return "It was interrupted; `gangline retry` goes on where it stopped."
        case "failed":
            shown = (
                "`gangline logs` shows what they have written, `gangline logs NUMBER` one of them; "
                if seen.failures
                else ""
            )
            return f"{shown}`gangline retry` runs what failed, and what that held back."
        case "running" if not seen.stages:
            return "It is finding out what there is to do."
        case "running":
            return (
                "Ctrl-C ends the watching, not the run." if seen.watched else "`gangline status --follow` watches it."
            )
        case _ if not any(seen.counts.values()):
            return "Nothing had to be done: all was up to date."
        case _:
            return ""


def runs_table(runs: Sequence[RunRow], limit: int) -> Iterator[RenderableType]:
    """Runs, one in a row, newest first."""
    now_s = time.time()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("run", no_wrap=True)
    table.add_column("started", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("program", overflow="fold")
    table.add_column("", overflow="fold")
    for run in runs:
        ended = now_s if run.outcome == "running" else run.ended_at
        lasted = "" if ended is None else show_duration(ended - run.started_at)
        outcome = Text(_WORDS.get(run.outcome, run.outcome), style=STYLES[run.outcome])
        table.add_row(
            short_id(run), show_clock(run.started_at, now_s), lasted, outcome, run.program, Text(run.message)
        )  # fmt: skip
    yield table
    if len(runs) == limit:
        yield Text(f"The last {limit}; --limit shows more.", style="dim")
