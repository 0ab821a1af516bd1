"""The command line that programs with a pipeline offer, and what it does.

parser = cmdline.get_argparse(description="What does this pipeline do?")
options = parser.parse_args()
logger, logger_mutex = cmdline.setup_logging(__name__, options.log_file, options.verbose)
...  # stages
cmdline.run(options)
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from gangline.errors import UsageError
from gangline.pipeline.command_line.levels import MESSAGE
from gangline.pipeline.command_line.options import FLOWCHART_FORMATS as flowchart_formats
from gangline.pipeline.loggers import black_hole_logger, stderr_logger
from gangline.pipeline.stages.words import suggestions
from gangline.pipeline.steering import find_steering

if TYPE_CHECKING:
    from gangline.pipeline.command_line.arguments import (
        append_to_argparse,
        append_to_optparse,
        get_argparse,
        get_optparse,
    )
    from gangline.pipeline.command_line.logs import setup_logging, setup_logging_factory

__all__ = [
    "MESSAGE",
    "append_to_argparse",
    "append_to_optparse",
    "flowchart_formats",
    "get_argparse",
    "get_optparse",
    "handle_verbose",
    "run",
    "setup_logging",
    "setup_logging_factory",
]

_HOMES = {
    **dict.fromkeys(("append_to_argparse", "append_to_optparse", "get_argparse", "get_optparse"), "arguments"),
    **dict.fromkeys(("setup_logging", "setup_logging_factory"), "logs"),
}
"""What is imported when it is first used: every program gets this module, and many have no command line."""

_REGENERATE = 2  # touch_files_only: the history is made anew from what exists, and nothing runs
_VERBOSITY = re.compile(r"(?P<more>\+|v+)|(?P<level>\d+)(?::(?P<path>-?\d+))?")
_OPTIONS = (
    *("just_print", "verbose", "flowchart", "flowchart_format", "target_tasks", "forced_tasks", "draw_horizontally"),
    *("key_legend_in_graph", "use_threads", "jobs", "recreate_database", "touch_files_only", "history_file"),
)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"gangline.pipeline.command_line.{_HOMES[name]}")
    value = globals()[name] = getattr(home, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def handle_verbose(options: Any) -> Any:
    """Make numbers of what was said with `--verbose`.

    Each use of the option adds 1, sets the verbosity (`--verbose 6`), or sets it together with how file names are
    shortened (`--verbose 6:-60`).

    Args:
        options: The parsed options. `verbose` becomes a number; `verbose_abbreviated_path` is added if it is missing.

    Returns:
        The options.

    Raises:
        UsageError: A use of the option says none of these things.
    """
    said = options.verbose
    path = None
    if said is not None and not isinstance(said, int):
        options.verbose, path = _verbosity([said] if isinstance(said, str) else said)
    if not hasattr(options, "verbose_abbreviated_path"):
        options.verbose_abbreviated_path = path
    return options


def _verbosity(said: Iterable[str]) -> tuple[int, int | None]:
    level, path = 0, None
    for part in said:
        match = _VERBOSITY.fullmatch(part)
        if match is None:
            raise UsageError(
                f"error: verbosity argument is specified as --verbose INT or --verbose INT:INT. invalid value '{part}'"
            )
        if match["more"]:
            level += 1 + match["more"].count("v")  # -vvv is -v with the value vv
        else:
            level = int(match["level"])
            path = int(match["path"]) if match["path"] else path
    return level, path


def run(options: Any, **extra_options: Any) -> bool:
    """Do what the command line says: print what would run, draw the stages, or run them.

    Args:
        options: As the parser gave them; those that are missing count as not given.
        extra_options: More for `pipeline_run`, `pipeline_printout` and `pipeline_printout_graph`: each gets those that
            it knows, and they go before what the command line says. `logger=False` means no messages.

    Returns:
        Whether the pipeline was run, and not printed or drawn.

    Raises:
        UsageError: None of the three functions knows an extra option; the text names the nearest one that there is.
    """
    for name in _OPTIONS:
        if not hasattr(options, name):
            setattr(options, name, None)
    handle_verbose(options)
    known = _known_keywords()
    _refuse_unknown(extra_options, known)
    if options.just_print:
        _print(options, _chosen(extra_options, known["pipeline_printout"]))
        return False
    if options.flowchart:
        _draw(options, _chosen(extra_options, known["pipeline_printout_graph"]))
        return False
    _run(options, _chosen(extra_options, known["pipeline_run"]))
    return True


def _function(name: str) -> Callable[..., Any]:
    """One of the three; they are imported late, since most of a pipeline program's work is done without the others."""
    found: Callable[..., Any] = getattr(importlib.import_module("gangline.pipeline"), name)
    return found


def _known_keywords() -> dict[str, set[str]]:
    """The parameters of each of the three functions."""
    from gangline.pipeline.running.options import RunOptions  # as late as the functions themselves

    known = {name: _parameters(_function(name)) for name in ("pipeline_printout", "pipeline_printout_graph")}
    return known | {"pipeline_run": _parameters(RunOptions)}


def _parameters(function: Callable[..., Any]) -> set[str]:
    import inspect  # every program that imports all of Gangline's names imports this module, and few come here

    return set(inspect.signature(function).parameters)


def _refuse_unknown(extra_options: dict[str, Any], known: dict[str, set[str]]) -> None:
    every = sorted(set().union(*known.values()))
    unknown = [name for name in extra_options if name not in every]
    if unknown:
        raise UsageError(f"cmdline.run() does not know {', '.join(unknown)}.{suggestions(unknown, every)}")


def _chosen(extra_options: dict[str, Any], known: set[str]) -> dict[str, Any]:
    return {name: value for name, value in extra_options.items() if name in known}


def _print(options: Any, extra: dict[str, Any]) -> None:
    said = {
        "output_stream": sys.stdout,
        "target_tasks": options.target_tasks,
        "forcedtorun_tasks": options.forced_tasks,
        "history_file": options.history_file,
        "verbose": options.verbose,
        "verbose_abbreviated_path": options.verbose_abbreviated_path,
    }
    _function("pipeline_printout")(**said | extra)


def _draw(options: Any, extra: dict[str, Any]) -> None:
    file_format = options.flowchart_format or os.path.splitext(options.flowchart)[1].lstrip(".")
    said = {
        "output_format": file_format,
        "target_tasks": options.target_tasks,
        "forcedtorun_tasks": options.forced_tasks,
        "history_file": options.history_file,
        "draw_vertically": not options.draw_horizontally,
        "no_key_legend": not options.key_legend_in_graph,
    }
    steering = find_steering()
    if steering is not None and not steering.print_wanted():
        return  # what stands in the file, stays
    with open(options.flowchart, "wb") as stream:
        _function("pipeline_printout_graph")(**{"stream": stream} | said | extra)


def _run(options: Any, extra: dict[str, Any]) -> None:
    said = {
        "target_tasks": options.target_tasks,
        "forcedtorun_tasks": options.forced_tasks,
        "multiprocess": options.jobs,
        "multithread": options.jobs if options.use_threads and (options.jobs or 0) > 1 else None,
        "verbose": options.verbose,
        "verbose_abbreviated_path": options.verbose_abbreviated_path,
        "touch_files_only": _REGENERATE if options.recreate_database else bool(options.touch_files_only),
        "history_file": options.history_file,
    }
    if extra.get("logger") is False:
        extra["logger"] = black_hole_logger
    elif extra.get("logger") is None:
        extra["logger"] = stderr_logger
    _function("pipeline_run")(**said | extra)
