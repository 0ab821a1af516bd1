"""The rules of file names as plain functions, one call for one item, for programs that apply them by themselves.

Names and arguments are those under which programs for Ruffus import them from `ruffus_utility`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gangline.pipeline.names.combined import CombinedFields, combined_rule
from gangline.pipeline.names.decompose import decompose
from gangline.pipeline.names.formatter import Fields, compile_expressions, formatter
from gangline.pipeline.names.namer import describe_exception
from gangline.pipeline.names.nested import compile_strings, expand, find_references
from gangline.pipeline.names.regex import compile_regex as compile_filter
from gangline.pipeline.names.regex import regex, substitution
from gangline.pipeline.names.suffix import compile_ending, suffix, suffix_substitution
from gangline.pipeline.names.template import compile_template

__all__ = ["REGEX_SUBSTITUTE", "SUFFIX_SUBSTITUTE", "apply_func_to_sequence", "check_compiled_regexes"]
__all__ += ["compile_formatter", "compile_regex", "compile_suffix"]
__all__ += ["expand_nested_tasks_or_globs", "formatter_replace", "get_all_paths_components"]
__all__ += ["get_nested_tasks_or_globs", "get_nth_nested_level_of_path", "nested_formatter_replace"]
__all__ += ["path_decomposition_regex_match", "regex_matches_as_dict", "regex_replace", "swap_doubly_nested_order"]
__all__ += ["swap_nesting_order", "wrap_exception_as_string"]

REGEX_SUBSTITUTE = 0
SUFFIX_SUBSTITUTE = 1

Expression = str | re.Pattern[str] | None
Columns = tuple[list[dict[int, Any]], dict[str, dict[int, Any]]]


def apply_func_to_sequence(
    seq: Any,
    func: Callable[[Any], Any],
    tuple_of_conforming_types: tuple[type, ...] = (str,),
    tuple_of_sequences_types: tuple[type, ...] = (list, tuple, set),
) -> Any:
    """The structure with each of its strings, or what else conforms, replaced by what `func` makes of it."""
    if isinstance(seq, tuple_of_conforming_types):
        return func(seq)
    if not isinstance(seq, tuple_of_sequences_types):
        return seq
    items: Any = seq
    parts = [apply_func_to_sequence(part, func, tuple_of_conforming_types, tuple_of_sequences_types) for part in items]
    return parts if isinstance(seq, list) else items.__class__(parts)


def get_nth_nested_level_of_path(orig_path: str, n_levels: int) -> str | None:
    """The last names of a path after `.../`; the whole path for level 0, None where it has no more names than that."""
    if not n_levels:
        return orig_path
    names = [name for name in os.path.normpath(orig_path).split(os.sep) if name]
    root = orig_path.startswith(os.sep)
    if n_levels >= len(names) + root:
        return None
    return os.path.join("...", *names[-n_levels:])


def regex_matches_as_dict(test_str: str, compiled_regex: Expression) -> dict[Any, str] | bool | None:
    """The groups by number and name; False when the expression is not found, None when there is none."""
    if compiled_regex is None:
        return None
    match = re.search(compiled_regex, test_str)
    if match is None:
        return False
    if match.lastindex is None:
        return {0: match[0]}
    return {number: match[number] for number in range(match.lastindex + 1)} | match.groupdict()


def path_decomposition_regex_match(test_str: str, compiled_regex: Expression) -> dict[Any, Any]:
    """The components of a path and the groups of the expression; nothing when that is not found."""
    groups = regex_matches_as_dict(test_str, compiled_regex)
    if groups is False:
        return {}
    return {**decompose(test_str), **(groups if isinstance(groups, dict) else {})}


def check_compiled_regexes(compiled_regexes: Sequence[Expression], expected_num: int) -> list[re.Pattern[str] | None]:
    """So many expressions, compiled; None for those that are missing."""
    given = [None if each is None else re.compile(each) for each in compiled_regexes]
    return given + [None] * (expected_num - len(given))


def compile_regex(
    enclosing_task: Any, regex: regex, error_object: Callable[[Any, str], Exception], descriptor_string: str
) -> re.Pattern[str]:
    """The expression of a `regex()`.

    Args:
        enclosing_task: The stage, for the error.
        regex: As declared.
        error_object: The class of the error.
        descriptor_string: What begins the error's text.
    """
    return compile_filter(regex, descriptor_string, lambda text: error_object(enclosing_task, text))


def compile_suffix(
    enclosing_task: Any, regex: suffix, error_object: Callable[[Any, str], Exception], descriptor_string: str
) -> re.Pattern[str]:
    """The expression of a `suffix()`; arguments as for `compile_regex`."""
    return compile_ending(regex, descriptor_string, lambda text: error_object(enclosing_task, text))


def compile_formatter(
    enclosing_task: Any, formatter_obj: formatter, error_object: Callable[[Any, str], Exception], descriptor_string: str
) -> list[re.Pattern[str] | None]:
    """The expressions of a `formatter()`; arguments as for `compile_regex`."""
    return compile_expressions(formatter_obj.args, descriptor_string, lambda text: error_object(enclosing_task, text))


def get_all_paths_components(paths: Sequence[str], compiled_regexes: Sequence[Expression]) -> list[dict[Any, Any]]:
    """The components of each path and the groups of its expression; nothing for any when one is not found."""
    expressions = check_compiled_regexes(compiled_regexes, len(paths))
    found = [path_decomposition_regex_match(path, each) for path, each in zip(paths, expressions, strict=False)]
    return found if all(found) else [{} for _ in paths]


def swap_nesting_order(orig_coll: Sequence[Mapping[Any, Any]]) -> Columns:
    """From fields for each file to files for each field: those with a number, and those with a name."""
    columns: dict[Any, dict[int, Any]] = {}
    for number, fields in enumerate(orig_coll):
        for name, value in fields.items():
            columns.setdefault(name, {})[number] = value
    return _by_number(columns), {name: column for name, column in columns.items() if not isinstance(name, int)}


def swap_doubly_nested_order(orig_coll: Sequence[Sequence[Mapping[Any, Any]]]) -> Columns:
    """The same with one level more: for combinations of items."""
    columns: dict[Any, dict[int, Any]] = {}
    for item, files in enumerate(orig_coll):
        for number, fields in enumerate(files):
            for name, value in fields.items():
                columns.setdefault(name, {}).setdefault(item, {})[number] = value
    return _by_number(columns), {name: column for name, column in columns.items() if not isinstance(name, int)}


def _by_number(columns: Mapping[Any, dict[int, Any]]) -> list[dict[int, Any]]:
    return [columns[name] for name in sorted(name for name in columns if isinstance(name, int))]


def formatter_replace(
    filenames: Sequence[str],
    regex_str: Sequence[str | None],
    compiled_regex: Sequence[Expression],
    substitution_patterns: Any,
) -> Any:
    """Patterns filled from the components of paths, as `formatter()` does it.

    Raises:
        error_input_file_does_not_match: A field has no value.
    """
    fields = _fields(filenames, regex_str, compiled_regex)
    return compile_strings(substitution_patterns, compile_template)(fields)


def nested_formatter_replace(
    filenames: Sequence[Sequence[str]],
    regex_strings: Sequence[Sequence[str | None]],
    compiled_regexes: Sequence[Sequence[Expression]],
    substitution_patterns: Any,
) -> Any:
    """Patterns filled from the components of the paths of several items, as combinations do it.

    Raises:
        error_input_file_does_not_match: A field has no value.
    """
    items = zip(filenames, regex_strings, compiled_regexes, strict=False)
    return combined_rule(substitution_patterns)(CombinedFields([_fields(*item) for item in items]))


def _fields(files: Sequence[str], texts: Sequence[str | None], expressions: Sequence[Expression]) -> Fields:
    matches: list[re.Match[str] | None] = []
    shown = str(list(texts))[1:-1]
    for path, expression in zip(files, check_compiled_regexes(expressions, len(files)), strict=False):
        match = expression.search(path) if expression is not None else None
        if match is None and expression is not None:
            return Fields(list(files), (), (), shown)
        matches.append(match)
    return Fields(list(files), list(files), matches, shown)


def regex_replace(
    filename: str,
    regex_str: str,
    compiled_regex: Expression,
    substitution_patterns: Any,
    regex_or_suffix: int = REGEX_SUBSTITUTE,
) -> Any:
    """Patterns as they come out for a file name, as `regex()` or `suffix()` does it.

    Raises:
        error_input_file_does_not_match: The expression is not found.
    """
    expression = re.compile(compiled_regex or regex_str)
    make = substitution if regex_or_suffix == REGEX_SUBSTITUTE else suffix_substitution
    return compile_strings(substitution_patterns, lambda pattern: make(expression, regex_str, pattern))(filename)


def get_nested_tasks_or_globs(
    p: Any,
    treat_strings_as_tasks: bool = False,
    runtime_data_names: set[Any] | None = None,
    tasks: set[Any] | None = None,
    globs: set[str] | None = None,
) -> tuple[set[Any], set[str], set[Any]]:
    """The stages, glob patterns and run-time values that a structure of inputs speaks of.

    Args:
        p: The structure.
        treat_strings_as_tasks: Texts are names of stages.
        runtime_data_names: Takes the run-time values; a new set by default.
        tasks: Takes the stages.
        globs: Takes the patterns.
    """
    tasks, globs = (set() if tasks is None else tasks), (set() if globs is None else globs)
    names: set[Any] = set() if runtime_data_names is None else runtime_data_names
    found = find_references(p)
    tasks.update(found.stages)
    names.update(found.runtime)
    if treat_strings_as_tasks:
        apply_func_to_sequence(p, lambda text: tasks.add(text))
    else:
        globs.update(found.globs)
    return tasks, globs, names


def expand_nested_tasks_or_globs(p: Any, tasksglobs_to_filenames: Mapping[Any, Any]) -> Any:
    """The structure with patterns and stages replaced by the files that they stand for."""
    return expand(p, tasksglobs_to_filenames)


def wrap_exception_as_string() -> str:
    """The exception that is being handled, as `module.name: (text)`."""
    error = sys.exc_info()[1]
    return "" if error is None else describe_exception(error)
