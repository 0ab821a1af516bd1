"""The options of a pipeline for `argparse`, and for programs that still use `optparse`."""

from __future__ import annotations

import argparse
import optparse
from typing import Any

from gangline.pipeline.command_line.options import FLOWCHART_FORMATS, Group, Kind, Option, ignored_names, options

__all__ = ["append_to_argparse", "append_to_optparse", "get_argparse", "get_optparse"]

_MORE = "+"
"""Stands for one use of `--verbose` without a level."""


def get_argparse(
    *args: Any, version: str = "%(prog)s 1.0", ignored_args: Any = (), **args_dict: Any
) -> argparse.ArgumentParser:
    """A parser with the options of a pipeline, to which a program adds its own.

    Args:
        args: For `argparse.ArgumentParser`.
        version: What `--version` prints.
        ignored_args: Names of options that the program shall not have.
        args_dict: For `argparse.ArgumentParser`.

    Example:
        >>> parser = get_argparse(description="What does this pipeline do?", ignored_args=["log_file"])
        >>> parser.parse_args(["-j", "4", "--target_tasks", "sort"]).jobs
        4
    """
    return append_to_argparse(argparse.ArgumentParser(*args, **args_dict), version=version, ignored_args=ignored_args)


def append_to_argparse(
    parser: argparse.ArgumentParser, *, version: str = "%(prog)s 1.0", ignored_args: Any = ()
) -> argparse.ArgumentParser:
    """Add the options of a pipeline to a parser.

    Args:
        parser: What to add them to.
        version: What `--version` prints.
        ignored_args: Names of options that the program shall not have.

    Returns:
        The parser.
    """
    groups = {group: parser.add_argument_group(group.value) for group in Group}
    for option in options("-T", ignored_names(ignored_args)):
        groups[option.group].add_argument(*option.flags, **_for_argparse(option, version))
    return parser


def _for_argparse(option: Option, version: str) -> dict[str, Any]:
    texts = {"help": option.help} | ({"dest": option.dest} if option.dest else {})
    value = texts | {"metavar": option.metavar, "default": option.default}
    match option.kind:
        case Kind.VERSION:
            return {"action": "version", "version": version}
        case Kind.FLAG:
            return texts | {"action": "store_true"}
        case Kind.VERBOSE:
            return texts | {"action": "append", "nargs": "?", "const": _MORE, "default": []}
        case Kind.LIST:
            return value | {"action": "append", "default": []}
        case Kind.FORMAT:
            return value | {"choices": FLOWCHART_FORMATS}
        case Kind.NUMBER:
            return value | {"type": int}
        case Kind.TEXT:
            return value


def get_optparse(*args: Any, ignored_args: Any = (), **args_dict: Any) -> optparse.OptionParser:
    """As `get_argparse`, with the older `optparse`.

    Args:
        args: For `optparse.OptionParser`.
        ignored_args: Names of options that the program shall not have.
        args_dict: For `optparse.OptionParser`.
    """
    return append_to_optparse(optparse.OptionParser(*args, **args_dict), ignored_args=ignored_args)


def append_to_optparse(parser: optparse.OptionParser, *, ignored_args: Any = ()) -> optparse.OptionParser:
    """Add the options of a pipeline to an older parser.

    Args:
        parser: What to add them to.
        ignored_args: Names of options that the program shall not have.

    Returns:
        The parser.
    """
    # An option for the version is added by the parser itself if it was told one.
    for option in options("-t", ignored_names(ignored_args) | {"version"}):
        parser.add_option(*option.flags, **_for_optparse(option))
    return parser


def _for_optparse(option: Option) -> dict[str, Any]:
    texts = {"help": option.help, "dest": option.dest or option.name}
    value = texts | {"metavar": option.metavar, "default": option.default}
    match option.kind:
        case Kind.FLAG:
            return texts | {"action": "store_true", "default": False}
        case Kind.VERBOSE:
            # With a type `--verbose=6` is understood; with no arguments of its own the level may be missing.
            return texts | {"action": "callback", "callback": _more_verbose, "type": int, "nargs": 0, "default": []}
        case Kind.LIST:
            return value | {"action": "append", "default": []}
        case Kind.FORMAT:
            return value | {"type": "choice", "choices": FLOWCHART_FORMATS}
        case Kind.NUMBER:
            return value | {"type": "int"}
        case _:
            return value


def _more_verbose(option: optparse.Option, flag: str, value: object, parser: optparse.OptionParser) -> None:
    """Take the level that may follow `--verbose`."""
    said = [*getattr(parser.values, str(option.dest), [])]
    rest: list[str] = parser.rargs or []
    said.append(rest.pop(0) if rest and not rest[0].startswith("-") else _MORE)
    setattr(parser.values, str(option.dest), said)
