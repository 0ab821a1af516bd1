"""What an engine reports of a job."""

from __future__ import annotations

from typing import Literal, NamedTuple

from gangline.store.jobs.port import NewJob

__all__ = ["Outcome"]


class Outcome(NamedTuple):
    """How a job ended. A job that is complete and has nothing else to tell is reported as None.

    Attributes:
        kind: As in `Ending`. "stale": it was not begun, since the engine has an old version of its code loaded.
            "recorded": the job has written its completion itself.
        message: What was said on deferring.
        wait_s: How long it asked to wait; None is as its class says.
        error: The traceback.
        result: What it returned, as JSON; empty for None.
        sources: What it worked on.
        next: Jobs to be entered after it.
        note: A warning for its output.
    """

    kind: Literal["complete", "deferred", "failed", "refused", "stale", "recorded"]
    message: str = ""
    wait_s: float | None = None
    error: str = ""
    result: str = ""
    sources: tuple[str, ...] = ()
    next: tuple[NewJob, ...] = ()
    note: str = ""
