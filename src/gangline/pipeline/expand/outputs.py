"""What the outputs of a stage are to the stages that build on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.names.nested import is_sequence
from gangline.pipeline.ruffus_exceptions import Named, error_task_get_output

__all__ = ["as_input", "check_single", "collect_outputs"]


def collect_outputs(jobs: Iterable[JobParams], *, splits: bool = False) -> list[Any]:
    """The outputs of a stage's jobs, in the order of the jobs; jobs without an output have none.

    Args:
        jobs: All jobs of the stage.
        splits: The stage makes many of one (`@split`, `@subdivide`): the items of each output are outputs of their own.
    """
    outputs = [job.params[1] for job in jobs if len(job.params) >= 2]
    if not splits:
        return outputs
    return [item for output in outputs for item in (output if is_sequence(output) else (output,))]


def check_single(jobs: int, task: Named) -> None:
    """Raise when a stage of one job, by its declaration, has more.

    Raises:
        error_task_get_output: There are several jobs.
    """
    if jobs > 1:
        raise error_task_get_output(
            task, "Task which is supposed to produce a single output somehow has more than one job."
        )


def as_input(outputs: list[Any], *, bare: bool = False) -> Any:
    """The outputs of a stage as the input of another: a list in the order of the items' texts.

    Args:
        outputs: From `collect_outputs`.
        bare: The stage has one job and its child takes it as a whole (`@merge`, `@split`, `@files`): its output itself,
            not a list of it.
    """
    if bare and outputs:
        return outputs[0]
    return sorted(outputs, key=str)
