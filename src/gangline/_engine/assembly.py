"""Calls among whose arguments are results that did not exist when the call was made.

The call is frozen at once, with a gap where such a result belongs; so nothing that changes afterwards shows. The
results go along when the call is sent, and the engine puts them in.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from gangline._engine import actions, serialize

__all__ = ["Frozen", "Gap", "Missing", "assembled", "fail", "freeze", "look_up", "nothing"]

Frozen = list[bytes | pickle.PickleBuffer]
"""A pickle, and the large buffers that belong to it."""


class _Filling(threading.local):
    values: Sequence[Any] = ()


_filling = _Filling()


class Gap:
    """Stands for one of the results."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    def __reduce__(self) -> tuple[Any, ...]:
        return (_fill, (self.index,))


def _fill(index: int) -> Any:
    return _filling.values[index]


def freeze(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Frozen:
    """The call as it is now.

    Raises:
        Exception: whatever the pickler or an argument's own code raises.
    """
    buffers: list[memoryview] = []
    data = serialize.dumps((function, tuple(args), dict(kwargs)), buffers)
    return [data, *[pickle.PickleBuffer(bytearray(buffer)) for buffer in buffers]]


def assembled(frozen: Sequence[Any], values: Sequence[Any]) -> Any:
    """Put the results in, and call."""
    data, *buffers = frozen
    _filling.values = values
    try:
        function, args, kwargs = pickle.loads(data, buffers=buffers)
    finally:
        _filling.values = ()
    return function(*args, **kwargs)


def fail(error: BaseException) -> NoReturn:
    """Fail, in place of a call whose results cannot travel."""
    raise error


class Missing:
    """Stands for an object that could not be had, in the place where it is wanted."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


def look_up(name: str, note: str) -> Any:
    """The object of this name for a call elsewhere. An error is to be that of the call, for which it is done."""
    try:
        return actions.pull(name, note)
    except Exception as error:  # the user's own code in an expression
        return Missing(error)


def nothing() -> None:
    """End when it is its turn."""
