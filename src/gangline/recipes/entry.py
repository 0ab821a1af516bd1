"""A job that is under way in a schedule, and what its task's end says of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gangline.errors import (
    CommandFailed,
    CommandOutOfMemory,
    CommandTimedOut,
    EngineError,
    GanglineError,
    JobLost,
    TaskCancelled,
    TaskTimedOut,
)
from gangline.recipes.outcome import JobKind, JobOutcome
from gangline.recipes.receiving import JobVoice

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle
    from gangline.recipes.jobs import ComputeJob
    from gangline.remote.command import CommandResult

__all__ = ["Entry", "outcome_of"]

_LAST_LINES = 5


@dataclass(slots=True, eq=False)
class Entry:
    """A job of the schedule and what is under way for it."""

    number: int
    job: ComputeJob
    host: str
    voice: JobVoice
    token: str
    handle: Handle | None = None
    tried: int = 0
    unwanted: str = ""
    """Why it is being ended, if it is."""
    late: bool = False
    """It is being ended, since it has run longer than it may."""
    started_at: float | None = None
    retries: int = 0
    """How often it may be tried again."""
    left: list[str] = field(default_factory=list)
    """Hosts that may be taken instead."""


def outcome_of(entry: Entry) -> JobOutcome:
    """What became of the task of a job."""
    outcome = _outcome_of(entry)
    extras = entry.handle.extras if entry.handle is not None else None
    job_id = extras.get("data", {}).get("job", "") if extras else ""
    return replace(outcome, job_id=job_id) if job_id else outcome


def _outcome_of(entry: Entry) -> JobOutcome:
    handle = entry.handle
    assert handle is not None
    voice = entry.voice
    host, attempts = voice.host, entry.tried + len(handle.earlier) + 1
    if handle.failure is None:
        result: CommandResult = handle.value
        return JobOutcome(
            "succeeded", host, exit_code=result.exit_code, duration_s=result.duration_s, attempts=attempts,
            outputs=dict(voice.outputs),
        )  # fmt: skip
    error = handle.failure.error
    if entry.late:
        return _timed_out(entry, attempts, TaskTimedOut(f"{entry.job.label} ran longer than its time limit"))
    if entry.unwanted:
        return JobOutcome(
            "cancelled", host, message=f"was ended: {entry.unwanted}", attempts=attempts, error=_own(error)
        )
    match error:
        case CommandTimedOut() | TaskTimedOut():
            return _timed_out(entry, attempts, error)
        case CommandFailed():
            kind, message = _how_it_failed(error, voice)
            return JobOutcome(
                kind, host, exit_code=error.exit_code, signal=error.signal, message=message,
                duration_s=error.duration_s or 0.0, attempts=attempts, outputs=dict(voice.outputs), error=error,
            )  # fmt: skip
        case EngineError():
            message = f"host {host} {error.reason or error} while it ran"
            return JobOutcome("lost", host, message=message, attempts=attempts, error=error)
        case JobLost():
            return JobOutcome("lost", host, message=str(error), attempts=attempts, error=error)
        case TaskCancelled():
            return JobOutcome("cancelled", host, message=str(error), attempts=attempts, error=error)
        case _:  # CommandNotStarted, JobRejected, BackendError
            return JobOutcome("not_started", host, message=str(error), attempts=attempts, error=_own(error))


def _timed_out(entry: Entry, attempts: int, error: TaskTimedOut | CommandTimedOut) -> JobOutcome:
    limit_s, duration_s = entry.job.time_limit_s, 0.0
    if limit_s:
        message, duration_s = f"was ended: it took longer than {limit_s:g} s", limit_s
    else:  # what the configuration says of all jobs, or the site
        message, duration_s = str(error), getattr(error, "duration_s", None) or 0.0
    return JobOutcome(
        "timed_out", entry.voice.host, message=message, duration_s=duration_s, attempts=attempts, error=error
    )


def _own(error: BaseException) -> GanglineError | None:
    return error if isinstance(error, GanglineError) else None


def _how_it_failed(error: CommandFailed, voice: JobVoice) -> tuple[JobKind, str]:
    verdict = voice.verdict
    if isinstance(error, CommandOutOfMemory):
        return "out_of_memory", str(error)
    if error.signal:
        kind: JobKind = "signal"
        message = f"was ended by {error.signal}"
    elif verdict is not None and verdict.kind != "ok":
        return verdict.kind, verdict.message
    else:
        kind, message = "exit", f"ended with exit code {error.exit_code}"
    last = voice.stderr_tail[-_LAST_LINES:]
    if last:
        message += "; the last lines of its stderr:\n" + "\n".join(f"    {line}" for line in last)
    return kind, message
