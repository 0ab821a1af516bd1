"""Which options there are. Pure: one table for both parsers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import Enum
from typing import Any, NamedTuple

from gangline.errors import UsageError

__all__ = ["FLOWCHART_FORMATS", "Group", "Kind", "Option", "ignored_names", "options"]

FLOWCHART_FORMATS = ["svg", "svgz", "png", "jpg", "psd", "tif", "eps", "pdf", "dot"]
"""What a flowchart can be written as."""

_NEVER_RUN = "Don't actually run any commands; "


class Kind(Enum):
    """What comes after an option."""

    FLAG = "nothing"
    TEXT = "a text"
    NUMBER = "a whole number"
    LIST = "a text; the option may be given several times"
    VERBOSE = "a level or nothing; the option may be given several times"
    VERSION = "nothing: the version is printed"
    FORMAT = "a format of flowcharts"


class Group(Enum):
    """Under which heading an option stands."""

    COMMON = "Common options"
    PIPELINE = "pipeline arguments"


class Option(NamedTuple):
    """One option.

    Attributes:
        name: By which it can be left out; the long option is called so.
        flags: As they are typed.
        kind: What comes after it.
        help: What it does.
        group: Under which heading it stands.
        dest: The attribute of the parsed options.
        metavar: What stands for its value in the help.
        default: Its value where it is not given.
    """

    name: str
    flags: tuple[str, ...]
    kind: Kind
    help: str
    group: Group = Group.PIPELINE
    dest: str | None = None
    metavar: str | None = None
    default: Any = None


def _formats_in_words() -> str:
    *most, last = map(repr, FLOWCHART_FORMATS)
    return f"{', '.join(most)}, or {last}"


_COMMON = (
    Option(
        *("verbose", ("--verbose", "-v"), Kind.VERBOSE),
        help="Print more verbose messages for each additional verbose level.",
        group=Group.COMMON,
    ),
    Option("version", ("--version",), Kind.VERSION, help="", group=Group.COMMON),
    Option(
        *("log_file", ("-L", "--log_file"), Kind.TEXT),
        help="Name and path of log file",
        group=Group.COMMON,
        metavar="FILE",
    ),
)

_PIPELINE = (
    Option(
        "jobs", ("-j", "--jobs"), Kind.NUMBER, "Allow N jobs (commands) to run simultaneously.", metavar="N", default=1
    ),
    Option(
        *("use_threads", ("--use_threads",), Kind.FLAG),
        help="Use multiple threads rather than processes. Needs --jobs N with N > 1",
    ),
    Option("just_print", ("-n", "--just_print"), Kind.FLAG, f"{_NEVER_RUN}just print the pipeline."),
    Option(
        *("touch_files_only", ("--touch_files_only",), Kind.FLAG),
        help=f"{_NEVER_RUN}just 'touch' the output for each task to make them appear up to date.",
    ),
    Option(
        "recreate_database", ("--recreate_database",), Kind.FLAG, f"{_NEVER_RUN}just recreate the checksum database."
    ),
    Option(
        *("checksum_file_name", ("--checksum_file_name",), Kind.TEXT),
        help="Path of the checksum file.",
        dest="history_file",
        metavar="FILE",
    ),
    Option(
        *("flowchart", ("--flowchart",), Kind.TEXT),
        help="Don't run any commands; just print pipeline as a flowchart.",
        metavar="FILE",
    ),
    Option(
        *("key_legend_in_graph", ("--key_legend_in_graph",), Kind.FLAG),
        help="Print out legend and key for dependency graph.",
    ),
    Option(
        *("draw_graph_horizontally", ("--draw_graph_horizontally",), Kind.FLAG),
        help="Draw horizontal dependency graph.",
        dest="draw_horizontally",
    ),
    Option(
        *("flowchart_format", ("--flowchart_format",), Kind.FORMAT),
        help=f"format of dependency graph file. Can be {_formats_in_words()}. Defaults to the file name extension of "
        "--flowchart FILE.",
        metavar="FORMAT",
    ),
    Option(
        *("forced_tasks", ("--forced_tasks",), Kind.LIST),
        help="Task(s) which will be included even if they are up to date.",
        metavar="JOBNAME",
    ),
)


def options(target_flag: str, ignored: Collection[str]) -> Iterable[Option]:
    """All options but the ignored ones.

    Args:
        target_flag: The short option for `--target_tasks`, which is not the same in both parsers.
        ignored: Names of options.
    """
    target = Option(
        *("target_tasks", (target_flag, "--target_tasks"), Kind.LIST),
        help="Target task(s) of pipeline.",
        metavar="JOBNAME",
    )
    return [option for option in (*_COMMON, target, *_PIPELINE) if option.name not in ignored]


def ignored_names(ignored: object) -> set[str]:
    """The names in what a program gave as `ignored_args`: one name or several.

    Raises:
        UsageError: It is neither.
    """
    if isinstance(ignored, str):
        return {ignored}
    if isinstance(ignored, Iterable):
        return {str(name) for name in ignored}
    raise UsageError("Error: expected ignored_args = ['list_of', 'option_names']")
