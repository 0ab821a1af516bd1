"""One stage in words: its name, its description, its jobs, and why they have something to do.

How much is said goes by the level of detail: 1 names, 2 descriptions, 3 the jobs that would run, 4 why, 5 the other
jobs of stages that would run, 6 all jobs of all stages, 7 the times of their files, 10 what only Gangline's own
developers ask for. The words, and what is left out at which level, are those of Ruffus.
"""

from __future__ import annotations

from typing import NamedTuple

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.printing.jobs import describe_job
from gangline.pipeline.printing.judging import Judge, Judgement
from gangline.pipeline.stages.expansion import Expansion
from gangline.pipeline.stages.stage import Stage

__all__ = ["StageLines"]

_NAMES, _DESCRIPTIONS, _JOBS, _REASONS, _FRESH_JOBS, _ALL_JOBS = range(1, 7)
_INTERNALS = 10
_ONE_OUTPUT = "    Single job single output"
_MANY_OUTPUTS = "    Multiple jobs Multiple outputs"
_JOB_INDENT = " " * 3
_ROW_INDENT = " " * 6


class StageLines(NamedTuple):
    """Puts stages into words.

    Attributes:
        expansion: Their jobs.
        judge: Says which of the jobs have something to do.
        detail: How much is said, 1 to 10.
        path_level: How far file names are abbreviated, as `verbose_abbreviated_path`.
        indent: By how many spaces what belongs to a stage is moved to the right.
    """

    expansion: Expansion
    judge: Judge
    detail: int
    path_level: int
    indent: int

    def of(self, stage: Stage, *, forced: bool, runs: bool) -> list[str]:
        """The lines of one stage, not wrapped; some have line breaks in them.

        Args:
            stage: The stage.
            forced: It runs whatever its files say.
            runs: It is among those that would run.
        """
        lines = [f"Task = {stage.display_name!r} {'    >>Forced to rerun<<' if forced else ''} "]
        if self.detail == _NAMES:
            return lines
        if stage.description:
            lines.append(f'{" " * self.indent}"{stage.description}"')
        if self.detail >= _INTERNALS:
            lines.append(_ONE_OUTPUT if stage.is_single else _MANY_OUTPUTS)
        if self.detail <= _DESCRIPTIONS:
            return lines
        margin = " " * self.indent + _JOB_INDENT
        if not self.expansion.is_active(stage):
            return [*lines, f"{margin}Task is inactive", ""] if self.detail >= _REASONS else lines
        if stage.wiring.expand is not None:
            return [*lines, *self._jobs(stage, margin, runs), ""]
        if self.detail < _REASONS:
            return lines
        # There are no jobs to speak of, only the stage; nothing is checked, unless the user has a check of his own.
        if not self.judge.has_check(stage):
            return [*lines, f"{margin}Task needs update: No func to check if up-to-date."]
        return [*lines, *self._whole(stage, margin), ""]

    def _whole(self, stage: Stage, margin: str) -> list[str]:
        judgement = self._judge(stage, self.expansion.jobs(stage)[0], stage.function)
        if judgement.needs_update:
            return [f"{margin}Task needs update: {self._reason(judgement)}"]
        return [f"{margin}Task {self._reason(judgement)}"] if self.detail > _ALL_JOBS else []

    def _jobs(self, stage: Stage, margin: str, runs: bool) -> list[str]:
        jobs = self.expansion.jobs(stage)
        lines: list[str] = []
        if self.judge.has_check(stage):
            function = stage.function
            for job in jobs:
                lines += self._job(stage, job, self._judge(stage, job, function), margin, runs)
        elif self.detail >= _FRESH_JOBS:
            for job in jobs:
                lines += self._name(stage, job, margin)
                lines.append(f"{margin}  Jobs needs update: No function to check if up-to-date or not")
        if not jobs:
            lines.append(f"{margin}!!! No jobs for this task.")
            lines.append(f"{margin}Are you sure there is not a error in your code / regular expression?")
        if self.detail >= _REASONS or not jobs:
            for text in self.expansion.notes(stage).unmatched:
                lines.append(f"{margin}Job Warning: Input substitution failed:")
                lines.append(f"{margin}             Do your regular expressions match the corresponding Input?")
                lines += [f"  {margin}{line}" for line in text.split("\n")]
        return lines

    def _job(self, stage: Stage, job: JobParams, judgement: Judgement, margin: str, runs: bool) -> list[str]:
        if judgement.needs_update:
            if self.detail < _REASONS:
                return [*self._name(stage, job, margin), f"{margin}  Job needs update"]
            reason = f"  Job needs update: {self._reason(judgement)}"
            return [*self._name(stage, job, margin), *(f"{margin}{line}" for line in reason.split("\n"))]
        lines = []
        if self.detail >= (_FRESH_JOBS if runs else _ALL_JOBS):
            lines += self._name(stage, job, margin)
        if self.detail > _ALL_JOBS:
            lines += [f"{margin}{line}" for line in self._reason(judgement).split("\n")]
        return lines

    def _judge(self, stage: Stage, job: JobParams, function: object) -> Judgement:
        return self.judge.judge(stage, job, function)

    def _reason(self, judgement: Judgement) -> str:
        with_times = self.detail > _ALL_JOBS
        return judgement.reason(self.path_level, self.expansion.directory, with_times=with_times)

    def _name(self, stage: Stage, job: JobParams, margin: str) -> list[str]:
        text = describe_job(stage.kind, job.shown, self.path_level, self.expansion.directory)
        first, *others = text.rows
        return [margin + first, *(f"{margin}{_ROW_INDENT}{row}" for row in others)]
