"""What becomes of the jobs and stages of a run: the history, the log, the gates and the watchers are told, in turn."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gangline.pipeline.freshness.recorder import Made, Recorder
from gangline.pipeline.running.failures import Failed
from gangline.pipeline.running.gates import Gates
from gangline.pipeline.running.jobs import JobRun, StageRun
from gangline.pipeline.running.log import Log
from gangline.pipeline.running.watching import JobOutcome, StageOutcome, Watcher
from gangline.pipeline.running.work import make_directories
from gangline.pipeline.stages.kinds import WITHOUT_FILES, Kind

__all__ = ["Outcomes"]


class Outcomes:
    """Tells everyone. It decides nothing: whether a run goes on after a failure is the run's affair.

    Args:
        recorder: Keeps the history.
        log: Where it is told in words.
        gates: Where other jobs wait.
        watchers: Who is told, too.

    Attributes:
        held: Jobs that were not run, since what they need has failed.
        watched: Whether there are watchers.
    """

    def __init__(self, recorder: Recorder, log: Log, gates: Gates, watchers: Iterable[Watcher]) -> None:
        self._recorder = recorder
        self._log = log
        self._gates = gates
        self._watchers = tuple(watchers)
        self.held: list[JobRun] = []
        self.watched = bool(self._watchers)

    def stage_started(self, run: StageRun) -> None:
        """A stage's turn has come; its jobs are known."""
        for watcher in self._watchers:
            watcher.stage_started(run)

    def stage_ended(self, run: StageRun, outcome: StageOutcome) -> None:
        """A stage is done with."""
        for watcher in self._watchers:
            watcher.stage_ended(run, outcome)

    def started(self, jobs: Iterable[JobRun]) -> None:
        """Jobs are handed to the scheduler."""
        for watcher in self._watchers:
            for job in jobs:
                watcher.job_started(job)

    def running(self, jobs: Collection[JobRun]) -> None:
        """These are the jobs that run at this moment."""
        for watcher in self._watchers:
            watcher.jobs_running(jobs)

    def touched(self, job: JobRun, *, make: bool) -> None:
        """A job's outputs count as made without its function having been called; with `make` they are made to exist."""
        kind = job.stage.stage.kind
        if make and kind is Kind.MKDIR:
            make_directories(*job.params.params)
        elif make and kind not in WITHOUT_FILES:
            self._recorder.touch(job.params)
        self.succeeded(job)

    def succeeded(self, job: JobRun, made: Made | None = None) -> None:
        """A job has ended well, and made what it was to make: the outputs that were found, if that was looked for."""
        self._recorder.finished(job.stage.function, job.params, made)
        job.stage.succeeded += 1
        if self._log.tells_jobs:
            self._log.job_completed(job.text)
        self._ended(job, "ok")
        self._gates.done(job)

    def cancelled(self, job: JobRun) -> None:
        """A job was taken back, or was ended with everything else."""
        if job.handle is not None and job.handle.engine is not None and not job.taken_back:
            self._recorder.failed(job.params)  # it may have run already: an engine starts it before that is known here
        else:
            self._recorder.not_started([job.params])
        self._ended(job, "cancelled")

    def failed(self, job: JobRun, failed: Failed) -> None:
        """A job has failed; what waited for it is held back. That its outputs are half-made is known already."""
        job.error = failed.error
        job.stage.failed.append(job)
        self._ended(job, "failed")
        for held in self._gates.bad(job):
            self.hold(held)

    def failure(self, failed: Failed) -> None:
        """A failure counts, of a job or of a stage."""
        for watcher in self._watchers:
            watcher.failed(failed)

    def hold(self, job: JobRun) -> None:
        """A job is not run, since what it needs has failed; nor is what needs it."""
        waiting = [job]
        while waiting:
            held = waiting.pop()
            held.stage.held.append(held)
            self.held.append(held)
            self._ended(held, "held")
            waiting += self._gates.bad(held)

    def _ended(self, job: JobRun, outcome: JobOutcome) -> None:
        for watcher in self._watchers:
            watcher.job_ended(job, outcome)
