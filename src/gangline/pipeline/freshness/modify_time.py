"""The check of times and history as a function, for programs that call it themselves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import Level, get_level
from gangline.pipeline.freshness.rules import Assessor
from gangline.pipeline.freshness.value import Value
from gangline.pipeline.names.nested import flat_strings

__all__ = ["needs_update_check_modify_time"]


def needs_update_check_modify_time(
    *params: Any,
    task: Any = None,
    job_history: History | Mapping[str, Any] | None = None,
    verbose_abbreviated_path: int = -55,
    return_file_dates_when_uptodate: bool = False,
) -> tuple[bool, str]:
    r"""Whether a job has to run, and why in words.

    Args:
        params: The job's parameters: input, output, extras.
        task: The stage, for its function and the level of checks; without it only times are compared.
        job_history: A history, or what `open_job_history` returns; None is the usual file.
        verbose_abbreviated_path: How far names are abbreviated in the words.
        return_file_dates_when_uptodate: Whether the words show the files' times even when all is up to date.

    Example:
        >>> needs_update_check_modify_time(None, "no-such-file.txt")
        (True, '...\n        Missing file [no-such-file.txt]')
    """
    level = Level.TIMES if task is None else get_level(getattr(task, "checksum_level", None))
    function = getattr(task, "user_defined_work_func", getattr(task, "function", None))
    job = JobParams(params, params)
    if isinstance(job_history, History):
        history = job_history
    elif job_history is not None:
        history = _from_mapping(job_history, flat_strings(params[:2]))
    elif level is Level.TIMES:
        history = History.of_values({}, os.getcwd())
    else:
        with History.open(None, level, writing=False) as history:
            return _answer(level, history, function, job, verbose_abbreviated_path, return_file_dates_when_uptodate)
    return _answer(level, history, function, job, verbose_abbreviated_path, return_file_dates_when_uptodate)


def _answer(
    level: Level, history: History, function: Any, job: JobParams, path_level: int, with_times: bool
) -> tuple[bool, str]:
    found = Assessor(level, history, with_times=with_times).assess(function, job)
    return found.needs_update, found.reason(path_level, os.getcwd(), with_times=with_times)


def _from_mapping(mapping: Mapping[str, Any], names: Iterable[str]) -> History:
    base = getattr(mapping, "path_base", os.getcwd())
    values = {}
    for name in names:
        key = os.path.relpath(name, base)
        if key in mapping:
            entry = mapping[key]
            values[key] = Value(entry.mtime, entry.chksum_params, entry.chksum_func)
    return History.of_values(values, base)
