"""Tracebacks as the writer of a program wants to see them: his own lines, without those of Gangline."""

from __future__ import annotations

import os
from traceback import FrameSummary, StackSummary, TracebackException

__all__ = ["last_line", "own_traceback"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


def own_traceback(error: BaseException) -> str:
    """The traceback of an error and of those that led to it, without the lines of Gangline."""
    told = TracebackException.from_exception(error)
    _reduce(told)
    return "".join(told.format()).rstrip("\n")


def last_line(error: BaseException, file: str) -> int | None:
    """The line of a file at which an error was raised, or from which it came."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    lines = [frame.lineno for frame in TracebackException.from_exception(error).stack if frame.filename == file]
    return lines[-1] if lines else None


def _reduce(told: TracebackException) -> None:
    told.stack = StackSummary.from_list([frame for frame in told.stack if _is_own(frame)])
    for other in (told.__cause__, told.__context__, *(told.exceptions or ())):
        if other is not None:
            _reduce(other)


def _is_own(frame: FrameSummary) -> bool:
    return not frame.filename.startswith((_PACKAGE, "<frozen "))
