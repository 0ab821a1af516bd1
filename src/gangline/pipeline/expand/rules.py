"""What a filtered stage makes of each match: its patterns compiled, and the jobs that come out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from gangline.pipeline.expand.jobs import NO_MATCH, NO_NAMES, JobParams, Notes
from gangline.pipeline.expand.sources import Sources, known_files
from gangline.pipeline.names.inputs import InputMode
from gangline.pipeline.names.namer import Rule
from gangline.pipeline.names.nested import References, expand, find_references, is_glob, is_sequence
from gangline.pipeline.ruffus_exceptions import error_input_file_does_not_match

__all__ = ["Globbed", "Patterns", "Rules", "compile_globs", "compile_rules", "named_jobs"]

MakeRule = Callable[[Any], Rule[Any]]
"""Compiles a pattern, or a structure of patterns, under the stage's filter."""


class Patterns(NamedTuple):
    """What a filtered stage makes of each match, as declared.

    Attributes:
        output: Patterns of outputs, nested.
        extras: Patterns of further arguments; what is no string is handed on unchanged.
        named: The same for arguments that are handed over by name.
        more: Patterns, globs and placeholders: the one argument of `inputs()`, or all of `add_inputs()`.
        mode: What becomes of the input.
    """

    output: Any
    extras: Sequence[Any] = ()
    named: Mapping[str, Any] = NO_NAMES
    more: Any = None
    mode: InputMode = InputMode.KEEP


class Rules(NamedTuple):
    """`Patterns`, compiled."""

    inputs: Callable[[Any, Any], Any] | None
    output: Rule[Any]
    extras: tuple[Rule[Any], ...]
    named: Mapping[str, Rule[Any]]


class Globbed(NamedTuple):
    """Names with the globs among them expanded, and without."""

    files: Any
    shown: Any


def compile_globs(structure: Any, make_rule: MakeRule, sources: Sources) -> Rule[Any]:
    """The rule that fills patterns first and expands the globs among them then: it makes a `Globbed`.

    Args:
        structure: Patterns, globs and placeholders. What is no glob before it is filled stays a name, whatever letters
            the name of the matched file has.
        make_rule: Compiles a pattern.
        sources: Asked once for each stage and each glob, not once for each match.
    """
    references = find_references(structure)
    fixed = known_files(References(references.stages, [], references.runtime), sources)
    fill = make_rule(structure)
    find_files = cache(lambda pattern: sorted(sources.glob(pattern)))

    def fill_alone(match: Any) -> Globbed:
        filled = fill(match)
        return Globbed(find_files(filled) if is_glob(filled) else filled, filled)

    if isinstance(structure, str) and references.globs:
        return fill_alone
    fill_globs = [make_rule(pattern) for pattern in references.globs]

    def fill_structure(match: Any) -> Globbed:
        globs = [fill_glob(match) for fill_glob in fill_globs]
        filled = fill(match)
        shown = expand(filled, fixed) if fixed else filled
        if not globs:
            return Globbed(shown, shown)
        return Globbed(expand(filled, fixed | {glob: find_files(glob) for glob in globs if is_glob(glob)}), shown)

    return fill_structure


def compile_rules(patterns: Patterns, extra: MakeRule, output: Rule[Any], sources: Sources) -> Rules:
    """The rules of a stage.

    Args:
        patterns: As declared.
        extra: Compiles a pattern of extras or further inputs.
        output: The rule for outputs.
        sources: Where globs and placeholders get their files from.
    """
    return Rules(
        inputs=None if patterns.mode is InputMode.KEEP else _compile_inputs(patterns, extra, sources),
        output=output,
        extras=tuple(extra(pattern) for pattern in patterns.extras),
        named={name: extra(pattern) for name, pattern in patterns.named.items()},
    )


def _compile_inputs(patterns: Patterns, extra: MakeRule, sources: Sources) -> Callable[[Any, Any], Any]:
    more = compile_globs(patterns.more, extra, sources)
    if patterns.mode is InputMode.REPLACE:
        return lambda item, match: more(match).files

    def add(item: Any, match: Any) -> tuple[Any, ...]:
        added = more(match).files
        return (item, *added) if is_sequence(added) else (item, added)

    return add


def named_jobs(matches: Iterable[tuple[Any, Any]], rules: Rules, notes: Notes | None) -> Iterator[JobParams]:
    """One job for each item; items that do not match are left out.

    Args:
        matches: Items, each with what the rules work on.
        rules: Make the parameters.
        notes: Gets the reason for each item left out, and a warning when no job is left.
    """
    change_inputs, make_output, make_extras, make_named = rules.inputs, rules.output, rules.extras, rules.named
    named: Mapping[str, Any]
    params: tuple[Any, ...]
    found_none = True
    for item, match in matches:
        try:
            inputs = item if change_inputs is None else change_inputs(item, match)
            if make_extras or make_named:
                extras = [make(match) for make in make_extras]
                named = {name: make(match) for name, make in make_named.items()} or NO_NAMES
                params = (inputs, make_output(match), *extras)
            else:
                named = NO_NAMES
                params = (inputs, make_output(match))
        except error_input_file_does_not_match as exc:
            if notes is not None:
                notes.leave_out(exc)
            continue
        found_none = False
        yield JobParams(params, params, named)
    if found_none and notes is not None:
        notes.warn(NO_MATCH)
