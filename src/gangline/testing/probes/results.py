"""Tasks that give or raise all kinds of things."""

from __future__ import annotations

import asyncio
import enum
from collections import namedtuple
from collections.abc import AsyncIterator, Iterator
from typing import Any

from gangline._engine.context import current

__all__ = [
    "Colour",
    "Detailed",
    "Mute",
    "OnlyOnEngines",
    "Point",
    "TwoArguments",
    "append_more",
    "chained",
    "coroutine_of_generator",
    "count_and_fail",
    "count_later",
    "count_up",
    "fail_deep_down",
    "later",
    "log_in_namespace",
    "raise_error",
    "raise_two",
    "recurse",
    "same",
]


Point = namedtuple("Point", "x y")


class Colour(enum.IntEnum):
    """A number with a type of its own."""

    RED = 1


class TwoArguments(Exception):
    """Cannot be unpickled: it is pickled as a call with one argument."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


class Mute(Exception):
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Detailed(Exception):
    """Carries more than its text."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.detail = {"code": 5}


class OnlyOnEngines:
    """Can be pickled anywhere, but unpickled by a task only."""

    def __reduce__(self) -> Any:
        return _unpickle_on_engine, ()


def _unpickle_on_engine() -> str:
    context = current()
    if context is None or context.task is None:
        raise OSError("not here")
    return "unpickled"


def raise_error(error: BaseException) -> None:
    """Raise what it is given."""
    raise error


def raise_two(number: int) -> None:
    """Raise what cannot be unpickled."""
    raise TwoArguments(number, 2)


def fail_deep_down(depth: int) -> float:
    """Fail below so many more calls."""
    return 1 / depth if depth == 0 else fail_deep_down(depth - 1)


def chained() -> None:
    """Fail because of a failure."""
    try:
        fail_deep_down(0)
    except ZeroDivisionError as exc:
        raise Detailed("on top") from exc


def log_in_namespace(number: int) -> list[int]:
    """The numbers of the tasks that the engine has run so far."""
    context = current()
    assert context is not None
    seen: list[int] = context.namespace.setdefault("seen", [])
    seen.append(number)
    return list(seen)


def count_up(to: int) -> Iterator[int]:
    """A generator."""
    yield from range(to)


def count_and_fail() -> Iterator[int]:
    """A generator that fails half way."""
    yield 1
    raise LookupError("half way")


async def later(value: Any) -> Any:
    """A coroutine."""
    await asyncio.sleep(0)
    return value


async def count_later(to: int) -> AsyncIterator[int]:
    """An asynchronous generator."""
    for number in range(to):
        yield await later(number)


async def coroutine_of_generator() -> Iterator[int]:
    """A coroutine whose outcome is a generator."""
    return count_up(2)


def same(value: Any) -> Any:
    """What it is given."""
    return value


def recurse(depth: int) -> int:
    """Call itself for ever."""
    return recurse(depth + 1) + 1


def append_more(items: list[Any]) -> list[Any]:
    """Change a list, and give it back."""
    items.append("more")
    return items
