"""What the commands that read the record have in common: which record, which run, and how its rows look to programs.

The keys of JSON are part of the interface. Times are ISO 8601 in UTC, durations seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from gangline.cli.pipelines.figures import iso_time
from gangline.cli.pipelines.files import files_words, on_one_line
from gangline.errors import StoreError
from gangline.store.reader import Record
from gangline.store.rows import AttemptRow, RunRow, StageRow, TaskRow

__all__ = [
    "TASK_STATES",
    "attempt_data",
    "find_run",
    "open_record",
    "record_option",
    "run_data",
    "short_id",
    "stage_data",
    "task_data",
    "task_words",
    "what_went_wrong",
]

Command = TypeVar("Command", bound=Callable[..., Any])

TASK_STATES = ("ok", "failed", "cancelled", "held", "running", "waiting")
"""How far a task can be."""

_ID_SHOWN = 8


def record_option(command: Command) -> Command:
    """Give a command the option ``--record``, as its argument `record`."""
    return click.option(
        "--record",
        default=".gangline",
        show_default=True,
        metavar="FOLDER",
        help="Where the runs are recorded.",
    )(command)


@contextmanager
def open_record(folder: str) -> Iterator[Record]:
    """The record in a folder.

    Raises:
        StoreError: There is none, or it cannot be read.
    """
    try:
        record = Record.open(folder)
    except StoreError as error:
        if not str(error).endswith("nothing was run here yet"):
            raise
        raise StoreError(
            f"{error}. Start with `gangline run PIPELINE.py`, or name another folder with --record"
        ) from error
    with record:
        yield record


def find_run(record: Record, run_id: str | None) -> RunRow:
    """The run that is meant: the last one, unless one is named by its id or the start of it.

    Raises:
        StoreError: There is no run at all.
        UsageError: No run begins like that, or several do.
    """
    return record.last_run() if run_id is None else record.run(run_id.strip().lower())


def short_id(run: RunRow) -> str:
    """As much of a run's id as people need."""
    return run.id[:_ID_SHOWN]


def task_words(task: TaskRow) -> str:
    """A task in few words: what it makes of what."""
    return files_words(task.inputs, task.outputs, task.job)


def what_went_wrong(attempt: AttemptRow | None) -> str:
    """Why an attempt failed, on one line."""
    if attempt is None:
        return ""
    if attempt.outcome == "lost":
        return attempt.error or "its engine died"
    if attempt.command and attempt.signal:
        return f"a command was ended by {attempt.signal}: {_first_line(attempt.command)}"
    if attempt.command and attempt.exit_code is not None:
        return f"a command ended with exit code {attempt.exit_code}: {_first_line(attempt.command)}"
    error = _first_line(attempt.error)
    return f"{attempt.error_type}: {error}" if attempt.error_type and error else attempt.error_type or error


def _first_line(text: str) -> str:
    first, *others = text.strip().splitlines() or [""]
    return f"{on_one_line(first)} ..." if others else on_one_line(first)


def run_data(run: RunRow) -> dict[str, Any]:
    """A run for programs; `outcome` is "ok", "failed", "interrupted", "running" or "lost"."""
    data = run._asdict()
    data["started_at"], data["ended_at"] = iso_time(run.started_at), iso_time(run.ended_at)
    data["seconds"] = None if run.ended_at is None else round(run.ended_at - run.started_at, 3)
    return data


def stage_data(stage: StageRow, counts: dict[str, int]) -> dict[str, Any]:
    """A stage for programs.

    Args:
        stage: The stage.
        counts: How many of its tasks are how far, see `Record.counts`.
    """
    return {
        "name": stage.name,
        "jobs": stage.total,
        "fresh": fresh_of(stage, counts),
        **{state: counts.get(state, 0) for state in TASK_STATES},
        "outcome": stage.outcome,
        "started_at": iso_time(stage.started_at),
        "ended_at": iso_time(stage.ended_at),
        "seconds": None if stage.ended_at is None else round(stage.ended_at - stage.started_at, 3),
    }


def fresh_of(stage: StageRow, counts: dict[str, int]) -> int:
    """How many jobs of a stage had nothing to do: those that are no tasks, once all of them were looked at."""
    return max(0, stage.total - sum(counts.values())) if stage.outcome == "ok" else stage.fresh


def task_data(task: TaskRow) -> dict[str, Any]:
    """A task for programs; `outcome` is None while it is not decided."""
    return {
        "task": task.number,
        "stage": task.stage,
        "job": task.job,
        "inputs": task.inputs,
        "outputs": task.outputs,
        "reason": task.reason,
        "waits_for": task.waits_for,
        "outcome": task.outcome,
        "started_at": iso_time(task.started_at),
        "ended_at": iso_time(task.ended_at),
    }


def attempt_data(attempt: AttemptRow) -> dict[str, Any]:
    """An attempt for programs, with all that it has written."""
    data = attempt._asdict()
    data["started_at"], data["ended_at"] = iso_time(attempt.started_at), iso_time(attempt.ended_at)
    return data
