"""What declarations mean: which stages they name, and how the jobs are worked out.

Names and functions are looked up before each run, because a stage may be named before it is declared and a pipeline
cloned after it was. Nothing here looks at a file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from gangline.pipeline.expand.combinations import Choice, Combined, combinations_jobs, product_jobs
from gangline.pipeline.expand.filtered import Filtered, collate_jobs, subdivide_jobs, transform_jobs
from gangline.pipeline.expand.old_style import FileRows, files_jobs, rows_jobs
from gangline.pipeline.expand.plain import merge_jobs, mkdir_jobs, originate_jobs, split_jobs
from gangline.pipeline.expand.rules import Patterns
from gangline.pipeline.expand.sources import refuse_stages
from gangline.pipeline.indicators import output_from
from gangline.pipeline.names.choose import ALL_FILTERS, choose_namer
from gangline.pipeline.names.formatter import FormatterNamer
from gangline.pipeline.names.inputs import InputMode
from gangline.pipeline.names.nested import find_references, is_glob, replace_references
from gangline.pipeline.names.suffix import suffix
from gangline.pipeline.stages.kinds import Kind
from gangline.pipeline.stages.parents import resolve_follow, resolve_parents
from gangline.pipeline.stages.pipeline import Pipeline
from gangline.pipeline.stages.stage import Expander, Stage, Wiring

__all__ = ["wire_pipelines"]

_WIRING = threading.RLock()  # two runs at once may wire the same stages
_CHOICES = {
    Kind.PERMUTATIONS: Choice.PERMUTATIONS,
    Kind.COMBINATIONS: Choice.COMBINATIONS,
    Kind.COMBINATIONS_WR: Choice.COMBINATIONS_WITH_REPLACEMENT,
}


def wire_pipelines(pipelines: Iterable[Pipeline]) -> None:
    """Wire all stages of these pipelines, and of those that their stages build on.

    Raises:
        error_task: A declaration names what there is not, or its filter is wrong.
    """
    with _WIRING:
        found = dict.fromkeys(pipelines)
        seen: set[Stage] = set()
        # Wiring may find more pipelines, and add stages that make directories or are plain functions.
        while new := [stage for pipeline in found for stage in pipeline.tasks if stage not in seen]:
            for stage in new:
                seen.add(stage)
                stage.wiring = _Wirer(stage).wire()
                found.update(dict.fromkeys(parent.pipeline for parent in stage.wiring.parents))


class _Wirer:
    """Wires one stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._args = stage.arguments
        self._parents: dict[Stage, None] = {}
        self._sources: dict[Stage, None] = {}

    def wire(self) -> Wiring:
        stage = self._stage
        resolved = [resolve_follow(stage, follow) for follow in stage.follows_before]
        stage.follows_before = tuple(follow for follow, _ in resolved)
        for _, parents in resolved:
            self._parents.update(dict.fromkeys(parents))
        make = _MAKE.get(stage.kind)
        expand, single = make(self) if make is not None else (None, False)
        return Wiring(tuple(self._parents), tuple(self._sources), expand, single or self._args.single)

    def _blame(self, text: str) -> Exception:
        return self._stage.blame(text)

    def _link(self, structure: Any, what: str = "input =") -> Any:
        """The structure with the stages themselves where names, functions and pipelines stood; they become parents."""
        references = find_references(structure).stages
        if not references:
            return structure

        def place(argument: Any) -> str:
            shown = what.replace("(...)", f"({argument!r})") if "(...)" in what else f"{what}{argument!r}"
            return self._stage.declaration.show(shown)

        def resolve(reference: Any) -> Any:
            stages = resolve_parents(self._stage, reference, place)
            self._parents.update(dict.fromkeys(stages))
            self._sources.update(dict.fromkeys(stages))
            return stages[0] if len(stages) == 1 else output_from(*stages)

        # The tail stages of a pipeline stand in the list around it, one by one: `output_from` does just that.
        once = replace_references(structure, resolve)
        return replace_references(once, lambda stage: stage)

    def _patterns(self) -> Patterns:
        args = self._args
        word = {InputMode.ADD: "add_inputs = add_inputs(...)", InputMode.REPLACE: "replace_inputs = add_inputs(...)"}
        more = None if args.mode is InputMode.KEEP else self._link(args.more, word[args.mode])
        return Patterns(args.output, args.extras, args.named, more, args.mode)

    def _filtered(self, allowed: tuple[type, ...] = ALL_FILTERS) -> Filtered[Any]:
        args, syntax = self._args, self._stage.syntax
        linked = self._link(args.input)
        namer = choose_namer(args.filter, syntax, self._blame, output_dir=args.output_dir, allowed=allowed)
        return Filtered(linked, namer, self._patterns())

    def transform(self) -> tuple[Expander, bool | Stage]:
        stage = self._filtered()
        return lambda sources, notes: transform_jobs(stage, sources, notes), _single(stage.input)

    def subdivide(self) -> tuple[Expander, bool | Stage]:
        stage = self._filtered()
        refuse_stages(stage.patterns.output, self._stage.syntax, self._blame)
        return lambda sources, notes: subdivide_jobs(stage, sources, notes), False

    def collate(self) -> tuple[Expander, bool | Stage]:
        stage = self._filtered(tuple(kind for kind in ALL_FILTERS if kind is not suffix))
        return lambda sources, notes: collate_jobs(stage, sources, notes), False

    def files_re(self) -> tuple[Expander, bool | Stage]:
        return self.collate() if self._args.combines else self.transform()

    def originate(self) -> tuple[Expander, bool | Stage]:
        args = self._args
        refuse_stages(args.output, self._stage.syntax, self._blame)
        return lambda sources, _: originate_jobs(args.output, args.extras, sources, args.named), False

    def split(self) -> tuple[Expander, bool | Stage]:
        args, linked = self._args, self._link(self._args.input)
        refuse_stages(args.output, self._stage.syntax, self._blame)
        return lambda sources, _: split_jobs(linked, args.output, args.extras, sources, args.named), False

    def merge(self) -> tuple[Expander, bool | Stage]:
        args, linked = self._args, self._link(self._args.input)
        return lambda sources, _: merge_jobs(linked, args.output, args.extras, sources, args.named), True

    def product(self) -> tuple[Expander, bool | Stage]:
        inputs = [self._link(part) for part in self._args.input]
        stage = Combined(inputs, [self._combined_namer(part) for part in self._args.filter], self._patterns())
        return lambda sources, notes: product_jobs(stage, sources, notes), False

    def combinations(self) -> tuple[Expander, bool | Stage]:
        choice, size = _CHOICES[self._stage.kind], self._args.size
        linked = self._link(self._args.input)
        stage = Combined([linked], [self._combined_namer(self._args.filter)], self._patterns())
        return lambda sources, notes: combinations_jobs(stage, choice, size, sources, notes), False

    def _combined_namer(self, filter_: Any) -> FormatterNamer:
        return FormatterNamer(filter_.args, self._stage.syntax, self._blame)

    def files(self) -> tuple[Expander, bool | Stage]:
        rows = FileRows([self._link(part) for part in self._args.input], self._args.output, self._args.single)
        return lambda sources, notes: files_jobs(rows, sources, notes), False

    def rows(self) -> tuple[Expander, bool | Stage]:
        rows = self._args.output
        return lambda sources, notes: rows_jobs(rows), False

    def mkdir(self) -> tuple[Expander, bool | Stage]:
        if self._args.filter is not None:
            return self.transform()
        directories = self._args.output
        return lambda sources, notes: mkdir_jobs(directories), False


def _single(linked: Any) -> bool | Stage:
    """Whether a stage with this input has one job by its declaration, or the stage that decides it."""
    if isinstance(linked, Stage):
        return linked
    return isinstance(linked, str) and not is_glob(linked)


_MAKE: dict[Kind, Callable[[_Wirer], tuple[Expander, bool | Stage]]] = {
    Kind.ORIGINATE: _Wirer.originate,
    Kind.SPLIT: _Wirer.split,
    Kind.SUBDIVIDE: _Wirer.subdivide,
    Kind.TRANSFORM: _Wirer.transform,
    Kind.MERGE: _Wirer.merge,
    Kind.COLLATE: _Wirer.collate,
    Kind.PRODUCT: _Wirer.product,
    Kind.PERMUTATIONS: _Wirer.combinations,
    Kind.COMBINATIONS: _Wirer.combinations,
    Kind.COMBINATIONS_WR: _Wirer.combinations,
    Kind.FILES: _Wirer.files,
    Kind.FILES_FUNC: _Wirer.rows,
    Kind.FILES_RE: _Wirer.files_re,
    Kind.PARALLEL: _Wirer.rows,
    Kind.MKDIR: _Wirer.mkdir,
}
