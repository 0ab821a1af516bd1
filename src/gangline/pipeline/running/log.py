"""What a run says, through the user's logger, in the words of Ruffus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gangline.pipeline.expand.jobs import Notes
from gangline.pipeline.loggers import black_hole_logger
from gangline.pipeline.stages.stage import Stage

__all__ = ["Log"]

_NAMES, _DESCRIPTIONS, _JOBS, _REASONS, _FRESH_JOBS = range(1, 6)
_INTERNALS = 10
_RULE = "_" * 40
_INDENT = " " * 8
_SHORT = 3


class Log:
    """Says at each level of detail what belongs there.

    Args:
        logger: The user's.
        detail: How much is said, see `RunOptions.verbose`.
        warn: Gets what is odd in place of the logger, whatever the detail.

    Attributes:
        detail: The same.
    """

    def __init__(self, logger: Any, detail: int, warn: Callable[[str], None] | None = None) -> None:
        self._logger = black_hole_logger if detail <= 0 else logger
        self._warn = warn
        self.detail = detail

    @property
    def tells_jobs(self) -> bool:
        """Whether single jobs are spoken of."""
        return self.detail >= _JOBS

    @property
    def tells_times(self) -> bool:
        """Whether the times of files that are up to date are asked for."""
        return self.detail > 6

    @property
    def tells_fresh_stages(self) -> bool:
        """Whether stages that have nothing to do are listed."""
        return self.detail in (_NAMES, _DESCRIPTIONS) or self.detail >= _FRESH_JOBS

    def _at(self, level: int, text: str) -> bool:
        if level > self.detail:
            return False
        self._logger.info(text)
        return True

    def error(self, text: str) -> None:
        """Say what failed."""
        self._logger.error(text)

    def odd(self, text: str) -> None:
        """Say what is odd."""
        if self._warn is None:
            self._logger.warning(text)
        else:
            self._warn(text)

    def summary(self, text: str) -> None:
        """Say how it all went."""
        self._at(_NAMES, text)

    # The run ------------------------------------------------------------------------------------------------------

    def touching(self) -> None:
        """Functions are not called."""
        self._at(_NAMES, "Touch output files instead of remaking them.")

    def lines(self, lines: list[str]) -> None:
        """Lines that are made elsewhere."""
        for line in lines:
            self._logger.info(line)

    def fresh_stages(self, lines: list[str]) -> None:
        """Stages that have nothing to do, already in words."""
        self.lines(["", _RULE, "Tasks which are up-to-date:", "", "", *lines, _RULE, "", ""])

    def heading(self) -> None:
        """The run begins."""
        self.lines(["", _RULE, "Tasks which will be run:", "", ""])

    # Stages -------------------------------------------------------------------------------------------------------

    def looking_at(self, stage: Stage) -> None:
        """It is found out whether a stage has something to do."""
        self._at(_INTERNALS, f"  Task = {stage.display_name!r} ")

    def odd_stage(self, stage: Stage, notes: Notes) -> None:
        """A stage has nothing to do, and perhaps should."""
        if self._warn is not None:
            self._warn_of(stage, notes)
        elif self.detail >= _NAMES:
            for warning in notes.warnings:
                self.odd(f"    'In Task\n{stage.declaration.show()}\n{warning}")
            self._hint(stage, notes)

    def enters(self, stage: Stage, forced: bool) -> None:
        """A stage's turn has come."""
        self._at(_NAMES, f"Task enters queue = {stage.display_name!r} {': Forced to rerun' if forced else ''}")
        if stage.description:
            self._at(_DESCRIPTIONS, f"    {stage.description}")

    def inactive(self, stage: Stage) -> None:
        """A stage does not take part."""
        self._at(_DESCRIPTIONS, f"Inactive Task = {stage.display_name!r}")

    def completed(self, stage: Stage) -> None:
        """All jobs of a stage are done."""
        self._at(_NAMES, f"Completed Task = {stage.display_name!r}")

    def held(self, stage: Stage) -> None:
        """A stage ended with jobs that failed or were held back."""
        self._at(_NAMES, f"Incomplete Task = {stage.display_name!r}")

    def kept(self, stage: Stage, pattern: str) -> None:
        """What a stage has made is temporary, and is kept all the same."""
        if self.detail >= _NAMES:
            self.odd(
                f"    In Task {stage.display_name!r}:\n{_INDENT}its temporary outputs are kept: {pattern!r} is a "
                "pattern, and the next run could not tell what was there. Name the outputs to have them removed "
            )

    def fresh(self, stage: Stage, notes: Notes) -> None:
        """A stage had nothing to do; there may be no job at all, and then it is said why."""
        self._at(_NAMES, f"Uptodate Task = {stage.display_name!r}")
        if self._warn is not None:
            self._warn_of(stage, notes)
            return
        if self.detail < _NAMES:
            return
        for warning in notes.warnings:
            lines = [warning.replace("\n", f"\n{_INDENT}")]
            if self.detail >= _REASONS:
                for text in notes.unmatched:
                    lines.append(f"{_INDENT}Job Warning: Input substitution failed:")
                    lines.append(_INDENT + "  " + text.replace("\n", f"\n{_INDENT}  "))
            self.odd(f"    In Task {stage.display_name!r}:\n{_INDENT}" + "\n".join(lines) + " ")
        if self.detail < _REASONS:
            self._hint(stage, notes)

    def _hint(self, stage: Stage, notes: Notes) -> None:
        """Which patterns and files a stage without jobs is about: Ruffus says less, so it is a warning of its own."""
        lines = [*_examples(notes), *(f"no file matches {pattern!r}" for pattern in notes.unfound)]
        if lines and (notes.warnings or notes.unfound):
            self.odd(
                "\n".join([f"    Hint: Task {stage.display_name!r} has no jobs:", *(_INDENT + each for each in lines)])
            )

    def _warn_of(self, stage: Stage, notes: Notes) -> None:
        for warning in notes.warnings:
            self.odd(
                "\n".join([f"stage {stage.display_name!r}: {warning}", *(f"  {text}" for text in _examples(notes))])
            )
        for pattern in notes.unfound:
            self.odd(f"stage {stage.display_name!r} has no jobs: no file matches {pattern!r}")

    # Jobs ---------------------------------------------------------------------------------------------------------

    def job_forced(self, job: str) -> None:
        """A job runs whatever its files say."""
        self._at(_JOBS, f"    force task {job} to rerun ")

    def job_unchecked(self, job: str) -> None:
        """A job runs since nothing says whether it must."""
        self._at(_JOBS, f"    {job} no function to check if up-to-date ")

    def job_fresh(self, job: str, reason: str) -> None:
        """A job has nothing to do."""
        self._at(_FRESH_JOBS, f"    {job} unnecessary: already {reason}")

    def job_stale(self, job: str, reason: str) -> None:
        """A job has something to do."""
        if not self._at(_REASONS, f"    {job} {reason} "):
            self._at(_JOBS, f"    {job}")

    def job_completed(self, job: str) -> None:
        """A job has ended well."""
        self._at(_JOBS, f"    {job} completed")


def _examples(notes: Notes) -> list[str]:
    more = len(notes.unmatched) - _SHORT
    return [*list(notes.unmatched)[:_SHORT], *([f"and {more} more"] if more > 0 else [])]
