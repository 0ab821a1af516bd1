"""Tracebacks as the writer of a program wants to see them: his own lines, without those of Gangline."""

from __future__ import annotations

import os
import re
import textwrap
from traceback import FrameSummary, StackSummary, TracebackException

__all__ = ["dedented", "last_line", "last_place", "own_traceback"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
_FRAME = re.compile(r'^\s*File "(?P<file>.+)", line (?P<line>\d+)(?:, in (?P<name>.+))?$', re.MULTILINE)
_LIBRARIES = (os.path.dirname(os.__file__), "site-packages", "dist-packages")


def own_traceback(error: BaseException) -> str:
    """The traceback of an error and of those that led to it, without the lines of Gangline."""
    told = TracebackException.from_exception(error)
    _reduce(told)
    return "".join(told.format()).rstrip("\n")


def dedented(text: str) -> str:
    """A text of several lines without the indentation and the blank lines around it that texts of Ruffus have."""
    return textwrap.dedent("\n".join(line.rstrip() for line in text.splitlines() if line.strip()))


def last_line(error: BaseException, file: str) -> int | None:
    """The line of a file at which an error was raised, or from which it came."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    lines = [frame.lineno for frame in TracebackException.from_exception(error).stack if frame.filename == file]
    return lines[-1] if lines else None


def last_place(trace: str) -> str:
    """The last place of a traceback that is in the user's own files: `pipeline.py:12 in align`; "" if there is none."""
    frames = [frame for frame in _FRAME.finditer(trace) if not frame["file"].startswith((_PACKAGE, "<"))]
    own = [frame for frame in frames if not any(part in frame["file"] for part in _LIBRARIES)]
    if not own:
        return ""
    frame = own[-1]
    file = os.path.relpath(frame["file"])
    file = frame["file"] if file.startswith(os.pardir) else file
    return f"{file}:{frame['line']}" + (f" in {frame['name']}" if frame["name"] else "")


def _reduce(told: TracebackException) -> None:
    told.stack = StackSummary.from_list([frame for frame in told.stack if _is_own(frame)])
    for other in (told.__cause__, told.__context__, *(told.exceptions or ())):
        if other is not None:
            _reduce(other)


def _is_own(frame: FrameSummary) -> bool:
    return not frame.filename.startswith((_PACKAGE, "<frozen "))
