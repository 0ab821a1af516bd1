"""Whether a job has made what it was declared to make."""

from __future__ import annotations

import glob
import os
from typing import Literal

from gangline.pipeline.names.nested import flat_strings, is_glob
from gangline.pipeline.ruffus_exceptions import error_missing_output
from gangline.pipeline.running.jobs import JobRun
from gangline.pipeline.running.log import Log
from gangline.pipeline.stages.kinds import Kind

__all__ = ["check_made"]

_UNDECLARED = frozenset({Kind.PLAIN, Kind.PARALLEL, Kind.MKDIR})
_SHORT = 5


def check_made(job: JobRun, meaning: Literal["error", "warn", "ignore"], log: Log) -> error_missing_output | None:
    """The error of a job that has ended well without making all its outputs; None if there is nothing to blame.

    Stages with a check of their own are not asked: their outputs need not be files.

    Args:
        job: The job.
        meaning: What it means: see `RunOptions.missing_outputs`.
        log: Gets a warning instead, if that is wanted.
    """
    stage = job.stage.stage
    if meaning == "ignore" or stage.kind in _UNDECLARED or stage.uptodate_check is not None:
        return None
    shown = job.params.shown
    names = flat_strings(shown[1]) if len(shown) > 1 else []
    missing = [name for name in names if not os.path.exists(name) and not _is_pattern(name, stage.reglobs)]
    if not missing:
        return None
    files = ", ".join(repr(name) for name in missing[:_SHORT])
    more = f" and {len(missing) - _SHORT} more" if len(missing) > _SHORT else ""
    text = f"The job ended well, but did not make {files}{more}, which stage {stage.display_name!r} declares as output"
    if meaning == "warn":
        log.odd(f"{text}: {job.text}")
        return None
    return error_missing_output(text)


def _is_pattern(name: str, allowed: bool) -> bool:
    """Whether a name that no file has stands for others: for any number where that is allowed, else for those there."""
    return is_glob(name) and (allowed or bool(glob.glob(name)))
