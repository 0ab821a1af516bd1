"""Helpers that programs written for Ruffus import from its module of this name."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from gangline.pipeline import dbdict
from gangline.pipeline.freshness.checksum import checksum_function, checksum_params
from gangline.pipeline.freshness.database import check_owner, connect, explained, prepare
from gangline.pipeline.freshness.levels import Level, get_level
from gangline.pipeline.freshness.place import MEMORY, default_file
from gangline.pipeline.indicators import combine, output_from, runtime_parameter
from gangline.pipeline.names.decompose import decompose as path_decomposition
from gangline.pipeline.names.formatter import formatter
from gangline.pipeline.names.functions import (
    REGEX_SUBSTITUTE,
    SUFFIX_SUBSTITUTE,
    apply_func_to_sequence,
    check_compiled_regexes,
    compile_formatter,
    compile_regex,
    compile_suffix,
    expand_nested_tasks_or_globs,
    formatter_replace,
    get_all_paths_components,
    get_nested_tasks_or_globs,
    get_nth_nested_level_of_path,
    nested_formatter_replace,
    path_decomposition_regex_match,
    regex_matches_as_dict,
    regex_replace,
    swap_doubly_nested_order,
    swap_nesting_order,
    wrap_exception_as_string,
)
from gangline.pipeline.names.inputs import add_inputs, inputs
from gangline.pipeline.names.nested import flat_strings as get_strings_in_flattened_sequence
from gangline.pipeline.names.nested import is_glob
from gangline.pipeline.names.nested import is_sequence as non_str_sequence
from gangline.pipeline.names.paths import abbreviate
from gangline.pipeline.names.paths import show as ignore_unknown_encoder
from gangline.pipeline.names.regex import regex
from gangline.pipeline.names.suffix import suffix

__all__ = ["CHECKSUM_FILE_CONTENTS", "CHECKSUM_FILE_SIZES", "CHECKSUM_FILE_TIMESTAMPS", "CHECKSUM_FUNCTIONS"]
__all__ += [
    "CHECKSUM_FUNCTIONS_AND_PARAMS",
    "CHECKSUM_HISTORY_TIMESTAMPS",
    "CHECKSUM_REGENERATE",
    "RUFFUS_HISTORY_FILE",
]
__all__ += ["JobHistoryChecksum", "add_inputs", "combine", "formatter", "get_default_checksum_level"]
__all__ += ["get_default_history_file_name", "get_first_string_in_nested_sequence", "get_history_file_path"]
__all__ += ["get_strings_in_flattened_sequence", "ignore_unknown_encoder", "inputs", "is_glob", "non_str_sequence"]
__all__ += ["open_job_history", "output_from", "parameter_list_as_string", "path_decomposition", "regex"]
__all__ += ["runtime_parameter", "shorten_filenames_encoder", "suffix"]
__all__ += ["REGEX_SUBSTITUTE", "SUFFIX_SUBSTITUTE", "apply_func_to_sequence", "check_compiled_regexes"]
__all__ += ["compile_formatter", "compile_regex", "compile_suffix"]
__all__ += ["expand_nested_tasks_or_globs", "formatter_replace", "get_all_paths_components", "glob_letters"]
__all__ += ["get_nested_tasks_or_globs", "get_nth_nested_level_of_path", "nested_formatter_replace"]
__all__ += ["path_decomposition_regex_match", "regex_matches_as_dict", "regex_replace", "swap_doubly_nested_order"]
__all__ += ["swap_nesting_order", "wrap_exception_as_string"]

glob_letters = {"*", "[", "]", "?"}

RUFFUS_HISTORY_FILE = os.environ.get("DEFAULT_RUFFUS_HISTORY_FILE", ".ruffus_history.sqlite")

CHECKSUM_FILE_TIMESTAMPS = int(Level.TIMES)
CHECKSUM_HISTORY_TIMESTAMPS = int(Level.HISTORY)
CHECKSUM_FUNCTIONS = int(Level.FUNCTIONS)
CHECKSUM_FUNCTIONS_AND_PARAMS = int(Level.PARAMETERS)
CHECKSUM_FILE_SIZES = int(Level.SIZES)
CHECKSUM_FILE_CONTENTS = int(Level.CONTENTS)
CHECKSUM_REGENERATE = 2
"""For `touch_files_only`: make a history of what exists, and run nothing."""


class JobHistoryChecksum:
    """How and when an output was made.

    Args:
        outfile: The output's name in the history.
        mtime: When it was made, in seconds since the epoch.
        params: The job's parameters besides input and output.
        task: The stage.
    """

    def __init__(self, outfile: str, mtime: float, params: Any, task: Any) -> None:
        self.outfile = outfile
        self.mtime = mtime
        self.chksum_params = checksum_params(params)
        self.chksum_func = checksum_function(getattr(task, "user_defined_work_func", getattr(task, "function", task)))

    def __str__(self) -> str:
        return time.strftime("%d %b %Y %H:%M:%S", time.gmtime(self.mtime))


def get_default_checksum_level() -> int:
    """The level of checks that the environment asks for, or 1."""
    return int(get_level(None))


def get_default_history_file_name() -> str:
    """The usual name of the history, parts of the program's path filled in."""
    return default_file()


def open_job_history(history_file: str | None) -> dbdict.DbDict:
    """A history as a mapping from keys to `JobHistoryChecksum`; see `get_history_file_path` for the keys.

    Args:
        history_file: Its name; None is the usual one.

    Raises:
        StoreError: The file is no history, is damaged, or cannot be written.
    """
    name = history_file or default_file()
    path = name if name == MEMORY else os.path.abspath(name)
    with explained(path):
        if os.path.exists(path):
            with contextlib.closing(connect(path, writing=False)) as connection:
                check_owner(connection, path)
        history = dbdict.open(path, picklevalues=True)
        prepare(history.con, path)
    history.path_base = os.getcwd() if name == MEMORY else os.path.dirname(path)
    return history


def get_history_file_path(filename: str, job_history: Any) -> str:
    """The key of a file in a history: its name relative to the history's folder, symbolic links kept as they are."""
    return os.path.relpath(filename, getattr(job_history, "path_base", None))


def shorten_filenames_encoder(obj: Any, n_levels: int = 2) -> str:
    """A parameter on one line, with its file names abbreviated."""
    return abbreviate(obj, n_levels, os.getcwd())


def get_first_string_in_nested_sequence(p: Any) -> str | None:
    """The first file name of a structure, if it has one."""
    names = get_strings_in_flattened_sequence(p)
    return names[0] if names else None


def parameter_list_as_string(parameters: list[Any] | None) -> str:
    """A list of parameters as text, without its brackets."""
    return "" if parameters is None else str(parameters)[1:-1]
