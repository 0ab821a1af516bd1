"""From the arguments of a decorator or a method of `Pipeline` to a declared stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gangline.pipeline.expand.old_style import file_rows, files_re_arguments, parallel_rows
from gangline.pipeline.names.formatter import formatter
from gangline.pipeline.names.nested import is_sequence
from gangline.pipeline.names.paths import abbreviate
from gangline.pipeline.names.regex import regex
from gangline.pipeline.names.suffix import suffix
from gangline.pipeline.ruffus_exceptions import error_executable_str
from gangline.pipeline.stages.arguments import Arguments, parse_arguments, refuse_keywords
from gangline.pipeline.stages.kinds import KIND_RULES, Kind
from gangline.pipeline.stages.options import OPTION_NAMES
from gangline.pipeline.stages.stage import Stage

__all__ = ["declare"]

_FILTERS = (formatter, suffix, regex)
_FILES_RE_WORDS = ("input", "filter", "output")


def declare(stage: Stage, kind: Kind, unnamed: Sequence[Any], named: Mapping[str, Any], directory: str) -> None:
    """Say what a stage makes of its input.

    Args:
        stage: Its syntax and declaration are set.
        kind: What it was declared as.
        unnamed: Arguments by position.
        named: Arguments by keyword; options of the stage may be among them.
        directory: The folder that relative names start from, for the description of directories.

    Raises:
        error_task_contruction: The arguments are wrong; the class is that of the kind.
        error_decorator_args: The stage has been declared before.
        error_missing_args: See `parse_arguments`, also for what else it raises.
        UsageError: An option makes no sense.
    """
    rest = {name: value for name, value in named.items() if name not in OPTION_NAMES}
    if kind is Kind.FILES:
        _declare_files(stage, unnamed, rest)
    elif kind is Kind.PARALLEL:
        _declare_parallel(stage, unnamed, rest)
    elif kind is Kind.FILES_RE:
        _declare_files_re(stage, unnamed, rest)
    elif kind is Kind.MKDIR and not _has_filter(unnamed, rest, _FILTERS):
        _declare_directories(stage, unnamed, rest, directory)
    else:
        if kind is Kind.SPLIT and _has_filter(unnamed, rest, (regex,)):
            kind = Kind.SUBDIVIDE
        stage.set_kind(kind)
        stage.arguments = parse_arguments(unnamed, rest, KIND_RULES[kind].words, stage.declaration)
        _check_command(stage)
    options = {name: value for name, value in named.items() if name in OPTION_NAMES}
    if options:
        stage.set_options(**options)


def _has_filter(unnamed: Sequence[Any], named: Mapping[str, Any], kinds: tuple[type, ...]) -> bool:
    return (len(unnamed) > 1 and isinstance(unnamed[1], kinds)) or "filter" in named


def _check_command(stage: Stage) -> None:
    """A shell command finds its extras by name."""
    if stage.command is not None and stage.arguments.extras:
        example = stage.declaration.show("extras = {my_param = 45, her_param = 'whatever'}")
        raise error_executable_str(
            f"{stage.declaration.show()}\n requires a dictionary for named parameters. For example:\n{example}"
        )


def _declare_directories(stage: Stage, unnamed: Sequence[Any], named: Mapping[str, Any], directory: str) -> None:
    names = tuple(unnamed) or ((named["output"],) if "output" in named else ())
    rest = {name: value for name, value in named.items() if name != "output" or unnamed}
    refuse_keywords(rest, ("input", "filter", "output", *OPTION_NAMES), stage.declaration)
    stage.set_kind(Kind.MKDIR)
    stage.description = f"Make missing directories {abbreviate(names, 0, directory)}"
    stage.arguments = Arguments(output=tuple(names[0] if len(names) == 1 and is_sequence(names[0]) else names))


def _declare_files(stage: Stage, unnamed: Sequence[Any], named: Mapping[str, Any]) -> None:
    args = _positional(stage, unnamed, named, ("input", "output"))
    if len(args) == 1 and callable(args[0]):
        stage.set_kind(Kind.FILES_FUNC)
        stage.arguments = Arguments(output=args[0])
        return
    stage.set_kind(Kind.FILES)
    rows = file_rows(args, stage.blame)
    stage.arguments = Arguments(input=rows.inputs, output=rows.rest, single=rows.single)


def _declare_parallel(stage: Stage, unnamed: Sequence[Any], named: Mapping[str, Any]) -> None:
    refuse_keywords(named, OPTION_NAMES, stage.declaration)
    stage.set_kind(Kind.PARALLEL)
    if len(unnamed) == 1 and callable(unnamed[0]):
        stage.arguments = Arguments(output=unnamed[0])
        return
    rows, single = parallel_rows(unnamed, stage.blame)
    stage.arguments = Arguments(output=rows, single=single)


def _declare_files_re(stage: Stage, unnamed: Sequence[Any], named: Mapping[str, Any]) -> None:
    stage.set_kind(Kind.FILES_RE)
    rest = {name: value for name, value in named.items() if name not in _FILES_RE_WORDS}
    words = {name: value for name, value in named.items() if name in _FILES_RE_WORDS}
    combines, args = files_re_arguments(_positional(stage, unnamed, words, _FILES_RE_WORDS), stage.blame)
    arguments = parse_arguments(args, rest, KIND_RULES[Kind.FILES_RE].words, stage.declaration)
    stage.arguments = arguments._replace(combines=combines)


def _positional(stage: Stage, unnamed: Sequence[Any], named: Mapping[str, Any], words: tuple[str, ...]) -> list[Any]:
    """All arguments by position: those by keyword in the order of `words`, after those that are given by position."""
    given = words[len(unnamed) :]
    args = [*unnamed, *(named[word] for word in given if word in named)]
    extras = named.get("extras", [])
    known = (*given, "extras")
    refused = {name: value for name, value in named.items() if name not in known}
    if isinstance(extras, dict):
        refused["extras"] = extras
    refuse_keywords(refused, (*words, "extras", *OPTION_NAMES), stage.declaration)
    return [*args, *extras]
