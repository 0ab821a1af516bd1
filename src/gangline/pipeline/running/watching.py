"""Who is told what happens in a run: progress on a terminal, the record."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from gangline.pipeline.running.failures import Failed
    from gangline.pipeline.running.jobs import JobRun, StageRun

__all__ = ["JobOutcome", "ProgressWatcher", "RunEvent", "RunOutcome", "StageOutcome", "Watcher"]

StageOutcome = Literal["ok", "failed", "skipped", "inactive"]
"""How a stage ended: all of it done, something failed, not gone through since the run ended before, or not active."""

JobOutcome = Literal["ok", "failed", "cancelled", "held"]
"""How a job ended: well, badly, taken back before it ran, or not run since something that it needs has failed."""

RunOutcome = Literal["ok", "failed", "interrupted"]
"""How a run ended."""


class RunEvent(NamedTuple):
    """One thing that happened in a run.

    Attributes:
        kind: What.
        stage: The stage's name as it is shown.
        total: How many jobs the stage has, as far as is known.
        fresh: How many of them had nothing to do.
        done: How many have run well.
        failed: How many have failed.
        job: The job in words, where it is about one.
        seconds: How long it took; None where that is not known.
        outcome: How the job or the stage ended.
    """

    kind: Literal["stage started", "job started", "job ended", "stage ended"]
    stage: str
    total: int
    fresh: int
    done: int
    failed: int
    job: str = ""
    seconds: float | None = None
    outcome: str = ""


class Watcher:
    """Is told of everything, in the order in which it happens, by the thread that runs the pipeline."""

    def run_started(self, run_id: str) -> None:
        """The run begins; `run_id` is its name in the record, or empty if it is not recorded."""

    def stage_fresh(self, stage: StageRun) -> None:
        """A stage has nothing to do, or is not active, and so does not take part in the run. All are told first."""

    def stage_started(self, stage: StageRun) -> None:
        """A stage's turn has come; its jobs are known."""

    def stage_ended(self, stage: StageRun, outcome: StageOutcome) -> None:
        """A stage is done with."""

    def job_started(self, job: JobRun) -> None:
        """A job was handed to the scheduler."""

    def jobs_running(self, jobs: Collection[JobRun]) -> None:
        """The jobs that engines are working on at this moment; told now and then while jobs run."""

    def job_ended(self, job: JobRun, outcome: JobOutcome) -> None:
        """A job is done with."""

    def failed(self, failed: Failed) -> None:
        """Something failed: a job, right after it has ended, or a stage as a whole."""

    def warned(self, text: str) -> None:
        """Something is odd. Only those of a command line are told; else the logger is."""

    def run_ended(self, outcome: RunOutcome, message: str) -> None:
        """The run is over."""


class ProgressWatcher(Watcher):
    """Tells a function of the user.

    Args:
        tell: Is called with each event.
    """

    def __init__(self, tell: object) -> None:
        assert callable(tell)
        self._tell = tell

    def stage_started(self, stage: StageRun) -> None:
        """See `Watcher`."""
        self._tell(_event("stage started", stage))

    def stage_ended(self, stage: StageRun, outcome: StageOutcome) -> None:
        """See `Watcher`."""
        self._tell(_event("stage ended", stage)._replace(outcome=outcome))

    def job_started(self, job: JobRun) -> None:
        """See `Watcher`."""
        self._tell(_event("job started", job.stage)._replace(job=job.text))

    def job_ended(self, job: JobRun, outcome: JobOutcome) -> None:
        """See `Watcher`."""
        self._tell(_event("job ended", job.stage)._replace(job=job.text, outcome=outcome, seconds=job.seconds))


def _event(kind: Literal["stage started", "job started", "job ended", "stage ended"], stage: StageRun) -> RunEvent:
    return RunEvent(kind, stage.stage.display_name, stage.total, stage.fresh, stage.succeeded, len(stage.failed))
