"""One run: stages in their order, jobs to the scheduler, and what becomes of them.

Rules:
    Everything here happens on the one thread that called `pipeline_run`. Other threads only put jobs that have ended
    into a queue.
    Before a job is started, the history knows on the disk that its outputs are about to change. Many jobs are
    announced at once, since each time costs a write to the disk; so a stage is gone through in portions.
    Whether a job has something to do is found out right before its portion, when all that it builds on is done.
    An interrupt does not come between the end of a job and its being told to all.
    After the first failure nothing more is started, unless the user wants all that can still be done.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from gangline._runtime.interrupts import Uninterrupted
from gangline.errors import InternalError, TaskCancelled, Unpicklable
from gangline.pipeline.ruffus_exceptions import JobSignalledBreak, MissingInputFileError, RethrownJobError
from gangline.pipeline.running.closing import Closing
from gangline.pipeline.running.engines import Engines
from gangline.pipeline.running.failures import (
    Failed,
    Failures,
    expanding,
    failed_job,
    failed_stage,
    held_back,
    own_failure,
    was_ended,
)
from gangline.pipeline.running.gates import Gates
from gangline.pipeline.running.jobs import JobRun, StageRun
from gangline.pipeline.running.log import Log
from gangline.pipeline.running.looking import Looker
from gangline.pipeline.running.options import RunOptions, Touching
from gangline.pipeline.running.outcomes import Outcomes
from gangline.pipeline.running.outputs import OutputCheck
from gangline.pipeline.running.plan import Plan
from gangline.pipeline.running.watching import StageOutcome, Watcher
from gangline.pipeline.stages.kinds import Kind

__all__ = ["Run"]

_PORTION = 1024
"""How many jobs of a stage are announced and not done at most."""

_FIRST_PORTION = 128
"""The same before one of them was started, so that work begins soon."""

_TICK_S = 1.01

_LOOK_S = 0.5
"""How often those who watch are told which jobs are running."""


class Run:
    """One run.

    Args:
        plan: What there is to do.
        options: How.
        log: Where it is told.
        failures: Takes what fails.
        watchers: Who is told, too.
    """

    def __init__(
        self, plan: Plan, options: RunOptions, log: Log, failures: Failures, watchers: Iterable[Watcher]
    ) -> None:
        self._plan = plan
        self._options = options
        self._log = log
        self._failures = failures
        self._stages = [StageRun(stage, stage.function, stage in plan.forced) for stage in plan.needed]
        self._closed = dict.fromkeys(plan.needed, False)
        self._unopened = list(self._stages)
        self._open: list[StageRun] = []
        self._gates = Gates(self._stages, options.trickle)
        self._outcomes = Outcomes(plan.recorder, log, self._gates, watchers)
        self._closing = Closing(plan, log, self._gates, self._outcomes)
        self._engines = Engines(options)
        self._looker = Looker(plan, options, log)
        self._outputs = OutputCheck(options, plan.needed, log)
        self._telling = Uninterrupted()
        self._stopping = False
        self._ended_by_force = False
        self._changed = True
        self._has_changed_files = False
        self._look_at = 0.0

    # The whole ----------------------------------------------------------------------------------------------------

    def execute(self) -> None:
        """Run to the end, or to the first failure.

        Raises:
            KeyboardInterrupt: The user interrupted it.
        """
        try:
            while self._turn():
                pass
        except BaseException:
            self._break_off()
            self._take_in()
            raise
        finally:
            self._engines.end()
            self._leave_stages()
        if not self._failures:
            self._plan.recorder.flush()
            self._closing.remove_temporary(self._closed)

    def _turn(self) -> bool:
        """Do what can be done now and wait for the next job to end; whether there is more to do."""
        if not self._stopping:
            self._open_stages()
            # Jobs that run on this thread come last: meanwhile the others are out.
            for run in sorted(self._open, key=self._engines.runs_inline):
                if not self._stopping:
                    self._feed(run)
        progress = self._close_stages()
        if any(run.outstanding for run in self._open):
            if not progress:
                self._wait()
            self._take_in()
            return True
        if self._stopping or not (self._open or self._unopened):
            return False
        if not (progress or self._changed or any(run.ready or run.begun for run in self._open)):
            raise InternalError("a pipeline has stages left to run, but none of them can go ahead")
        return True

    def _wait(self) -> None:
        """Return when a job is done; meanwhile those who watch are told what runs."""
        if not self._outcomes.watched:
            self._engines.wait()
            return
        while True:
            left = self._look_at - time.monotonic()
            if left <= 0:
                self._outcomes.running(self._engines.find_running())
                self._look_at = time.monotonic() + _LOOK_S
            elif self._engines.wait(left):
                return

    def _leave_stages(self) -> None:
        """Stages that were not gone through to the end."""
        for run in (*self._open, *self._unopened):
            outcome: StageOutcome = "failed" if run.failed or run.broken else "skipped"
            self._outcomes.stage_ended(run, outcome)

    @property
    def held(self) -> list[JobRun]:
        """Jobs that were not run, since what they need has failed."""
        return self._outcomes.held

    def summary(self) -> str:
        """What failures have held back."""
        return held_back(self.held)

    # Stages -------------------------------------------------------------------------------------------------------

    def _open_stages(self) -> None:
        # A stage may be done with as soon as it is opened, so that the next one's turn comes.
        while self._changed:
            self._changed = False
            for run in [run for run in self._unopened if self._gates.may_open(run)]:
                self._unopened.remove(run)
                self._open_stage(run)
                if self._stopping:
                    return

    def _open_stage(self, run: StageRun) -> None:
        stage, expansion = run.stage, self._plan.expansion
        self._changed = True
        if not expansion.is_active(stage):
            self._log.inactive(stage)
            run.opened = run.closed = self._closed[stage] = True
            self._outcomes.stage_ended(run, "inactive")
            return
        self._log.enters(stage, run.forced)
        if self._has_changed_files:
            # What ran before may have changed any file, whether it was declared or not.
            self._plan.assessor.files.forget_all()
            expansion.forget(stage)
        self._open.append(run)
        try:
            with expanding(stage):
                params = expansion.jobs(stage)
        except RethrownJobError as exc:
            self._broken(run, exc.__cause__ or exc)
            return
        jobs = run.open(params, self._options, expansion.directory)
        self._looker.note_writers(run, jobs)
        self._outcomes.stage_started(run)
        for job in self._gates.admit(run, jobs):
            self._outcomes.hold(job)

    def _broken(self, run: StageRun, error: BaseException) -> None:
        """The jobs of a stage cannot be worked out, or not be looked at."""
        run.opened = run.broken = True
        for job in (*run.ready, *run.waiting):
            self._outcomes.hold(job)
        run.ready.clear()
        run.waiting.clear()
        self._failures.head(run.stage, "Exceptions generating parameters")
        self._fail(failed_stage(run.stage, error))

    def _close_stages(self) -> bool:
        """Be done with stages that have nothing left to do; whether there was one."""
        through = [run for run in self._open if self._gates.may_close(run)]
        if self._stopping:  # what was taken back is not done
            through = [run for run in through if run.is_whole and run.total == run.fresh + run.succeeded]
        for run in through:
            self._open.remove(run)
            self._close_stage(run)
        return bool(through) and not self._stopping

    def _close_stage(self, run: StageRun) -> None:
        run.closed = self._closed[run.stage] = self._changed = True
        error = self._closing.close(run)
        self._has_changed_files |= bool(run.stage.posttasks)
        if error is not None:
            self._fail(failed_stage(run.stage, error))
            self._outcomes.stage_ended(run, "failed")

    # Jobs ---------------------------------------------------------------------------------------------------------

    def _feed(self, run: StageRun) -> None:
        """Look at the next jobs of a stage and start those that have something to do."""
        if self._engines.runs_inline(run):
            self._announce(run)
            self._run_here(run)
            return
        while self._announce(run):
            jobs = list(run.begun)
            run.begun.clear()
            self._submit(jobs)

    def _announce(self, run: StageRun) -> bool:
        """Look at the next jobs of a stage and announce those that have something to do; whether there are any."""
        started = run.begun or run.outstanding or run.ran
        most = _PORTION if started else _FIRST_PORTION
        room = most - len(run.begun) - len(run.outstanding)
        if not run.ready or room < most // 2 or run.broken or self._stopping:
            return False
        portion = self._next_portion(run, room)
        if not portion or self._stopping:
            return False
        self._pause(run)
        self._has_changed_files = True
        if self._options.touching is not Touching.NO:
            for job in portion:
                self._outcomes.touched(job, make=self._options.touching is Touching.FILES)
            return False
        self._engines.bring_up(run)  # they start while the history is written
        self._plan.recorder.begin([job.params for job in portion])
        run.begun.extend(portion)
        return True

    def _run_here(self, run: StageRun) -> None:
        """Run on this thread what is announced of a stage, or only one job if others are out, to look after those."""
        while run.begun and not self._stopping:
            most = 1 if self._outcomes.watched else self._engines.at_once(run)
            self._submit([run.begun.popleft() for _ in range(min(most, len(run.begun)))])
            self._take_in()
            while not self._stopping and self._engines.run_next():
                self._take_in()
            if self._engines.are_busy:
                break

    def _next_portion(self, run: StageRun, room: int) -> list[JobRun]:
        portion: list[JobRun] = []
        while run.ready and len(portion) < room and not self._stopping:
            job = run.ready.popleft()
            try:
                if self._looker.must_run(job):
                    portion.append(job)
                else:
                    run.fresh += 1
                    self._gates.done(job)
            except MissingInputFileError as exc:
                self._failures.head(run.stage, "Exceptions generating parameters")
                self._job_failed(job, failed_stage(run.stage, exc, job.text if self._options.keep_going else ""))
            except Exception as exc:  # the user's own check
                self._broken(run, exc)
        if self._stopping:
            return []
        return portion

    def _pause(self, run: StageRun) -> None:
        options = self._options
        wanted = options.one_second_per_job and options.touching is not Touching.HISTORY
        if wanted and not run.paused and run.stage.kind is not Kind.ORIGINATE:
            time.sleep(_TICK_S)
        run.paused = True

    def _submit(self, jobs: list[JobRun]) -> None:
        self._outcomes.started(jobs)
        if self._outcomes.watched and self._engines.runs_inline(jobs[0].stage):
            self._outcomes.running(jobs)
        try:
            self._engines.submit(jobs)
        except Unpicklable as exc:
            if len(jobs) > 1:  # one of them cannot travel: find out which
                for job in jobs:
                    self._submit([job])
                return
            self._plan.recorder.not_started([jobs[0].params])
            self._job_failed(jobs[0], failed_stage(jobs[0].stage.stage, exc, jobs[0].text))

    # What becomes of them -----------------------------------------------------------------------------------------

    def _take_in(self) -> None:
        done = self._engines.done
        while done:
            with self._telling:
                self._on_ended(done.popleft())

    def _on_ended(self, job: JobRun) -> None:
        run, handle = job.stage, job.handle
        assert handle is not None
        run.outstanding.discard(job)
        self._engines.show_output(handle)
        if handle.failure is None:
            made = self._plan.recorder.find_outputs(job.params)
            error = self._outputs.find_error(job, made)
            if error is None:
                self._outcomes.succeeded(job, made)
                return
            failure = own_failure(error)
        else:
            failure = handle.failure
        if isinstance(failure.error, TaskCancelled) or (self._ended_by_force and was_ended(failure.error)):
            self._outcomes.cancelled(job)
            return
        if isinstance(failure.error, KeyboardInterrupt):
            self._outcomes.cancelled(job)
            raise KeyboardInterrupt
        self._plan.recorder.failed(job.params)
        self._job_failed(job, failed_job(job, failure))
        if isinstance(failure.error, JobSignalledBreak):
            self._failures.head(run.stage, "Exceptions running jobs")
            self._break_off()

    def _job_failed(self, job: JobRun, failed: Failed) -> None:
        self._outcomes.failed(job, failed)
        self._fail(failed)

    def _fail(self, failed: Failed) -> None:
        """Take in a failure: the run stops, unless it is to go on as far as it can."""
        self._failures.add(failed)
        self._outcomes.failure(failed)
        if self._options.log_exceptions:
            self._log.error(self._failures.last_text())
        if self._options.exceptions_terminate_immediately:
            self._break_off()
        elif not self._options.keep_going:
            self._stop()

    def _stop(self) -> None:
        """Start nothing more."""
        if self._stopping:
            return
        self._stopping = True
        for run in self._open:
            self._plan.recorder.not_started([job.params for job in run.begun])
            run.begun.clear()
            self._engines.take_back(list(run.outstanding))

    def _break_off(self) -> None:
        """Start nothing more, and end what runs."""
        self._ended_by_force = True
        self._stop()
        self._engines.end()
