"""From stages to the chart of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from gangline.pipeline.graphs.chart import Arrow, Box, Chart, Link, Role, Shape
from gangline.pipeline.stages.graph import Graph, find_circle
from gangline.pipeline.stages.kinds import Kind
from gangline.pipeline.stages.pipeline import Pipeline
from gangline.pipeline.stages.stage import Stage

__all__ = ["Scene", "find_relatives", "with_ancestors"]

_SHAPES = {Kind.SPLIT: Shape.ONE_TO_MANY, Kind.MERGE: Shape.MANY_TO_ONE}


def with_ancestors(stages: Iterable[Stage]) -> list[Stage]:
    """These stages and all that they build on, each after its parents as far as circles allow."""
    order: list[Stage] = []
    seen: set[Stage] = set()
    for start in stages:
        # Each entry is a stage and the parents that were not looked at yet: chains may be longer than the call stack.
        stack = [] if start in seen else [(start, iter(start.parents))]
        seen.add(start)
        while stack:
            stage, parents = stack[-1]
            parent = next((each for each in parents if each not in seen), None)
            if parent is None:
                order.append(stage)
                stack.pop()
            else:
                seen.add(parent)
                stack.append((parent, iter(parent.parents)))
    return order


def find_relatives(targets: Iterable[Stage]) -> list[Stage]:
    """The targets, all that build on them, and all that these build on, each after its parents."""
    known = [stage for pipeline in list(Pipeline.pipelines.values()) for stage in pipeline.tasks]
    graph = Graph(tuple(known), tuple(with_ancestors(known)))
    descendants = graph.descendants(targets)
    return with_ancestors(stage for stage in graph.order if stage in descendants)


class Scene(NamedTuple):
    """What is known of the stages to be drawn.

    Attributes:
        shown: The stages, each after its parents.
        targets: Those that were asked for.
        forced: Those that run in any case.
        running: Those that would run.
        fresh: Those of which nothing is out of date, whether they would run for their parents' sake or not.
    """

    shown: Collection[Stage]
    targets: Collection[Stage]
    forced: Collection[Stage]
    running: Collection[Stage]
    fresh: Collection[Stage]

    def draw(self, title: str, *, vertical: bool, skip_fresh: bool, no_key: bool, minimal_key: bool) -> Chart:
        """The chart.

        Args:
            title: What stands above it.
            vertical: It is read from top to bottom, else from left to right.
            skip_fresh: Leave out what would not run.
            no_key: Leave out the key.
            minimal_key: Explain only what is there.
        """
        circle = set(find_circle(list(self.shown)))
        drawn = [stage for stage in self.shown if not skip_fresh or stage in self.running or stage in circle]
        several = len({stage.pipeline for stage in drawn}) > 1
        boxes = tuple(self._box(stage, circle, several) for stage in drawn)
        among = set(drawn)
        arrows = {stage.number: self._arrows(stage, among, circle) for stage in drawn}
        used = {box.role for box in boxes}
        key = () if no_key or not used else tuple(role for role in Role if role in used or not minimal_key)
        return Chart(title, boxes, arrows, key, vertical)

    def _box(self, stage: Stage, circle: Collection[Stage], several: bool) -> Box:
        # Stages of one pipeline go by their own names, as with Ruffus; among several, they could be mixed up.
        name = stage.display_name if several else stage.name.replace("__main__.", "")
        shape = _SHAPES.get(stage.kind, Shape.PLAIN)
        return Box(stage.number, name, self._role(stage, circle), shape, stage.graphviz_attributes)

    def _role(self, stage: Stage, circle: Collection[Stage]) -> Role:
        if stage in circle:
            return Role.VICIOUS
        if stage in self.running:
            if stage in self.forced:
                return Role.SPECIFIED
            if stage in self.targets:
                return Role.TARGET
            return Role.FRESH_BUT_RUNS if stage in self.fresh else Role.RUNS
        if stage in self.targets:
            return Role.FRESH_TARGET
        return Role.FRESH if stage in self.fresh else Role.DOWNSTREAM

    def _arrows(self, stage: Stage, among: Collection[Stage], circle: Collection[Stage]) -> tuple[Arrow, ...]:
        parents = sorted((parent for parent in stage.parents if parent in among), key=lambda p: -p.number)
        return tuple(Arrow(parent.number, stage.number, self._link(parent, stage, circle)) for parent in parents)

    def _link(self, parent: Stage, stage: Stage, circle: Collection[Stage]) -> Link:
        if parent in circle and stage in circle:
            return Link.VICIOUS
        return Link.RUNS if parent in self.running and stage in self.running else Link.FRESH
