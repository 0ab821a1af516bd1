"""Jobs of stages that make names by a filter: `@transform`, `@subdivide`, `@collate`, and `@mkdir` with a pattern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Generic, NamedTuple, TypeVar

from gangline.pipeline.expand.jobs import JobParams, Notes
from gangline.pipeline.expand.rules import Patterns, compile_globs, compile_rules, named_jobs
from gangline.pipeline.expand.sources import Sources, resolve
from gangline.pipeline.names.namer import Namer, Rule
from gangline.pipeline.names.nested import find_references, flat_strings

__all__ = ["Filtered", "collate_jobs", "items_of", "subdivide_jobs", "transform_jobs"]

Match = TypeVar("Match")


class Filtered(NamedTuple, Generic[Match]):
    """The declaration of a filtered stage.

    Attributes:
        input: Names, globs and placeholders.
        namer: The filter, compiled.
        patterns: What is made of each match.
    """

    input: Any
    namer: Namer[Match]
    patterns: Patterns


def transform_jobs(stage: Filtered[Any], sources: Sources, notes: Notes | None = None) -> Iterator[JobParams]:
    """One job for each item of the input that the filter takes, in the order of the items' texts."""
    return _jobs(stage, stage.namer.output_rule(stage.patterns.output), sources, notes)


def subdivide_jobs(stage: Filtered[Any], sources: Sources, notes: Notes | None = None) -> Iterator[JobParams]:
    """As `transform_jobs`, and globs in an output stand for the files that match them now; `shown` keeps the globs."""
    output = compile_globs(stage.patterns.output, stage.namer.output_rule, sources)
    for (inputs, outputs, *extras), _, named in _jobs(stage, output, sources, notes):
        yield JobParams((inputs, outputs.files, *extras), (inputs, outputs.shown, *extras), named)


def collate_jobs(stage: Filtered[Any], sources: Sources, notes: Notes | None = None) -> Iterator[JobParams]:
    """One job for each output: the items that lead to the same output and extras are its input, as a tuple."""
    # What is equal must become adjacent, but need not be comparable or hashable: texts can always be sorted.
    jobs = sorted(transform_jobs(stage, sources, notes), key=_made_text)
    for (made, named), group in groupby(jobs, key=_made):
        together = tuple(inputs for inputs, _ in groupby(job.params[0] for job in group))
        params = (together, *made)
        yield JobParams(params, params, named)


def _made(job: JobParams) -> tuple[Sequence[Any], Any]:
    return job.params[1:], job.named


def _made_text(job: JobParams) -> str:
    return f"{job.params[1:]}{job.named}" if job.named else str(job.params[1:])


def items_of(structure: Any, sources: Sources) -> Sequence[Any]:
    """The items of an input, each of them the input of one job; a name on its own is one item."""
    items: Sequence[Any] = resolve(structure, sources)
    return [items] if isinstance(items, str) else items


def _jobs(stage: Filtered[Any], output: Rule[Any], sources: Sources, notes: Notes | None) -> Iterator[JobParams]:
    items = items_of(stage.input, sources)
    if not len(items):
        references = find_references(stage.input)
        if notes is not None and not (references.stages or references.runtime):
            notes.unfound = references.globs
        return
    rules = compile_rules(stage.patterns, stage.namer.rule, output, sources)
    yield from named_jobs(_matches(sorted(items, key=str), stage.namer, sources.directory), rules, notes)


def _matches(items: Sequence[Any], namer: Namer[Match], directory: str) -> Iterator[tuple[Any, Match]]:
    for item in items:
        files = [item] if isinstance(item, str) else flat_strings(item)
        if files:
            yield item, namer.match(files, directory)
