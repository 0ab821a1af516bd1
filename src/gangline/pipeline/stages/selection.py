"""What a run or a printout is about: its pipeline, targets and forced stages, wired and in order."""

from __future__ import annotations

from typing import Any, NamedTuple

from gangline.pipeline.stages.graph import Graph, connect
from gangline.pipeline.stages.lookup import lookup_pipeline, lookup_stages
from gangline.pipeline.stages.pipeline import Pipeline
from gangline.pipeline.stages.stage import Stage
from gangline.pipeline.stages.wiring import wire_pipelines

__all__ = ["Selection", "pipeline_get_task_names", "select"]


class Selection(NamedTuple):
    """What was asked for.

    Attributes:
        pipeline: The one that was named, or the main one.
        targets: The stages to bring up to date.
        forced: The stages that run in any case.
        graph: The targets and all that they build on.
    """

    pipeline: Pipeline
    targets: tuple[Stage, ...]
    forced: tuple[Stage, ...]
    graph: Graph[Stage]


def select(target_tasks: Any = (), forcedtorun_tasks: Any = (), pipeline: Pipeline | str | None = None) -> Selection:
    """The stages that are meant, wired anew.

    Args:
        target_tasks: Stages, names, functions or pipelines, one or several. None: all stages of `pipeline`, or of all
            pipelines if none is named.
        forcedtorun_tasks: Likewise; none by default.
        pipeline: A pipeline or its name.

    Raises:
        error_task: Something is not known, ambiguous, declared wrongly or in a circle.
    """
    home = lookup_pipeline(pipeline)
    targets = lookup_stages("Target", _listed(target_tasks), home)
    forced = lookup_stages("Forced to run", _listed(forcedtorun_tasks), home)
    if not targets:
        everywhere = [home] if pipeline is not None else list(Pipeline.pipelines.values())
        targets = [stage for each in everywhere for stage in each.tasks]
    wire_pipelines(stage.pipeline for stage in (*forced, *targets))
    return Selection(home, tuple(dict.fromkeys(targets)), tuple(dict.fromkeys(forced)), connect(targets))


def _listed(named: Any) -> Any:
    return () if named is None else named


def pipeline_get_task_names(pipeline: Pipeline | str | None = None) -> list[str]:
    """The names of all stages, in the order in which they were declared.

    Args:
        pipeline: Of one pipeline, given itself or by its name; None: of all pipelines.

    Raises:
        error_task: A declaration is wrong.
    """
    home = lookup_pipeline(pipeline)
    wire_pipelines([home])
    everywhere = [home] if pipeline is not None else list(Pipeline.pipelines.values())
    stages = [stage for each in everywhere for stage in each.tasks]
    return [stage.name for stage in sorted(stages, key=lambda stage: stage.number)]
