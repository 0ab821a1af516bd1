"""Whether a stage that makes directories has something to do."""

from __future__ import annotations

import os

from gangline.pipeline.freshness.rules import JobFiles
from gangline.pipeline.freshness.verdict import Cause, Freshness
from gangline.pipeline.names.nested import flat_strings
from gangline.pipeline.ruffus_exceptions import error_not_a_directory

__all__ = ["assess_directories"]

_ALL_EXIST = Freshness(False, Cause.NO_DIRECTORIES)


def assess_directories(job: JobFiles) -> Freshness:
    """Whether directories of a job are missing. They are its outputs or, of a job with one parameter, that one.

    Raises:
        error_not_a_directory: A file stands where a directory is to be.
    """
    params = job.params
    if len(params) not in (1, 2):
        raise error_not_a_directory(f"Wrong number of arguments in mkdir check {tuple(params)}")
    missing = []
    for name in flat_strings(params[-1]):
        if not os.path.exists(name):
            missing.append(name)
        elif not os.path.isdir(name):
            raise error_not_a_directory(f"{name} already exists but as a file, not a directory")
    return Freshness(True, Cause.DIRECTORIES, missing) if missing else _ALL_EXIST
