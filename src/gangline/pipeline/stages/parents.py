"""The stages that a declaration names: what `@follows` and inputs mean by a function, a name or a pipeline."""

from __future__ import annotations

from typing import Any

from gangline.pipeline.ruffus_exceptions import error_decorator_args, error_no_tail_tasks, error_node_not_task
from gangline.pipeline.stages.declaration import Declaration, Place
from gangline.pipeline.stages.decorators import mkdir
from gangline.pipeline.stages.lookup import find_stage_of_function, find_stages_by_name, spelling_hint
from gangline.pipeline.stages.pipeline import Pipeline, main_pipeline
from gangline.pipeline.stages.stage import Follow, Stage

__all__ = ["resolve_follow", "resolve_parents"]


def resolve_follow(stage: Stage, follow: Follow) -> tuple[Follow, list[Stage]]:
    """The stages that must be done before `stage`.

    Returns:
        The follow itself, with the stages that were made for `mkdir()` in its place, and the stages.
    """
    args: list[Any] = []
    parents: list[Stage] = []
    for arg in follow.args:
        found = [_directories(stage, arg, follow.place)] if isinstance(arg, mkdir) else None
        args.append(found[0] if found else arg)
        parents += found or resolve_parents(stage, arg, follow.place)
    return Follow(tuple(args), follow.place), parents


def _directories(stage: Stage, indicator: mkdir, place: Place) -> Stage:
    if stage.decorated:
        syntax = "@follows(mkdir())"
    else:
        syntax = f"Task(name={stage.display_name!r}).follows(mkdir())"
    declaration = Declaration(f"{syntax}(", f")\n{place(indicator)}")
    return stage.directories_before(indicator.args, indicator.named_args, declaration)


def resolve_parents(stage: Stage, arg: Any, place: Place) -> list[Stage]:
    """The stages that one argument names.

    Args:
        stage: The stage that they come before.
        arg: A stage, pipeline, name or function; a function that is no stage yet becomes one.
        place: Where it stands, for errors.

    Raises:
        error_decorator_args: It is none of these, or the stage itself, or its own pipeline.
        error_node_not_task: There is no such stage.
        error_no_tail_tasks: A pipeline has no tail stages.
    """
    if isinstance(arg, Stage):
        return _in_clone(stage, arg, place)
    if isinstance(arg, Pipeline):
        return _tail(stage, arg, place)
    if isinstance(arg, str):
        return _by_name(stage, arg, place)
    if isinstance(arg, mkdir):
        raise error_decorator_args(f"Unexpected mkdir() found.\n{place(arg)}")
    if callable(arg):
        return [find_stage_of_function(arg, stage.pipeline) or main_pipeline().create_stage(arg)]
    raise error_decorator_args(f"Expecting a function or function name or task name or Task or Pipeline.\n{place(arg)}")


def _in_clone(stage: Stage, parent: Stage, place: Place) -> list[Stage]:
    """The parent, or what it was cloned to if the stage is in a clone of its pipeline."""
    if parent is stage:
        raise error_decorator_args(f"Cannot have a task as its own (circular) dependency:\n{place(parent)}")
    pipeline = stage.pipeline
    if parent.pipeline.name != pipeline.original_name or pipeline.original_name == pipeline.name:
        return [parent]
    stages = find_stages_by_name(parent.name, pipeline, stage.module_name)
    if not stages:
        raise error_node_not_task(
            f"task '{pipeline.original_name}' '{parent.name}::{pipeline.name}' is somehow absent in the cloned "
            f"pipeline ({pipeline.name})!{place(parent.name)}"
        )
    return stages


def _tail(stage: Stage, pipeline: Pipeline, place: Place) -> list[Stage]:
    if pipeline is stage.pipeline:
        raise error_decorator_args(
            f"Cannot have your own pipeline as a (circular) dependency of a Task:\n{place(pipeline)}"
        )
    if not pipeline.tail_tasks:
        raise error_no_tail_tasks(
            f"Pipeline '{pipeline.name}' has no 'tail' tasks defined.\n"
            f"Which task in '{pipeline.name}' are you referring to?"
        )
    return pipeline.tail_tasks


def _by_name(stage: Stage, name: str, place: Place) -> list[Stage]:
    pipeline = stage.pipeline
    here = name.replace(f"{pipeline.original_name}::", f"{pipeline.name}::")
    stages = find_stages_by_name(here, pipeline, stage.module_name)
    if not stages:
        raise error_node_not_task(
            f"task '{name}' is not a pipelined task in Ruffus. Have you mis-spelt the function or task name?\n"
            f"{place(name)}{spelling_hint(name, pipeline)}"
        )
    return stages
