"""What the end of a job is to a session: its own record together with what its scheduler says."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gangline.backends.batch.call import read_outcome
from gangline.backends.batch.orders import Order
from gangline.backends.batch.runs import Record, Submission
from gangline.backends.batch.system import Cause, Sight
from gangline.errors import (
    CommandFailed,
    CommandNotStarted,
    CommandOutOfMemory,
    CommandTimedOut,
    GanglineError,
    JobLost,
    TaskFailed,
)
from gangline.messages import Attempt, Failure, Status, TaskId
from gangline.remote.command import CommandResult, failure_in_words, shown

__all__ = ["attempt_of_error", "attempt_of_loss", "attempt_of_record", "needs_a_cause", "result_of"]

_TEXT_BYTES = 1 << 26
_TAIL_LINES = 20
_TAIL_BYTES = 1 << 17
_TAIL_CHARS = 1 << 14
_BY_SIGNAL = range(129, 193)
"""The exit codes of a shell whose command was ended by a signal."""


def needs_a_cause(record: Record) -> bool:
    """Whether the record alone does not tell why the job ended: it may be the scheduler that has ended it."""
    code = record["exit_code"]
    return bool(record["signal"] or code in _BY_SIGNAL or (record["heard"] and code != 0))


def attempt_of_record(
    task: TaskId, order: Order, job: str, place: tuple[Submission, int], record: Record, sight: Sight | None
) -> Attempt:
    """How a job ended that has left a record.

    Args:
        task: The task.
        order: What it was.
        job: The number that the scheduler gave.
        place: Its submission, and its number there.
        record: How it ended.
        sight: What the scheduler said last, if it was asked.
    """
    submission, number = place
    base = submission.base(number)
    extras: dict[str, Any] = {"data": {"job": job, "host": record["host"]}}
    if order.listener is None:  # else it has been told all
        for stream, end in (("stdout", "out"), ("stderr", "err")):
            if text := _read_text(f"{base}.{end}", _TEXT_BYTES):
                extras[stream] = text
    status = Status.OK
    value: Any = None
    stderr = extras.get("stderr", "") if order.listener is None else _read_text(f"{base}.err", _TAIL_BYTES)
    result = result_of(order, record, stderr)
    error = _error(result, order, job, record, sight)
    if error is not None:
        status, value = Status.ERROR, failure(error)
    elif order.command is not None:
        value = result
    else:
        try:
            status, value, published = read_outcome(f"{base}.result")
            published["data"] = extras["data"] | published.get("data", {})
            extras |= published
        except OSError as exc:
            status = Status.ERROR
            value = failure(TaskFailed(f"{order.name} ended without a result (job {job}, host {result.host}): {exc}"))
    return Attempt(task, status, value, record["began_at"], record["ended_at"], extras)


def result_of(order: Order, record: Record, stderr: str) -> CommandResult:
    """How the command ended."""
    return CommandResult(
        host=record["host"],
        argv=order.command.argv if order.command is not None else (order.name,),
        pid=record["pid"],
        exit_code=record["exit_code"] if not record["signal"] else None,
        signal=record["signal"],
        duration_s=record["ended_at"] - record["began_at"],
        started_at=record["began_at"],
        stderr_tail=tuple(stderr[-_TAIL_CHARS:].splitlines()[-_TAIL_LINES:]),
    )


def _error(result: CommandResult, order: Order, job: str, record: Record, sight: Sight | None) -> GanglineError | None:
    where = f"on host {result.host}, job {job}"
    if not_started := record.get("not_started"):
        kind, why = not_started
        message = f"{shown(result.argv)} could not be started {where}: {why}"
        return CommandNotStarted(message, host=result.host, argv=result.argv, kind=kind)
    if result.ok:
        return None
    cause = _cause_of(record, sight)
    kind_of_error, how = _how(result, cause, order, record)
    if cause in (Cause.HOST, Cause.CANCELLED):
        reason = _said(sight)
        return JobLost(f"{shown(result.argv)} was lost: {reason} ({where})", job=job, reason=reason)
    last = f": {result.stderr_tail[-1]}" if result.stderr_tail else ""
    return failure_in_words(kind_of_error, f"{shown(result.argv)} {how} ({where}){last}", result)


def _cause_of(record: Record, sight: Sight | None) -> Cause:
    if sight is None or not needs_a_cause(record):
        return Cause.EXIT
    if record["signal"] or record["heard"] or sight.cause in (Cause.MEMORY, Cause.TIME_LIMIT):
        return sight.cause
    return Cause.EXIT  # whatever else the scheduler says, the command itself has ended so


def _how(result: CommandResult, cause: Cause, order: Order, record: Record) -> tuple[type[CommandFailed], str]:
    if cause is Cause.TIME_LIMIT:
        limit = order.resources.wall_time_s
        return CommandTimedOut, f"was ended: it ran longer than {f'{limit:g} s' if limit else 'its queue allows'}"
    if cause is Cause.MEMORY:
        used = f"; it had used {record['max_rss_bytes'] / 1e6:,.0f} MB" if record.get("max_rss_bytes") else ""
        return CommandOutOfMemory, f"was ended: it wanted more memory than it may have{used}"
    ended = f"was ended by {result.signal}" if result.signal else f"ended with exit code {result.exit_code}"
    return CommandFailed, ended


def attempt_of_loss(task: TaskId, order: Order, job: str, record: Record | None, sight: Sight, log: str) -> Attempt:
    """How a job ended that has left no record of its end.

    Args:
        task: The task.
        order: What it was.
        job: The number that the scheduler gave.
        record: How it began, if it did.
        sight: What the scheduler says.
        log: What its script has written.
    """
    what = shown(order.command.argv) if order.command is not None else order.name
    host = sight.host or (str(record["host"]) if record is not None else "")
    where = f" (job {job}{f', host {host}' if host else ''})"
    tail = f"\n{log}" if log else ""
    error: GanglineError
    about: Mapping[str, Any] = {"host": host, "argv": order.command.argv if order.command is not None else (what,)}
    if sight.cause is Cause.TIME_LIMIT:
        limit = order.resources.wall_time_s
        text = f"{limit:g} s" if limit else "its queue allows"
        error = CommandTimedOut(f"{what} was ended: it ran longer than {text}{where}{tail}", **about)
    elif sight.cause is Cause.MEMORY:
        error = CommandOutOfMemory(f"{what} was ended: it wanted more memory than it may have{where}{tail}", **about)
    else:
        reason = _said(sight)
        error = JobLost(f"{what} was lost: {reason}{where}{tail}", job=job, reason=reason)
    return attempt_of_error(task, error, record["at"] if record is not None else 0.0, job)


def _said(sight: Sight | None) -> str:
    if sight is None:
        return "the scheduler does not say why"
    if sight.cause is Cause.CANCELLED:
        return f"somebody removed the job{f' ({sight.reason})' if sight.reason else ''}"
    if sight.cause is Cause.HOST:
        return f"its host failed{f' ({sight.reason})' if sight.reason else ''}"
    if sight.reason:
        return sight.reason
    if sight.exit_code is not None or sight.signal:
        how = f"signal {sight.signal}" if sight.signal else f"exit code {sight.exit_code}"
        return (
            f"the scheduler reports {how}, but the job has left no record of its own; is the folder seen by all hosts?"
        )
    return "the scheduler does not know the job any more, and it has left no record of its own"


def attempt_of_error(task: TaskId, error: GanglineError, begun_at: float = 0.0, job: str = "") -> Attempt:
    """A task that failed without having ended by itself."""
    now = time.time()
    extras = {"data": {"job": job}} if job else None
    return Attempt(task, Status.ERROR, failure(error), begun_at or now, now, extras)


def failure(error: GanglineError) -> Failure:
    """An error as an engine would report it."""
    return Failure(error, type(error).__name__, str(error), "")


def _read_text(path: str, most_bytes: int) -> str:
    """What a job has written; of very much, the end."""
    with suppress(OSError), Path(path).open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - most_bytes))
        text = file.read().decode("utf-8", "backslashreplace")
        return text if size <= most_bytes else f"[{size - most_bytes} bytes before this are left out]\n{text}"
    return ""
