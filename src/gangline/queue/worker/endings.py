"""From what became of a task to what the store is told of its job."""

from __future__ import annotations

import time
from typing import assert_never

from gangline.errors import EngineError
from gangline.messages import Failure
from gangline.queue.execution.outcome import Outcome
from gangline.queue.properties import Properties
from gangline.queue.worker.held import Held
from gangline.store.jobs.port import Ending, EndingKind, OutputLine

__all__ = ["ending_of"]

_LAST_LINES = 10


def ending_of(held: Held, properties: Properties) -> Ending | None:
    """What became of a claim whose task has ended; None if the store knows already.

    Args:
        held: The claim.
        properties: What holds for the job.
    """
    failure = held.handle.failure
    if failure is not None:
        return _ended_badly(held, properties, failure)
    return _ended(held, properties, held.outcome() or _COMPLETE)


def _ended(held: Held, properties: Properties, outcome: Outcome) -> Ending | None:
    """The job's own code has come to an end, or could not begin."""
    claim, runtime_s, output = held.claim, _runtime_s(held), held.news()
    if outcome.note:
        output = (*output, OutputLine("warning", time.time(), f"{outcome.note}\n"))
    match outcome.kind:
        case "recorded":
            return None
        case "complete":
            return Ending(
                claim.id, claim.fence, "complete", message=outcome.message, result=outcome.result, runtime_s=runtime_s,
                sources=outcome.sources, output=output, next=outcome.next,
            )  # fmt: skip
        case "deferred":
            return Ending(
                claim.id, claim.fence, "deferred", message=outcome.message, runtime_s=runtime_s, output=output,
                wait_s=properties.defer_time if outcome.wait_s is None else outcome.wait_s,
                defer_max_s=properties.defer_max, sources=outcome.sources,
            )  # fmt: skip
        case "failed" | "refused":
            return Ending(
                claim.id, claim.fence, outcome.kind, wait_s=properties.error_time, error=outcome.error,
                runtime_s=runtime_s, sources=outcome.sources, output=output,
            )  # fmt: skip
        case "stale":
            return Ending(claim.id, claim.fence, "released")
        case never:
            assert_never(never)


def _ended_badly(held: Held, properties: Properties, failure: Failure) -> Ending:
    """The job's process died, or it was taken back."""
    claim = held.claim
    if held.ended_by in ("stop", "lost") or (
        held.handle.status == "aborted" and held.ended_by not in ("kill", "refused")
    ):
        return Ending(claim.id, claim.fence, "released", output=held.news())
    kind: EndingKind = "failed"
    if held.ended_by == "kill":
        kind, error = "killed", f"killed on order ({_how(failure)})"
    elif held.ended_by == "refused":
        kind, error = "refused", held.said
    elif held.said:
        error = f"the job was ended: {held.said}"
    else:
        error = _failure_text(held, failure)
    return Ending(
        claim.id, claim.fence, kind, wait_s=properties.error_time, error=error, runtime_s=_runtime_s(held),
        output=held.news(),
    )  # fmt: skip


_COMPLETE = Outcome("complete")


def _runtime_s(held: Held) -> float:
    handle = held.handle
    if handle.started_at is not None and handle.completed_at is not None:
        return max(handle.completed_at - handle.started_at, 0.0)
    return 0.0 if held.begun_at is None else time.monotonic() - held.begun_at


def _how(failure: Failure) -> str:
    error = failure.error
    return error.reason if isinstance(error, EngineError) and error.reason else failure.evalue


def _failure_text(held: Held, failure: Failure) -> str:
    """Of a process that died: how, and what the job had written last; of anything else its traceback."""
    if not isinstance(failure.error, EngineError):
        return failure.traceback or f"{failure.ename}: {failure.evalue}"
    extras = held.handle.extras or {}
    lines = [f"the job's process died: {_how(failure)}"]
    for stream in ("stdout", "stderr", "output"):
        last = extras.get(stream, "").splitlines()[-_LAST_LINES:]
        if last:
            lines += [f"the last lines of its {stream}:", *(f"    {line}" for line in last)]
    return "\n".join(lines)
