"""What stands in the record, as its readers get it. Times are seconds since the epoch."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["AttemptRow", "RunRow", "StageRow", "TaskRow"]


class RunRow(NamedTuple):
    """One execution of a program.

    Attributes:
        id: 32 hexadecimal digits.
        program: The file that was run.
        argv: Its command line.
        folder: Where it was run.
        backend: What provided engines.
        engines: How many, where it is a number.
        options: What else was asked for.
        host: Where.
        pid: As which process.
        outcome: "ok", "failed", "interrupted"; "running" while it runs; "lost" when it died without a word.
        message: Why, where there is more to say.
    """

    id: str
    program: str
    argv: list[str]
    folder: str
    backend: str
    engines: int | None
    options: dict[str, Any]
    host: str
    pid: int
    started_at: float
    ended_at: float | None
    outcome: str
    message: str


class StageRow(NamedTuple):
    """A stage of a run. Its jobs that were up to date are counted in `fresh` and are no tasks.

    `outcome` is "ok", "failed", "skipped", "inactive", or None while it is not decided.
    """

    name: str
    total: int
    fresh: int
    started_at: float
    ended_at: float | None
    outcome: str | None
    done: int
    failed: int
    running: int


class TaskRow(NamedTuple):
    """One job that had something to do.

    Attributes:
        run: The run's id.
        number: The task's number in its run, from 1.
        stage: Its stage's name.
        job: The job as printouts show it.
        inputs: Its input files.
        outputs: Its output files.
        reason: Why it had to run.
        waits_for: What it waited for, where that is known.
        outcome: "ok", "failed", "cancelled", "held" (back by a failure before it), or None while it is not decided.
    """

    run: str
    number: int
    stage: str
    job: str
    inputs: list[str]
    outputs: list[str]
    reason: str
    waits_for: str
    added_at: float
    started_at: float | None
    ended_at: float | None
    outcome: str | None


class AttemptRow(NamedTuple):
    """One run of a task. `outcome` is "ok", "error", "lost" (with its engine), "timeout" or "cancelled"."""

    number: int
    outcome: str
    started_at: float | None
    ended_at: float | None
    engine: int | None
    host: str
    pid: int | None
    error_type: str
    error: str
    traceback: str
    exit_code: int | None
    signal: str
    command: str
    stdout: str
    stderr: str
