"""From what users call stages to the stages: names, `pipeline::name`, functions, pipelines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gangline.pipeline.ruffus_exceptions import (
    error_ambiguous_task,
    error_function_is_not_a_task,
    error_no_tail_tasks,
    error_node_not_task,
    error_not_a_pipeline,
)
from gangline.pipeline.stages.pipeline import MAIN, Pipeline, main_pipeline
from gangline.pipeline.stages.stage import Stage
from gangline.pipeline.stages.words import nearest

__all__ = ["find_stage_of_function", "find_stages_by_name", "lookup_pipeline", "lookup_stages", "spelling_hint"]


def lookup_pipeline(pipeline: Pipeline | str | None) -> Pipeline:
    """The pipeline that is meant.

    Args:
        pipeline: A pipeline, its name, or None for the main one.

    Raises:
        error_not_a_pipeline: There is none of this name.
    """
    if pipeline is None:
        return main_pipeline()
    if isinstance(pipeline, Pipeline):
        return pipeline
    if isinstance(pipeline, str):
        found = main_pipeline() if pipeline == MAIN else Pipeline.pipelines.get(pipeline)
        if found is not None:
            return found
    raise error_not_a_pipeline(f"{pipeline} does not name a pipeline.")


def find_stage_of_function(function: Callable[..., Any], pipeline: Pipeline) -> Stage | None:
    """The stage that a function stands for: in `pipeline`, else in the only other one that has it.

    Raises:
        error_ambiguous_task: Several stages use it.
    """
    stage = _only_stage_of(function, pipeline)
    if stage is not None:
        return stage
    found = [stage for other in list(Pipeline.pipelines.values()) if (stage := _only_stage_of(function, other))]
    if len(found) > 1:
        pipelines = ",".join(stage.pipeline.name for stage in found)
        raise error_ambiguous_task(
            f"Task Name {_called(function)} is ambiguous and specifies different tasks across multiple pipelines "
            f"({pipelines})."
        )
    return found[0] if found else None


def _only_stage_of(function: Callable[..., Any], pipeline: Pipeline) -> Stage | None:
    stages = pipeline.lookup.get(function, [])
    if len(stages) > 1:
        names = ", ".join(stage.name for stage in stages)
        raise error_ambiguous_task(
            f"Function def {_called(function)}(...): is used by multiple tasks ({names}). Which one do you mean?."
        )
    return stages[0] if stages else None


def _called(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", function))


def find_stages_by_name(name: str, pipeline: Pipeline, module: str = "__main__", *, whole: bool = False) -> list[Stage]:
    """The stages that a name stands for; one, unless it is the name of a pipeline; none if it is unknown.

    Args:
        name: Of a stage, a function or a pipeline, or `pipeline::name`.
        pipeline: Where to look first.
        module: The module in which the name was used.
        whole: The name of a pipeline stands for all of its stages, else for its tail stages.

    Raises:
        error_ambiguous_task: Several stages go by this name.
        error_not_a_pipeline: There is no pipeline of the name before `::`.
        error_no_tail_tasks: A pipeline stands for its outputs, but has no tail stages.
    """
    prefix, _, task_name = name.rpartition("::")
    if prefix:
        if prefix not in Pipeline.pipelines:
            raise error_not_a_pipeline(f"{prefix} is not a pipeline.")
        return Pipeline.pipelines[prefix].lookup_task_from_name(task_name, module)
    stages = pipeline.lookup_task_from_name(task_name, module)
    if stages:
        return stages
    if task_name in Pipeline.pipelines:
        return _stages_of_pipeline(
            Pipeline.pipelines[task_name],
            whole,
            f"Pipeline {task_name} has no tail tasks defined. Which task do you mean when you specify the whole "
            "pipeline as a dependency?",
        )
    found = [stages for other in list(Pipeline.pipelines.values()) if (stages := _in(other, task_name, module))]
    if len(found) > 1:
        pipelines = ",".join(stages[0].pipeline.name for stages in found)
        raise error_ambiguous_task(
            f"Task Name {task_name} is ambiguous and specifies different tasks across several pipelines ({pipelines})."
        )
    return found[0] if found else []


def _in(pipeline: Pipeline, name: str, module: str) -> list[Stage]:
    return pipeline.lookup_task_from_name(name, module)


def _stages_of_pipeline(pipeline: Pipeline, whole: bool, without_tail: str) -> list[Stage]:
    if whole:
        return pipeline.tasks
    if not pipeline.tail_tasks:
        raise error_no_tail_tasks(without_tail)
    return pipeline.tail_tasks


def lookup_stages(description: str, named: Any, pipeline: Pipeline) -> list[Stage]:
    """The stages that the user of a run speaks of; a pipeline stands for all of its stages.

    Args:
        description: What they are to the run, for errors: `Target`.
        named: A stage, name, function or pipeline, or several of them.
        pipeline: Where to look first.

    Raises:
        error_node_not_task: A name is not known.
        error_function_is_not_a_task: A function is no stage.
        TypeError: Something is neither.
    """
    several = isinstance(named, (list, tuple, set, frozenset))
    items: Iterable[Any] = named if several else [named]
    return [stage for item in items for stage in _lookup(description, item, pipeline)]


def _lookup(description: str, item: Any, pipeline: Pipeline) -> list[Stage]:
    if isinstance(item, Stage):
        return [item]
    if isinstance(item, Pipeline):
        return item.tasks
    if isinstance(item, str):
        stages = find_stages_by_name(item, pipeline, whole=True)
        if not stages:
            raise error_node_not_task(
                f"{description} task '{item}' is not a pipelined task in Ruffus. Is it spelt correctly ?"
                + spelling_hint(item, pipeline)
            )
        return stages
    if callable(item):
        stage = find_stage_of_function(item, pipeline)
        if stage is None:
            raise error_function_is_not_a_task(
                f"Function def {_called(item)}(...): is not a Ruffus task. The function needs to have a ruffus "
                "decoration like '@transform', or be a member of a ruffus.Pipeline()."
            )
        return [stage]
    raise TypeError("Expecting a string or function, or a Ruffus Task or Pipeline object")


def spelling_hint(name: str, pipeline: Pipeline) -> str:
    """What to add to an error about an unknown name: the nearest that there is, if one is near."""
    names = [key for key in pipeline.lookup if isinstance(key, str)]
    meant = nearest(name, [*names, *Pipeline.pipelines])
    return f"\nDid you mean {meant!r}?" if meant else ""
