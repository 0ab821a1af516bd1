"""Walks through nested structures of file names.

File names come as strings in lists, tuples and sets, nested as deeply as the user likes. Everything else, dictionaries
included, passes through untouched. A structure keeps its shape: a tuple becomes a tuple, a set a set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeGuard, TypeVar

from gangline.pipeline.indicators import Placeholder, output_from, runtime_parameter

__all__ = ["References", "compile_strings", "expand", "find_references", "flat_strings", "is_glob", "is_sequence"]
__all__ += ["replace_references"]

Match = TypeVar("Match")
_GLOB_LETTERS = frozenset("*[]?")


def is_sequence(value: object) -> TypeGuard[list[Any] | tuple[Any, ...] | set[Any]]:
    """Whether file names are looked for inside: in a list, tuple or set."""
    return isinstance(value, (list, tuple, set))


def is_glob(text: str) -> bool:
    """Whether `text` has one of the letters of glob patterns."""
    return not _GLOB_LETTERS.isdisjoint(text)


def _like(original: Any, items: list[Any]) -> Any:
    """The items in a structure of the same kind as the original."""
    kind = type(original)
    if kind is list:
        return items
    make = getattr(kind, "_make", None)  # named tuples take their items one by one
    return make(items) if make is not None else kind(items)


def flat_strings(structure: Any) -> list[str]:
    """All file names of a structure, in order."""
    if isinstance(structure, str):
        return [structure]
    found: list[str] = []
    if is_sequence(structure):
        for part in structure:
            if isinstance(part, str):
                found.append(part)
            elif is_sequence(part):
                found += flat_strings(part)
    return found


def compile_strings(structure: Any, compile_string: Callable[[str], Callable[[Match], Any]]) -> Callable[[Match], Any]:
    """A function that rebuilds `structure` for a match, every string replaced by what its own function makes of it.

    Args:
        structure: Patterns, nested; what is no string is handed on unchanged.
        compile_string: Makes the function of one pattern. It is called once per pattern, not once per match.
    """
    if isinstance(structure, str):
        return compile_string(structure)
    if is_sequence(structure):
        parts = [compile_strings(part, compile_string) for part in structure]
        return lambda match: _like(structure, [part(match) for part in parts])
    return lambda match: structure


class References(NamedTuple):
    """What a structure stands for besides file names, in order of appearance.

    Attributes:
        stages: Functions, stages, pipelines, and the names inside `output_from`; as often as they appear.
        globs: Glob patterns, each once.
        runtime: Values that come from `runtime_data`.
    """

    stages: list[Any]
    globs: list[str]
    runtime: list[runtime_parameter]


def find_references(structure: Any) -> References:
    """The stages, globs and run-time values that a structure of inputs speaks of."""
    found = References([], [], [])
    _find(structure, False, found)
    return found


def _find(part: Any, names_are_stages: bool, found: References) -> None:
    if isinstance(part, str):
        if names_are_stages:
            found.stages.append(part)
        elif is_glob(part) and part not in found.globs:
            found.globs.append(part)
    elif isinstance(part, runtime_parameter):
        found.runtime.append(part)
    elif isinstance(part, Placeholder) or callable(part):
        found.stages.append(part)
    elif isinstance(part, output_from):
        for inner in part.args:
            _find(inner, True, found)
    elif is_sequence(part):
        for inner in part:
            # Almost all of a hundred thousand parts are plain names.
            if names_are_stages or not isinstance(inner, str) or is_glob(inner):
                _find(inner, names_are_stages, found)


def replace_references(structure: Any, resolve: Callable[[Any], Any]) -> Any:
    """`structure` with its functions, names in `output_from`, stages and pipelines replaced by `resolve` of each.

    What `output_from` speaks of stands directly in the list around it; on its own it is one stage or a list of stages.
    """
    return _replace(structure, False, resolve)


def _replace(part: Any, names_are_stages: bool, resolve: Callable[[Any], Any]) -> Any:
    if isinstance(part, str):
        return resolve(part) if names_are_stages else part
    if isinstance(part, runtime_parameter):
        return part
    if isinstance(part, Placeholder) or callable(part):
        return resolve(part)
    if isinstance(part, output_from):
        inner = [_replace(argument, True, resolve) for argument in part.args]
        return inner[0] if len(inner) == 1 else inner
    if is_sequence(part):
        replaced: list[Any] = []
        for inner_part in part:
            if isinstance(inner_part, output_from):
                replaced += [_replace(argument, True, resolve) for argument in inner_part.args]
            else:
                replaced.append(_replace(inner_part, names_are_stages, resolve))
        return _like(part, replaced)
    return part


def expand(structure: Any, known: Mapping[Any, Any]) -> Any:
    """`structure` with globs and placeholders replaced by the files that they stand for.

    On its own a glob or placeholder becomes its files; inside a structure its files stand in its place, one by one.

    Args:
        structure: File names, globs and placeholders.
        known: The files of each glob (by its text) and of each placeholder. Globs that are not in it stay as they are.

    Raises:
        KeyError: A placeholder is not known.
    """
    if isinstance(structure, str):
        return known.get(structure, structure) if is_glob(structure) else structure
    if isinstance(structure, Placeholder):
        return known[structure]
    if is_sequence(structure):
        return _like(structure, list(_expand_items(structure, known)))
    return structure


def _expand_items(items: Iterable[Any], known: Mapping[Any, Any]) -> Iterable[Any]:
    for item in items:
        if isinstance(item, str):
            if known and item in known:
                yield from known[item]
            else:
                yield item
        elif isinstance(item, Placeholder):
            files = known[item]
            if is_sequence(files):
                yield from files
            else:
                yield files
        elif is_sequence(item):
            yield expand(item, known)
        else:
            yield item
