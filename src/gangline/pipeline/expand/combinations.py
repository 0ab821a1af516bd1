"""Jobs of stages that combine items: `@product`, `@permutations`, `@combinations`, with replacement or without."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import Any, NamedTuple

from gangline.pipeline.expand.filtered import items_of
from gangline.pipeline.expand.jobs import JobParams, Notes
from gangline.pipeline.expand.rules import Patterns, compile_rules, named_jobs
from gangline.pipeline.expand.sources import Sources
from gangline.pipeline.names.combined import CombinedFields, combined_rule
from gangline.pipeline.names.formatter import Fields, FormatterNamer
from gangline.pipeline.names.nested import flat_strings

__all__ = ["Choice", "Combined", "combinations_jobs", "product_jobs"]

Candidate = tuple[Any, Fields]


class Choice(Enum):
    """How items of one input are chosen for a combination."""

    PERMUTATIONS = "permutations"
    COMBINATIONS = "combinations"
    COMBINATIONS_WITH_REPLACEMENT = "combinations_with_replacement"


_CHOOSE: dict[Choice, Callable[[Iterable[Candidate], int], Iterable[tuple[Candidate, ...]]]] = {
    Choice.PERMUTATIONS: itertools.permutations,
    Choice.COMBINATIONS: itertools.combinations,
    Choice.COMBINATIONS_WITH_REPLACEMENT: itertools.combinations_with_replacement,
}


class Combined(NamedTuple):
    """The declaration of a stage that combines items.

    Attributes:
        inputs: For `@product` the inputs, each names, globs and placeholders; for the others one.
        namers: The filter of each input.
        patterns: What is made of each combination, with fields like `{basename[0][0]}`: first the number of the input
            in the combination, then that of the file.
    """

    inputs: Sequence[Any]
    namers: Sequence[FormatterNamer]
    patterns: Patterns


def product_jobs(stage: Combined, sources: Sources, notes: Notes | None = None) -> Iterator[JobParams]:
    """One job for each choice of one item from every input; none when an input is empty."""
    inputs = [items_of(structure, sources) for structure in stage.inputs]
    if not inputs or not all(map(len, inputs)):
        return
    candidates = [
        _candidates(items, namer, sources.directory) for items, namer in zip(inputs, stage.namers, strict=True)
    ]
    yield from _jobs(itertools.product(*candidates), stage.patterns, sources, notes)


def combinations_jobs(
    stage: Combined, choice: Choice, size: int, sources: Sources, notes: Notes | None = None
) -> Iterator[JobParams]:
    """One job for each choice of `size` items from the one input."""
    items = items_of(stage.inputs[0], sources)
    if not len(items):
        return
    candidates = _candidates(items, stage.namers[0], sources.directory)
    yield from _jobs(_CHOOSE[choice](candidates, size), stage.patterns, sources, notes)


def _candidates(items: Sequence[Any], namer: FormatterNamer, directory: str) -> list[Candidate]:
    """Each item with its fields, which all combinations that it is part of share."""
    return [(item, namer.match(flat_strings(item), directory)) for item in items]


def _jobs(
    chosen: Iterable[tuple[Candidate, ...]], patterns: Patterns, sources: Sources, notes: Notes | None
) -> Iterator[JobParams]:
    rules = compile_rules(patterns, combined_rule, combined_rule(patterns.output), sources)
    matches = (
        (tuple(item for item, _ in candidates), CombinedFields([fields for _, fields in candidates]))
        for candidates in chosen
    )
    return named_jobs(matches, rules, notes)
