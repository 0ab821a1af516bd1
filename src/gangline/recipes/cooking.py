"""Having recipes done: by themselves, and as tasks of others."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gangline.errors import UsageError
from gangline.recipes.finding import find_recipe, recipes_in
from gangline.recipes.ingredients import Ingredients, InputError, Problem, Value
from gangline.recipes.lofarexceptions import PipelineQuit, PipelineRecipeFailed, RecipeNotFound
from gangline.recipes.starting import recipe_folders
from gangline.recipes.step import BASE_INPUTS, Step

if TYPE_CHECKING:
    from gangline.recipes.taskrun import TaskRun

__all__ = ["FoundTask", "cook", "cook_noted", "find_task", "problems_ahead", "run_found"]

logger = logging.getLogger("gangline.recipes")

_HANDED_DOWN = ("job_name", "config", "runtime_directory", "task_files", "recipe_directories", "start_time")


@dataclass(frozen=True, slots=True)
class FoundTask:
    """A task that can be run.

    Attributes:
        name: What it is called.
        recipe: What it is.
        values: What it is given, not checked yet.
    """

    name: str
    recipe: type[Step]
    values: Mapping[str, Value]


def cook(recipe: Step) -> int:
    """Have `go` called.

    Returns:
        0 for success. What it raises is logged, kept in the recipe's `failure`, and counts as 1.
    """
    recipe.logger.info("recipe %s started", recipe.name)
    recipe.failure = None
    try:
        status = recipe.go()
    except PipelineQuit as quit_early:
        recipe.logger.info("recipe %s ended early: %s", recipe.name, quit_early)
        return 0
    except Exception as error:  # go is the user's own code
        recipe.failure = error
        recipe.logger.error("%s", _words(recipe, error))
        recipe.logger.debug("where recipe %s failed:", recipe.name, exc_info=True)
        return 1
    if status is None or (isinstance(status, int) and not isinstance(status, bool)):
        code = status or 0
    else:
        recipe.logger.error(
            "recipe %s: go() returned %r, but must return 0 or nothing for success, or another whole number",
            recipe.name, status,
        )  # fmt: skip
        return 1
    if code:
        recipe.logger.error("recipe %s failed: go() returned %d", recipe.name, code)
    else:
        if missing := recipe.outputs.missing():
            recipe.logger.warning("recipe %s did not set its output %s", recipe.name, ", ".join(map(repr, missing)))
        recipe.logger.info("recipe %s completed", recipe.name)
    return code


def find_task(
    parent: Step,
    name: str | type[Step],
    values: Mapping[str, Value],
    *,
    recipe: Any = None,
    as_recipe: bool = False,
) -> FoundTask:
    """A task by its name, with all that it is given.

    Args:
        parent: Where it is part of.
        name: Of the task, or of the recipe; or a recipe.
        values: Inputs that win over those of `tasks.cfg`.
        recipe: Its recipe, or the name of it; None: what `tasks.cfg` says, else the recipe of that name.
        as_recipe: Whether it is the name of a recipe, not of a task.

    Raises:
        RecipeNotFound: There is none.
        ConfigurationError: It is defined in a way that makes no sense.
    """
    if isinstance(name, type):
        recipe, name = name, name.__name__
        as_recipe = True
    if not isinstance(name, str):
        raise UsageError(f"a task is named by a text, or given as a recipe, not as {name!r}")
    if not as_recipe and name in parent.task_definitions:
        definition = parent.task_definitions.get(name)
        recipe = definition.recipe if recipe is None else recipe
        values = {**definition.parameters, **values}
    elif recipe is None:
        try:
            recipe = _find_recipe(parent, name)
        except RecipeNotFound:
            if as_recipe or not parent.task_definitions.names:
                raise
            parent.task_definitions.get(name)  # says which tasks there are
    if isinstance(recipe, str):
        recipe = _find_recipe(parent, recipe)
    if not (isinstance(recipe, type) and issubclass(recipe, Step)):
        raise UsageError(f"task {name}: {recipe!r} is no recipe: a class derived from BaseRecipe, or its name")
    by_lower = {field.lower(): field for field in recipe.declared("inputs")}
    return FoundTask(name, recipe, {by_lower.get(key, key): value for key, value in values.items()})


def run_found(parent: Step, task: FoundTask) -> Ingredients:
    """Have a task done, unless the run that it is part of knows that it is done.

    Raises:
        InputError: Inputs are wrong or missing; all are named.
        PipelineRecipeFailed: It has failed.
    """
    parent.make_ready()
    recipe = _made(parent, task)
    run = parent._run
    if run is None:
        status = cook(recipe)
        return _outputs(recipe, status)
    names = [name for name in recipe.inputs.fields if name == "args" or name not in BASE_INPUTS]
    label = f"{parent.name}/{task.name}" if parent._task is not None else task.name
    memory = run.task(label, task.recipe, recipe.inputs, names)
    if memory.recalled(recipe.outputs):
        memory.stage.skipped()
        _tell_parent(parent, memory)
        logger.info("task %s is done: skipped", memory.label)
        return _outputs(recipe, 0)
    logger.info("task %s runs%s", memory.label, f" again: {memory.reason}" if memory.reason else "")
    status = cook_noted(recipe, memory)
    _tell_parent(parent, memory)
    return _outputs(recipe, status)


def _tell_parent(parent: Step, memory: TaskRun) -> None:
    if parent._task is not None:
        parent._task.take_in(memory)


def cook_noted(recipe: Step, memory: TaskRun) -> int:
    """Have a recipe done, and note how it ended.

    Args:
        recipe: Which.
        memory: Notes it.

    Returns:
        0 for success.
    """
    recipe._task = memory
    recipe.job_memory = recipe.job_journal = memory.jobs
    memory.begun()
    try:
        status = cook(recipe)
    except BaseException:
        memory.interrupted()
        raise
    if status and not memory.jobs.failed:
        memory.stage.failed(type(recipe).__name__, **_for_record(recipe.failure, status))
    memory.ended(None if status else recipe.outputs)
    return status


def _made(parent: Step, task: FoundTask) -> Step:
    """The recipe with its inputs.

    Raises:
        InputError: They are wrong.
    """
    recipe = task.recipe()
    recipe.name = task.name
    recipe.logger = parent.logger.getChild(task.name)
    recipe.config = parent.config
    recipe._definitions = parent._definitions
    recipe._run = parent._run
    inherited = {name: Value(parent.inputs[name], "the pipeline") for name in _HANDED_DOWN if name in parent.inputs}
    own = recipe.inputs.fields
    values = {**{name: value for name, value in inherited.items() if name in own}, **task.values}
    try:
        recipe.make_ready(values)
    except InputError as error:
        raise InputError(f"task {task.name} (recipe {task.recipe.__name__})", error.problems) from None
    return recipe


def _find_recipe(parent: Step, name: str) -> type[Step]:
    return find_recipe(name, recipe_folders(parent), recipes_in(sys.modules.get(type(parent).__module__)))


def _outputs(recipe: Step, status: int) -> Ingredients:
    """What a task has given.

    Raises:
        PipelineRecipeFailed: It has failed.
    """
    if not status:
        outputs: Ingredients = recipe.outputs
        return outputs
    error = recipe.failure
    why = f": {type(error).__name__}: {error}" if error is not None else ""
    raise PipelineRecipeFailed(f"task {recipe.name} failed{why}", recipe.name, status) from error


def _words(recipe: Step, error: Exception) -> str:
    """What ended a recipe, and where in the user's own code."""
    if isinstance(error, PipelineRecipeFailed) and error.task:
        return f"{recipe.name} ends here: task {error.task} failed"
    if isinstance(error, (InputError, RecipeNotFound)):
        return str(error)
    what = f"recipe {recipe.name} failed: {type(error).__name__}: {error}"
    folder = os.path.dirname(__file__)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if os.path.dirname(frame.filename) != folder]
    if not frames:
        return what
    # Where it was called from tells more than where in a library it came up.
    beside = os.path.join(os.path.dirname(recipe.__file__), "")
    place = next((frame for frame in reversed(frames) if frame.filename.startswith(beside)), frames[-1])
    return f"{what} ({place.filename}, line {place.lineno})"


def _for_record(error: BaseException | None, status: int) -> dict[str, Any]:
    if error is None:
        return {"error": f"go() returned {status}", "exit_code": status}
    return {
        "error_type": type(error).__name__,
        "error": str(error),
        "traceback": "".join(traceback.format_exception(error)),
    }


def problems_ahead(parent: Step, name: str) -> list[Problem]:
    """What is wrong with a task that will be run: that there is none, or what `tasks.cfg` gives it.

    What earlier tasks may still have an influence on is not looked at: whether files exist, and what is missing.
    """
    try:
        task = find_task(parent, name, {})
    except UsageError as error:
        return [Problem(name, f"task {name}: {error}")]
    inputs = Ingredients(task.recipe.declared("inputs"), common=BASE_INPUTS)
    found = []
    for key, value in task.values.items():
        field = inputs.fields.get(key)
        if field is not None:
            try:
                field.coerce(value.value)
                continue
            except (ValueError, TypeError, AttributeError, KeyError, OSError):  # the user's own fields, too
                pass
        found += [Problem(name, f"task {name}: {each.text}") for each in inputs.problems({key: value})]
    return found
