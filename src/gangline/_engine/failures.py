"""Exceptions of tasks: put into words, made ready to travel, put together again."""

from __future__ import annotations

import os
from typing import Any

from gangline._engine import serialize
from gangline.errors import ResultUnreadable
from gangline.messages import Failure

__all__ = ["describe", "pack_failure", "unpack_failure", "unreadable"]

_OWN_FILES = os.path.dirname(__file__) + os.sep


def describe(error: BaseException) -> tuple[str, str, str]:
    """Name, text and traceback of an exception, without our own frames; survives those that cannot be shown."""
    import traceback  # only failures pay for it

    ename = type(error).__name__
    try:
        evalue = str(error)
    except BaseException as why:  # the user's own __str__
        evalue = f"<{ename} whose str() raises {type(why).__name__}>"
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_OWN_FILES):
        frames = frames.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, frames))
    except BaseException:  # again the user's own __str__ or __repr__, or no memory left
        text = f"{ename}: {evalue}\n"
    return ename, evalue, text


def unreadable(ename: str, evalue: str, why: BaseException) -> ResultUnreadable:
    """The stand-in for an exception that cannot travel."""
    return ResultUnreadable(f"{ename}: {evalue} (the exception itself cannot be carried over: {_in_words(why)})")


def _in_words(error: BaseException) -> str:
    ename, evalue, _ = describe(error)
    return f"{ename}: {evalue}"


def pack_failure(failure: Failure) -> tuple[Any, ...]:
    """Primitives that stand for a failure. The exception is tried out here, so that the client can unpickle it."""
    error, ename, evalue, text = failure
    try:
        data = serialize.dumps(error)
        if type(serialize.loads(data)) is not type(error) and type(error).__module__ != "__main__":
            raise TypeError(f"it is no {ename} any more after pickling")
    except BaseException as why:  # the user's own __reduce__ and __init__
        return (serialize.dumps(unreadable(ename, evalue, why)), ename, evalue, text)
    return (data, ename, evalue, text)


def unpack_failure(packed: tuple[Any, ...]) -> Failure:
    """The failure again; the exception as its own type where it can be had."""
    data, ename, evalue, text = packed
    try:
        error = serialize.loads(data)
        if not isinstance(error, BaseException):
            raise TypeError(f"it became a {type(error).__name__}")
    except BaseException as why:  # the user's own constructor
        error = unreadable(ename, evalue, why)
    return Failure(error, ename, evalue, text)
