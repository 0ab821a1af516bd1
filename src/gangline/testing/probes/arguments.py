"""Tasks that are given all kinds of things."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from gangline._engine.context import current

__all__ = [
    "NotOnEngines",
    "Traceable",
    "double_in_place",
    "first_of",
    "is_kept",
    "keep_weakly",
    "pair",
    "same",
    "take_two",
]


class NotOnEngines:
    """Can be pickled and unpickled, but not by a task."""

    def __reduce__(self) -> Any:
        return _unpickle_elsewhere, ()


def _unpickle_elsewhere() -> str:
    context = current()
    if context is not None:
        raise OSError("not there")
    return "unpickled"


class Traceable(list[int]):
    """A list that can be weakly referred to."""


def keep_weakly(made: Traceable) -> Traceable:
    """Give something new, and have the engine remember the argument only as long as somebody holds it."""
    context = current()
    assert context is not None
    context.namespace["kept"] = weakref.ref(made)
    return Traceable([len(made)])


def is_kept() -> bool:
    """Whether somebody still holds what `keep_weakly` was given."""
    context = current()
    assert context is not None
    gc.collect()
    return context.namespace["kept"]() is not None


def double_in_place(numbers: Any) -> Any:
    """Change an argument, and give it back."""
    for i in range(0, len(numbers), max(1, len(numbers) // 10)):
        numbers[i] *= 2
    return numbers


def take_two(one: Any, two: Any = None) -> str:
    """The type of the second argument."""
    return type(two).__name__


def same(value: Any) -> Any:
    """What it is given."""
    return value


def first_of(items: Any) -> Any:
    """The first item."""
    return items[0]


def pair(one: int, two: int) -> tuple[int, int]:
    """Both."""
    return one, two
