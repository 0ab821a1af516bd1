"""The end of a stage: what it has made, its posttasks, what is said of it, and which of its outputs are kept."""

from __future__ import annotations

from collections.abc import Mapping

from gangline.pipeline.names.nested import flat_strings
from gangline.pipeline.running.gates import Gates
from gangline.pipeline.running.jobs import StageRun
from gangline.pipeline.running.log import Log
from gangline.pipeline.running.outcomes import Outcomes
from gangline.pipeline.running.plan import Plan
from gangline.pipeline.stages.stage import Stage

__all__ = ["Closing"]


class Closing:
    """Is done with stages.

    Args:
        plan: What there is to do.
        log: Where it is told.
        gates: Where other stages wait.
        outcomes: Tells everyone.
    """

    def __init__(self, plan: Plan, log: Log, gates: Gates, outcomes: Outcomes) -> None:
        self._plan = plan
        self._log = log
        self._gates = gates
        self._outcomes = outcomes

    def close(self, run: StageRun) -> Exception | None:
        """Be done with a stage whose jobs have all ended.

        Returns:
            What a posttask has raised. Nobody but the log was told then.
        """
        stage = run.stage
        if stage.reglobs:
            self._look_again(run)
        if not run.is_whole:
            self._log.held(stage)
            self._outcomes.stage_ended(run, "failed")
            return None
        error = self._call_posttasks(run) if stage.posttasks else None
        if error is not None:
            return error
        if run.ran:
            self._log.completed(stage)
        else:
            self._log.fresh(stage, self._plan.expansion.notes(stage))
        self._outcomes.stage_ended(run, "ok")
        return None

    def _look_again(self, run: StageRun) -> None:
        """What matches the globs of a stage is known only now; what failed jobs have left of it is not to be read."""
        stage, expansion = run.stage, self._plan.expansion
        failed = [job.params.shown for job in (*run.failed, *run.held)]
        expansion.forget(stage)
        if failed:
            for job in expansion.jobs(stage):
                if job.shown in failed:
                    self._gates.bad_files(flat_strings(job.outputs))

    def _call_posttasks(self, run: StageRun) -> Exception | None:
        self._plan.recorder.flush()
        try:
            for posttask in run.stage.posttasks:
                posttask()
        except Exception as exc:  # the user's own functions
            run.broken = True
            return exc
        return None

    def remove_temporary(self, closed: Mapping[Stage, bool]) -> None:
        """Remove what only stages needed that are done with.

        Args:
            closed: The stages of the run, and whether they are.
        """
        temporary = self._plan.temporary
        for stage in temporary.stages:
            patterns = temporary.patterns(stage) if closed.get(stage) else []
            if patterns:
                self._log.kept(stage, patterns[0])
        temporary.remove_unneeded(lambda stage: closed.get(stage, True))
