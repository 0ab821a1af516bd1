"""Where a history stands."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.names.decompose import decompose

__all__ = ["DEFAULT_FILE", "FILE_VARIABLE", "MARKS_FILE", "MEMORY", "Place", "default_file", "find_place"]

DEFAULT_FILE = ".ruffus_history.sqlite"
FILE_VARIABLE = "DEFAULT_RUFFUS_HISTORY_FILE"
MARKS_FILE = os.path.join(".gangline", "unfinished.sqlite")
MEMORY = ":memory:"


class Place(NamedTuple):
    """Where a history stands.

    Attributes:
        path: Its file, absolute, or `:memory:`.
        base: The folder that its files are named from.
        marks_only: It notes only what was begun and not finished.
    """

    path: str
    base: str
    marks_only: bool


def default_file() -> str:
    """The usual name; `{basename}` and the like in the environment's stand for the parts of the program's own path."""
    pattern = os.environ.get(FILE_VARIABLE, DEFAULT_FILE)
    program = getattr(sys.modules.get("__main__"), "__file__", None)
    if program is None:
        return pattern
    try:
        return pattern.format(**decompose(os.path.abspath(program)))
    except (KeyError, ValueError, IndexError):  # braces that stand for themselves
        return pattern


def find_place(file: str | None, level: Level) -> Place:
    """Where the history is that a run at this level uses.

    Args:
        file: The name that was asked for, if any.
        level: How closely the run looks.
    """
    if file is None and level is Level.TIMES:
        return Place(os.path.abspath(MARKS_FILE), os.getcwd(), True)
    name = file or default_file()
    if name == MEMORY:
        return Place(MEMORY, os.getcwd(), False)
    path = os.path.abspath(name)
    return Place(path, os.path.dirname(path), False)
