"""One task with all that is known of it: why it ran, where, how each attempt ended, and what it has written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from rich.text import Text

from gangline.cli.output import Line
from gangline.cli.pipelines.figures import show_clock, show_duration
from gangline.cli.pipelines.files import stage_name
from gangline.cli.pipelines.overview import STYLES
from gangline.cli.pipelines.reading import task_words
from gangline.store.rows import AttemptRow, RunRow, TaskRow

__all__ = ["task_report"]

_INDENT = 13
_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_OUTCOMES = {
    "ok": "ok",
    "error": "failed",
    "lost": "its engine died",
    "timeout": "ran longer than its time limit",
    "cancelled": "cancelled",
}


def task_report(task: TaskRow, attempts: Sequence[AttemptRow], run: RunRow) -> Iterator[Text | Line]:
    """A task, line by line.

    Args:
        task: The task.
        attempts: All times that it was run.
        run: The run that it belongs to.
    """
    state = task.outcome or (
        "not finished" if run.outcome != "running" else "waiting" if task.started_at is None else "running"
    )
    head = Text(f"Task {task.number}  {stage_name(task.stage)}  ", style="bold")
    head.append({"held": "held back"}.get(state, state), style=STYLES.get(state, "yellow"))
    yield head
    yield _row("job", task_words(task))
    if task.reason:
        yield _row("why", task.reason)
    if task.waits_for:
        yield _row("waits for" if task.outcome is None else "waited for", task.waits_for)
    if task.outcome == "held":
        yield _row("", "It was not run, since something that it needs has failed.")
    for attempt in attempts:
        yield from _attempt(attempt, len(attempts))
    if not attempts and task.outcome in ("ok", "failed"):
        yield _row("", "How it was run was not recorded.")


def _attempt(attempt: AttemptRow, total: int) -> Iterator[Text | Line]:
    where = f"engine {attempt.engine}" if attempt.engine is not None else ""
    if attempt.pid is not None:
        where += f"{', ' if where else ''}process {attempt.pid} on {attempt.host}"
    when = ""
    if attempt.started_at is not None:
        when = f"at {show_clock(attempt.started_at, attempt.started_at)}"
        if attempt.ended_at is not None:
            when += f" for {show_duration(attempt.ended_at - attempt.started_at)}"
    told = ", ".join(part for part in (when, where) if part)
    if total > 1:
        yield _row(f"attempt {attempt.number}", f"{_OUTCOMES[attempt.outcome]}{f', {told}' if told else ''}")
    elif told:
        yield _row("ran", told)
    if attempt.command:
        yield from _block("command", attempt.command)
    if attempt.exit_code is not None:
        yield _row("exit code", str(attempt.exit_code))
    if attempt.signal:
        yield _row("ended by", attempt.signal)
    if attempt.outcome != "cancelled" and (attempt.error_type or attempt.error):
        error = ": ".join(part for part in (attempt.error_type, attempt.error) if part)
        yield from _block("error", error, style="red")
    yield from _block("traceback", _without_own_frames(attempt.traceback))
    yield from _block("stdout", attempt.stdout)
    yield from _block("stderr", attempt.stderr)
    if attempt.outcome == "ok" and not (attempt.stdout or attempt.stderr):
        yield _row("", "It wrote nothing that was recorded.")


def _without_own_frames(traceback: str) -> str:
    """A traceback without the lines of Gangline: whoever reads it looks for his own."""
    kept, own = [], False
    for line in traceback.splitlines():
        if line.lstrip().startswith('File "'):
            own = f'File "{_PACKAGE}' in line
        elif not line.startswith("    "):
            own = False
        if not own:
            kept.append(line)
    return "\n".join(kept)


def _row(label: str, text: str, style: str = "") -> Line:
    return Line(Text(text, style=style), _INDENT, Text(f"  {label}", style="dim"))


def _block(label: str, text: str, style: str = "") -> Iterator[Text | Line]:
    """A text of one line beside its label, of several lines below it."""
    lines = text.rstrip().splitlines()
    if not lines:
        return
    if len(lines) == 1 and label not in ("stdout", "stderr"):
        yield _row(label, lines[0], style)
        return
    yield Text(f"  {label}", style="dim")
    for line in lines:
        yield Text(f"    {line}", style=style, no_wrap=True)
