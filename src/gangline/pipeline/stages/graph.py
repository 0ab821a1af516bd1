"""How stages hang together: their order, circles among them, and which of them must run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

from gangline.pipeline.ruffus_exceptions import error_circular_dependencies

__all__ = ["Graph", "connect", "find_circle"]


class Node(Protocol):
    """What is needed of a stage."""

    name: str

    @property
    def parents(self) -> Sequence[Self]:
        """The stages that come before it."""
        ...


N = TypeVar("N", bound=Node)


class Graph(NamedTuple, Generic[N]):
    """The stages that targets build on.

    Attributes:
        targets: The stages that were asked for.
        order: They and all that they build on, each after its parents.
    """

    targets: tuple[N, ...]
    order: tuple[N, ...]

    def descendants(self, stages: Iterable[N]) -> set[N]:
        """The stages themselves and all that build on them."""
        found = set(stages)
        for stage in self.order:
            if stage not in found and not found.isdisjoint(stage.parents):
                found.add(stage)
        return found

    def needed(self, forced: Collection[N], is_fresh: Callable[[N], bool], *, maximal_rebuild: bool = True) -> list[N]:
        """The stages that must run, each after its parents.

        Args:
            forced: Run, with all that build on them, whatever `is_fresh` says.
            is_fresh: Whether nothing of a stage needs to run, its parents apart; asked at most once for each stage.
            maximal_rebuild: All stages are asked, and whatever builds on one that is not fresh runs. Else the walk
                from the targets back ends at each stage that is fresh: what comes before need not be there.
        """
        if maximal_rebuild:
            return self._all_needed(forced, is_fresh)
        return self._needed_back_to_fresh(forced, is_fresh)

    def _all_needed(self, forced: Collection[N], is_fresh: Callable[[N], bool]) -> list[N]:
        running = self.descendants(forced)
        needed = []
        for stage in self.order:
            if stage in running or not running.isdisjoint(stage.parents) or not is_fresh(stage):
                running.add(stage)
                needed.append(stage)
        return needed

    def _needed_back_to_fresh(self, forced: Collection[N], is_fresh: Callable[[N], bool]) -> list[N]:
        forced_too = self.descendants(forced)
        answers: dict[N, bool] = {}

        def ends_here(stage: N) -> bool:
            if stage not in answers:
                answers[stage] = stage not in forced_too and is_fresh(stage)
            return answers[stage]

        reached = set(_walk_back(self.targets, ends_here))
        return [stage for stage in self.order if stage in reached]


def connect(targets: Iterable[N]) -> Graph[N]:
    """The graph of all that `targets` build on.

    Raises:
        error_circular_dependencies: Stages wait for each other; the text names them.
    """
    unique = tuple(dict.fromkeys(targets))
    order = _walk_back(unique, lambda stage: False)
    circle = find_circle(order)
    if circle:
        names = ", ".join(stage.name for stage in circle)
        raise error_circular_dependencies(
            f"Circular dependencies found in the pipeline involving one or more of ({names})"
        )
    return Graph(unique, tuple(order))


def _walk_back(targets: Iterable[N], ends_before: Callable[[N], bool]) -> list[N]:
    """All stages on the ways back from the targets, up to those at which a way ends; each after its parents."""
    order: list[N] = []
    seen: set[N] = set()
    for target in targets:
        # Each entry is a stage and the parents that were not looked at yet: chains may be longer than the call stack.
        stack = [] if target in seen or ends_before(target) else [(target, iter(target.parents))]
        seen.add(target)
        while stack:
            stage, parents = stack[-1]
            parent = next((p for p in parents if p not in seen), None)
            if parent is None:
                order.append(stage)
                stack.pop()
                continue
            seen.add(parent)
            if not ends_before(parent):
                stack.append((parent, iter(parent.parents)))
    return order


def find_circle(order: Sequence[N]) -> list[N]:
    """The stages that wait for each other, or none.

    Args:
        order: Stages with all that they build on, each after its parents as far as there is such an order.
    """
    place = {stage: number for number, stage in enumerate(order)}
    if all(place[parent] < number for number, stage in enumerate(order) for parent in stage.parents):
        return []
    return [stage for stage in order if stage in _walk_back(stage.parents, lambda ancestor: False)]
