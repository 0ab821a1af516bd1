"""Which stages and jobs may go ahead: what is done, what is waited for, and what failures hold back.

Rules:
    A stage's turn comes when all its parents are done with. Its jobs are worked out then, and not before.
    With `trickle` it may come earlier: when all that is missing is jobs whose outputs have names already. Each of its
    jobs then waits for the jobs that make its inputs.
    A job that reads what was not made is held back, and so is a stage that follows one that is not whole without
    reading from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from gangline.pipeline.names.nested import find_references
from gangline.pipeline.running.jobs import JobRun, StageRun
from gangline.pipeline.stages.stage import Stage

__all__ = ["Gates"]


class Gates:
    """Says what may go ahead.

    Args:
        stages: The stages that run.
        trickle: Whether jobs wait for jobs, instead of stages for stages.
    """

    def __init__(self, stages: Iterable[StageRun], trickle: bool) -> None:
        self._runs: dict[Stage, StageRun] = {run.stage: run for run in stages}
        self._trickle = trickle
        self._bad: set[str] = set()
        self._makers: dict[str, JobRun] = {}
        self._waiting_for: defaultdict[JobRun, list[JobRun]] = defaultdict(list)

    def parents(self, run: StageRun) -> list[StageRun]:
        """The parents of a stage that run, too."""
        return [self._runs[parent] for parent in run.stage.parents if parent in self._runs]

    def may_open(self, run: StageRun) -> bool:
        """Whether a stage's turn has come."""
        missing = [parent for parent in self.parents(run) if not parent.closed]
        return not missing or (self._trickle and all(self._is_known(run, parent) for parent in missing))

    def may_close(self, run: StageRun) -> bool:
        """Whether a stage is done with."""
        return run.is_through and all(parent.closed for parent in self.parents(run))

    def _is_known(self, run: StageRun, parent: StageRun) -> bool:
        """Whether it can be told which jobs of a parent a stage's jobs wait for, before the parent is done."""
        stage = run.stage
        return (
            parent.opened
            and parent.stage in stage.wiring.sources
            and not parent.stage.reglobs
            and not find_references(stage.arguments.input).globs
        )

    def is_held(self, run: StageRun) -> bool:
        """Whether all of a stage is held back."""
        return any(
            parent.broken or (not parent.is_whole and parent.stage not in run.stage.wiring.sources)
            for parent in self.parents(run)
        )

    def admit(self, run: StageRun, jobs: list[JobRun]) -> list[JobRun]:
        """Take in a stage's jobs: they are ready, or wait.

        Returns:
            Those that are held back instead.
        """
        if self.is_held(run):
            return jobs
        held = []
        for job in jobs:
            if self._bad and not self._bad.isdisjoint(job.inputs):
                held.append(job)
            elif not self._wait(job):
                run.ready.append(job)
        if self._trickle:
            self._makers.update((name, job) for job in jobs for name in job.outputs)
        return held

    def _wait(self, job: JobRun) -> bool:
        if not self._trickle:
            return False
        makers = {self._makers[name] for name in job.inputs if name in self._makers}
        if makers:
            job.waits_for = makers
            job.stage.waiting.add(job)
            for maker in makers:
                self._waiting_for[maker].append(job)
        return bool(makers)

    def done(self, job: JobRun) -> None:
        """A job is done, or had nothing to do: what waited for it may go ahead."""
        if not self._trickle:
            return
        self._unmake(job)
        for waiting in self._waiting_for.pop(job, ()):
            left = waiting.waits_for
            if left is not None:
                left.discard(job)
                if not left and waiting in waiting.stage.waiting:
                    waiting.stage.waiting.discard(waiting)
                    waiting.stage.ready.append(waiting)

    def bad(self, job: JobRun) -> list[JobRun]:
        """A job has failed or is held back.

        Returns:
            The jobs that waited for it and are now held back themselves.
        """
        self._bad.update(job.outputs)
        if not self._trickle:
            return []
        self._unmake(job)
        held = [waiting for waiting in self._waiting_for.pop(job, ()) if waiting in waiting.stage.waiting]
        for waiting in held:
            waiting.stage.waiting.discard(waiting)
        return held

    def bad_files(self, names: Iterable[str]) -> None:
        """Files that nobody is to read."""
        self._bad.update(names)

    def _unmake(self, job: JobRun) -> None:
        for name in job.outputs:
            if self._makers.get(name) is job:
                del self._makers[name]
