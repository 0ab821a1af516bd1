"""The run that a recipe or a pipeline is, as the record and later runs see it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gangline.recipes.batchoptions import METHOD
from gangline.recipes.cooking import cook, cook_noted
from gangline.recipes.pipelinerun import PipelineRun
from gangline.recipes.reading import check_runs
from gangline.recipes.step import BASE_INPUTS
from gangline.recipes.surroundings import batch_options

if TYPE_CHECKING:
    from gangline.recipes.step import Step

__all__ = ["carry_out", "running"]


@contextmanager
def running(recipe: Step) -> Iterator[PipelineRun]:
    """From here on the recipe's tasks and jobs are noted.

    Raises:
        UsageError: The program is only read.
    """
    check_runs()
    inputs = recipe.inputs
    resuming = bool(inputs["resume"])
    run = PipelineRun(
        f"{type(recipe).__name__} {inputs['job_name']}",
        inputs["runtime_directory"],
        resuming=resuming,
        backend="hosts" if batch_options(recipe.config) is None else METHOD,
        options={"job_name": inputs["job_name"], "config": recipe.config.file, "resume": resuming},
    )
    recipe._run = run
    outcome, message = "failed", ""
    try:
        yield run
        outcome = "failed" if run.status else "ok"
    except KeyboardInterrupt:
        outcome = "interrupted"
        raise
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"
        raise
    finally:
        recipe._run = None
        run.end(outcome, message)


def carry_out(recipe: Step) -> int:
    """Have a recipe done, as a run that is recorded.

    Returns:
        0 for success.
    """
    with running(recipe) as run:
        if recipe.is_pipeline:
            status = cook(recipe)
        else:
            names = [name for name in recipe.inputs.fields if name == "args" or name not in BASE_INPUTS]
            status = cook_noted(recipe, run.task(recipe.name, type(recipe), recipe.inputs, names))
        run.status = status
    return status
