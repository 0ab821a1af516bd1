"""Looks at a job right before it would run: whether it has something to do, and whether it can."""

from __future__ import annotations

from collections.abc import Iterable

from gangline.pipeline.freshness.inputs import missing_input_error, missing_inputs
from gangline.pipeline.names.nested import flat_strings
from gangline.pipeline.printing.judging import Judgement
from gangline.pipeline.running.jobs import JobRun, StageRun
from gangline.pipeline.running.log import Log
from gangline.pipeline.running.options import RunOptions
from gangline.pipeline.running.plan import Plan
from gangline.pipeline.stages.kinds import WITHOUT_FILES
from gangline.pipeline.stages.stage import Stage

__all__ = ["Looker"]

_FORCED = Judgement(True, said="it was forced to run")
_UNCHECKED = Judgement(True, said="nothing says whether it is up to date")


class Looker:
    """Looks at jobs.

    Args:
        plan: What is known.
        options: How the run was asked for.
        log: Where it is told what was found.
    """

    def __init__(self, plan: Plan, options: RunOptions, log: Log) -> None:
        self._plan = plan
        self._options = options
        self._log = log
        self._writers: dict[str, Stage] = {}

    def must_run(self, job: JobRun) -> bool:
        """Whether a job has something to do.

        Raises:
            MissingInputFileError: It has, but a file that it reads does not exist.
        """
        run, log, options = job.stage, self._log, self._options
        if run.forced:
            job.judgement = _FORCED
            if log.tells_jobs:
                log.job_forced(job.text)
            return True
        judge = self._plan.judge
        if not judge.has_check(run.stage):
            job.judgement = _UNCHECKED
            if log.tells_jobs:
                log.job_unchecked(job.text)
            return True
        judgement = judge.judge(run.stage, job.params, run.function)
        if log.tells_jobs:
            directory = self._plan.expansion.directory
            reason = judgement.reason(options.path_level, directory, with_times=log.tells_times)
            (log.job_stale if judgement.needs_update else log.job_fresh)(job.text, reason)
        if not judgement.needs_update:
            return False
        job.judgement = judgement
        if judgement.found is not None and run.stage.kind not in WITHOUT_FILES:
            self._check_inputs(job)
        return True

    def _check_inputs(self, job: JobRun) -> None:
        missing = missing_inputs(job.params, self._plan.assessor.files)
        if missing:
            stage = job.stage.stage
            maker = self._maker_of(missing[0], stage)
            raise missing_input_error(missing[0], stage=stage.display_name, job=job.text, maker=maker)

    def _maker_of(self, name: str, reader: Stage) -> str | None:
        """The stage that makes a file."""
        for stage in self._plan.selection.graph.order:
            if stage is not reader and name in flat_strings(self._plan.expansion.outputs(stage)):
                return stage.display_name
        return None

    def note_writers(self, run: StageRun, jobs: Iterable[JobRun]) -> None:
        """Warn of a file that two stages make, or two jobs: each of them would put the other out of date for ever."""
        stage, writers = run.stage, self._writers
        if stage.kind in WITHOUT_FILES:
            return
        told: set[Stage] = set()
        key_of = self._plan.assessor.history.keys.of
        for job in jobs:
            for name in job.outputs:
                key = key_of(name)
                other = writers.get(key)
                if other is None:
                    writers[key] = stage
                elif other not in told and name not in job.inputs and not (other is stage and stage.reglobs):
                    told.add(other)
                    self._log.odd(
                        f"    {_both(other, stage)} both make {name!r}: what is there depends on which of them ran last"
                    )


def _both(one: Stage, other: Stage) -> str:
    if one is other:
        return f"Jobs of stage {one.display_name!r}"
    return f"Stages {one.display_name!r} and {other.display_name!r}"
