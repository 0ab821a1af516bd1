"""A job that is under way in a schedule, and what its task's end says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gangline.errors import CommandFailed, CommandNotStarted, EngineError, GanglineError, TaskCancelled, TaskTimedOut
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
    left: list[str] = field(default_factory=list)
    """Hosts that may be taken instead."""


def outcome_of(entry: Entry) -> JobOutcome:
    """What became of the task of a job."""
    handle = entry.handle
    assert handle is not None
    voice = entry.voice
    attempts = entry.tried + len(handle.earlier) + 1
    if handle.failure is None:
        result: CommandResult = handle.value
        return JobOutcome(
            "succeeded", entry.host, exit_code=result.exit_code, duration_s=result.duration_s, attempts=attempts,
            outputs=dict(voice.outputs),
        )  # fmt: skip
    error = handle.failure.error
    if entry.late:
        return _timed_out(entry, attempts, TaskTimedOut(f"{entry.job.label} ran longer than its time limit"))
    if entry.unwanted:
        return JobOutcome(
            "cancelled", entry.host, message=f"was ended: {entry.unwanted}", attempts=attempts, error=_own(error)
        )
    match error:
        case CommandFailed():
            kind, message = _how_it_failed(error, voice)
            return JobOutcome(
                kind, entry.host, exit_code=error.exit_code, signal=error.signal, message=message,
                duration_s=error.duration_s or 0.0, attempts=attempts, outputs=dict(voice.outputs), error=error,
            )  # fmt: skip
        case CommandNotStarted():
            return JobOutcome("not_started", entry.host, message=str(error), attempts=attempts, error=error)
        case TaskTimedOut():
            return _timed_out(entry, attempts, error)
        case EngineError():
            message = f"host {entry.host} {error.reason or error} while it ran"
            return JobOutcome("lost", entry.host, message=message, attempts=attempts, error=error)
        case TaskCancelled():
            return JobOutcome("cancelled", entry.host, message=str(error), attempts=attempts, error=error)
        case _:
            return JobOutcome("not_started", entry.host, message=str(error), attempts=attempts, error=_own(error))


def _timed_out(entry: Entry, attempts: int, error: TaskTimedOut) -> JobOutcome:
    limit_s = entry.job.time_limit_s or 0.0
    message = f"was ended: it took longer than {limit_s:g} s"
    return JobOutcome("timed_out", entry.host, message=message, duration_s=limit_s, attempts=attempts, error=error)


def _own(error: BaseException) -> GanglineError | None:
    return error if isinstance(error, GanglineError) else None


def _how_it_failed(error: CommandFailed, voice: JobVoice) -> tuple[JobKind, str]:
    verdict = voice.verdict
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
