"""Runs one claim on an engine."""

from __future__ import annotations

import json
import pickle
import time
import traceback
from typing import Any

from gangline._engine.context import EngineContext, current
from gangline.queue.deferral import Deferred
from gangline.queue.execution.code import CodeWatch
from gangline.queue.execution.outcome import Outcome
from gangline.queue.execution.parcel import unpack
from gangline.queue.job import DurableJob
from gangline.queue.link import ClaimInfo
from gangline.queue.naming import load_class
from gangline.store.jobs.port import Claim

__all__ = ["run_job"]

_RESULT_MAX = 1024 * 1024
_code = CodeWatch()


def run_job(url: str, claim: bytes) -> bytes | None:
    """Run a job that a worker has claimed.

    Args:
        url: The queue's store.
        claim: The claim, packed.

    Returns:
        What became of it, pickled; None when it is complete and there is nothing else to tell.
    """
    outcome = _outcome(url, unpack(claim))
    return None if outcome is None else pickle.dumps(outcome)


def _outcome(url: str, claim: Claim) -> Outcome | None:
    if _code.is_stale():
        return Outcome("stale")
    info = ClaimInfo(
        claim.id, claim.lane.name, json.loads(claim.args), url, claim.fence, claim.trial, claim.attempts_left,
        json.loads(claim.properties), claim.enqueued_at, claim.parent,
    )  # fmt: skip
    try:
        kind = load_class(claim.lane.name, claim.lane.folder)
    except Exception as error:  # whatever the user's module does when it is imported
        return Outcome("refused", error=_own_part(error))
    if not issubclass(kind, DurableJob):
        return Outcome(
            "refused", error=f"{claim.lane.name} is no job: it does not derive from gangline.queue.DurableJob"
        )
    _code.note(kind)
    link = EngineLink()
    try:
        return _run(kind, info, link)
    except SystemExit as error:
        return Outcome("failed", error=f"the job called sys.exit({error.code!r})", sources=tuple(link.sources))
    except Exception as error:  # the job's own
        return Outcome("failed", error=_own_part(error), sources=tuple(link.sources))


def _run(kind: type[DurableJob], info: ClaimInfo, link: EngineLink) -> Outcome | None:
    job = kind._begin(info, link)
    try:
        try:
            value = job.execute(**info.args)
        except Deferred as deferred:
            return Outcome("deferred", deferred.message, deferred.wait_s, sources=tuple(link.sources))
        if link.is_completed:
            return Outcome("recorded")
        following = job._following() if info.properties.get("chain") else ()
    finally:
        job._end()
    result, note = _in_json(value)
    if not (result or note or following or link.sources or link.message):
        return None
    return Outcome("complete", link.message, None, "", result, tuple(link.sources), following, note)


class EngineLink:
    """Takes what a running job says; see `Link`."""

    def __init__(self) -> None:
        self._engine: EngineContext | None = current()
        self.sources: list[str] = []
        self.message = ""
        self.is_completed = False

    def progress(self, value: float | None, message: str) -> None:
        """Have the worker see it."""
        self.message = message
        if self._engine is not None:
            self._engine.publish({"progress": (value, message, time.time())})

    def source(self, name: str) -> None:
        """Keep it for the end."""
        if name not in self.sources:
            self.sources.append(name)

    def completed(self) -> None:
        """Nothing else is told."""
        self.is_completed = True


def _in_json(value: Any) -> tuple[str, str]:
    """A result as JSON, or why it is not kept."""
    if value is None:
        return "", ""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return "", f"the result is not kept, since it is not JSON: {error}"
    if len(text) > _RESULT_MAX:
        return "", f"the result is not kept: it takes {len(text)} characters, more than {_RESULT_MAX}; use files"
    return text, ""


def _own_part(error: BaseException) -> str:
    """The traceback from the user's own code on; without one where it was our call that failed."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith(
        ("gangline.queue", "importlib")
    ):
        trace = trace.tb_next
    if trace is None:
        return "".join(traceback.format_exception_only(error))
    return "".join(traceback.format_exception(type(error), error, trace))
