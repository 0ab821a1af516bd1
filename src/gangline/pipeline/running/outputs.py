"""Whether a job has made what it was declared to make."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection

from gangline.pipeline.freshness.recorder import Made
from gangline.pipeline.names.inputs import InputMode
from gangline.pipeline.names.nested import flat_strings, is_glob
from gangline.pipeline.ruffus_exceptions import error_missing_output
from gangline.pipeline.running.jobs import JobRun
from gangline.pipeline.running.log import Log
from gangline.pipeline.running.options import RunOptions
from gangline.pipeline.stages.kinds import WITHOUT_FILES
from gangline.pipeline.stages.stage import Stage

__all__ = ["OutputCheck"]

_SHORT = 5


class OutputCheck:
    """Says what it means that a job has ended well without making all its outputs.

    Stages with a check of their own are not asked: their outputs need not be files.

    Args:
        options: The run's; see `RunOptions.missing_outputs`.
        stages: Those that run.
        log: Gets a warning, where it is no error.
    """

    def __init__(self, options: RunOptions, stages: Collection[Stage], log: Log) -> None:
        self._asked = options.missing_outputs
        self._strict = options.record is not None
        self._log = log
        self._read = {source for stage in stages if _reads_as_given(stage) for source in stage.sources}

    def find_error(self, job: JobRun, made: Made) -> error_missing_output | None:
        """The error of a job that has ended well; None if there is nothing to blame.

        Args:
            job: The job.
            made: What was found of its outputs.
        """
        shown = job.params.shown
        names = flat_strings(shown[1]) if len(shown) > 1 else []
        found = {name for name, _ in made.values()}
        if found.issuperset(names):
            return None
        stage = job.stage.stage
        if self._asked == "ignore" or stage.kind in WITHOUT_FILES or stage.uptodate_check is not None:
            return None
        missing = [
            name
            for name in names
            if name not in found and not os.path.exists(name) and not _is_pattern(name, stage.reglobs)
        ]
        if not missing:
            return None
        files = ", ".join(repr(name) for name in missing[:_SHORT])
        more = f" and {len(missing) - _SHORT} more" if len(missing) > _SHORT else ""
        text = (
            f"The job ended well, but did not make {files}{more}, which stage {stage.display_name!r} declares as output"
        )
        if self._is_error(stage):
            return error_missing_output(text)
        self._log.odd(f"{text}: {job.text}")
        return None

    def _is_error(self, stage: Stage) -> bool:
        if self._asked is not None:
            return self._asked == "error"
        return self._strict or stage in self._read


def _reads_as_given(stage: Stage) -> bool:
    """Whether a job of the stage cannot do without the files that its sources make."""
    return stage.arguments.mode is not InputMode.REPLACE and stage.uptodate_check is None


def _is_pattern(name: str, allowed: bool) -> bool:
    """Whether a name that no file has stands for others: for any number where that is allowed, else for those there."""
    return is_glob(name) and (allowed or bool(glob.glob(name)))
