"""Checks of files and of times in words, under the name of the module in which Ruffus keeps them."""

from __future__ import annotations

import os
from typing import Any

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.freshness.directories import assess_directories
from gangline.pipeline.freshness.modify_time import needs_update_check_modify_time
from gangline.pipeline.freshness.verdict import show_time as epoch_seconds_to_str
from gangline.pipeline.names.nested import flat_strings, is_glob
from gangline.pipeline.ruffus_exceptions import MissingInputFileError

__all__ = ["check_input_files_exist", "epoch_seconds_to_str", "get_readable_path_str", "is_glob"]
__all__ += ["needs_update_check_directory_missing", "needs_update_check_exist", "needs_update_check_modify_time"]

_CUT = "[...]"


def get_readable_path_str(original_path: str, max_len: int) -> str:
    """The end of a path, in no more characters than this, if it can be had in about as many as that."""
    if len(original_path) < max_len:
        return original_path
    kept = max_len - len(_CUT)
    return _CUT + original_path[-kept:]


def check_input_files_exist(*params: Any) -> None:
    """Check that the files of a job's first parameter are there.

    Raises:
        MissingInputFileError: One is not.
    """
    for name in flat_strings(params[0]) if params else []:
        if not os.path.exists(name):
            raise MissingInputFileError(f"No way to run job: Input file '{name}' does not exist")


def needs_update_check_exist(*params: Any, **_: Any) -> tuple[bool, str]:
    """Whether a job has to run since a file of it is missing, and why in words; times do not count.

    Args:
        params: The job's parameters: input, output, extras.
    """
    if len(params) < 2:
        return True, "i/o files not specified"
    names = flat_strings(params[0]), flat_strings(params[1])
    if not names[1]:
        return True, "Missing output file"
    missing = [name for name in (*names[0], *names[1]) if not os.path.exists(name)]
    if missing:
        return True, f"...\n        Missing file{'s' if len(missing) > 1 else ''} [{', '.join(missing)}]"
    return False, "Up to date"


def needs_update_check_directory_missing(*params: Any, **_: Any) -> tuple[bool, str]:
    """Whether directories have to be made, and which in words.

    Args:
        params: The directories, after anything else.

    Raises:
        error_not_a_directory: A file stands where a directory is to be.
    """
    found = assess_directories(JobParams(params, params))
    return found.needs_update, found.reason(0, os.getcwd())
