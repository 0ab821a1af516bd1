"""What is called on an engine for a job."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from gangline.pipeline.names.nested import flat_strings
from gangline.pipeline.stages.kinds import Kind
from gangline.pipeline.stages.stage import Stage

__all__ = ["make_directories", "task_of"]


def make_directories(*params: Any) -> None:
    """The work of a stage that makes directories.

    Args:
        params: The directories, or what they are made for and the directories.
    """
    for name in flat_strings(params[min(1, len(params) - 1)]):
        os.makedirs(name, exist_ok=True)


def task_of(stage: Stage, function: Callable[..., Any] | None) -> Callable[..., None]:
    """The function that the scheduler calls for each job of a stage: what the stage's own returns stays where it is."""
    if stage.kind is Kind.MKDIR or function is None:
        return make_directories
    work = function

    def run_job(*args: Any, **named: Mapping[str, Any]) -> None:
        work(*args, **named)

    run_job.__name__ = getattr(function, "__name__", stage.name)
    return run_job
