"""What has become of a run so far, in numbers."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gangline.cli.pipelines.words import FailureReport, report_failure
from gangline.pipeline.running.watching import JobOutcome, RunOutcome, StageOutcome, Watcher

if TYPE_CHECKING:
    from gangline.pipeline.running.failures import Failed
    from gangline.pipeline.running.jobs import JobRun, StageRun

__all__ = ["StageTally", "Tally", "Totals", "as_data"]


@dataclass(slots=True)
class StageTally:
    """One stage.

    Attributes:
        name: Its name.
        total: How many jobs it has.
        fresh: How many of them were up to date.
        done: How many have run well.
        failed: How many have failed.
        held: How many were not run, since what they need has failed.
        cancelled: How many were taken back, or ended with the run.
        outcome: How it ended; None as long as it has not.
        begun: Its turn has come.
    """

    name: str
    total: int = 0
    fresh: int = 0
    done: int = 0
    failed: int = 0
    held: int = 0
    cancelled: int = 0
    outcome: StageOutcome | None = None
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Totals:
    """The same for all stages of one or more runs."""

    done: int = 0
    fresh: int = 0
    failed: int = 0
    held: int = 0
    cancelled: int = 0

    @classmethod
    def of(cls, stages: Iterable[StageTally]) -> Totals:
        """The sums."""
        listed = list(stages)
        return cls(*(sum(getattr(stage, name) for stage in listed) for name in cls.__slots__))


class Tally(Watcher):
    """Counts what happens in a run.

    Attributes:
        run_id: The run's name in the record.
        outcome: How the run ended; None as long as it has not.
        stages: Those that take part, and those that have nothing to do.
        failures: What failed, in the order in which it did.
        running: The jobs that run, with the moment (monotonic) at which that was seen first.
    """

    def __init__(self) -> None:
        self.run_id = ""
        self.outcome: RunOutcome | None = None
        self.seconds = 0.0
        self.failures: list[FailureReport] = []
        self.running: dict[JobRun, float] = {}
        self._began = time.monotonic()
        self._stages: dict[StageRun, StageTally] = {}
        self._last_failed: JobRun | None = None

    @property
    def stages(self) -> list[StageTally]:
        """All stages that are known, as they are now."""
        for run, stage in list(self._stages.items()):
            stage.total, stage.fresh, stage.done = run.total, run.fresh, run.succeeded
            stage.failed, stage.held = len(run.failed), len(run.held)
        return list(self._stages.values())

    @property
    def elapsed_s(self) -> float:
        """For how long it has been running."""
        return time.monotonic() - self._began

    def _stage(self, run: StageRun) -> StageTally:
        if run not in self._stages:
            self._stages[run] = StageTally(run.stage.display_name)
        return self._stages[run]

    def run_started(self, run_id: str) -> None:
        """See `Watcher`."""
        self.run_id = run_id

    def stage_fresh(self, stage: StageRun) -> None:
        """See `Watcher`."""
        self._stage(stage).outcome = "ok" if stage.total else "inactive"

    def stage_started(self, stage: StageRun) -> None:
        """See `Watcher`."""
        self._stage(stage).begun = True

    def stage_ended(self, stage: StageRun, outcome: StageOutcome) -> None:
        """See `Watcher`."""
        self._stage(stage).outcome = outcome

    def jobs_running(self, jobs: Collection[JobRun]) -> None:
        """See `Watcher`."""
        now_s = time.monotonic()
        self.running = {job: self.running.get(job, now_s) for job in jobs}

    def job_ended(self, job: JobRun, outcome: JobOutcome) -> None:
        """See `Watcher`."""
        if job in self.running:
            self.running = {other: since for other, since in self.running.items() if other is not job}
        if outcome == "cancelled":
            self._stage(job.stage).cancelled += 1
        self._last_failed = job if outcome == "failed" else None

    def failed(self, failed: Failed) -> None:
        """See `Watcher`."""
        job, self._last_failed = self._last_failed, None
        self.failures.append(report_failure(failed, job))

    def run_ended(self, outcome: RunOutcome, message: str) -> None:
        """See `Watcher`."""
        self.outcome = outcome
        self.seconds = self.elapsed_s


def as_data(tallies: Iterable[Tally], program: str, outcome: str) -> dict[str, Any]:
    """What became of the runs of a program, as JSON types."""
    runs = list(tallies)
    stages = [stage for run in runs for stage in run.stages]
    return {
        "program": program,
        "run_id": runs[-1].run_id if runs else None,
        "outcome": outcome,
        "seconds": round(sum(run.seconds for run in runs), 3),
        "tasks": asdict(Totals.of(stages)),
        "stages": [{name: value for name, value in asdict(stage).items() if name != "begun"} for stage in stages],
        "failures": [asdict(failure) for run in runs for failure in run.failures],
        "runs": [{"run_id": run.run_id, "outcome": run.outcome, "seconds": round(run.seconds, 3)} for run in runs],
    }
