"""What values the properties of a job may have.

Each check gives the value in its usual form, or says what is allowed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["LONGEST_S", "Check", "Refused"]

Check = Callable[[Any], Any]

LONGEST_S = 100 * 365 * 86400.0
_MOST = 2**31 - 1
_TEXT_MOST = 1000


class Refused(Exception):
    """A value is not possible; says what is."""


def whole(lowest: int, highest: int = _MOST) -> Check:
    """Whole numbers."""

    def check(value: Any) -> int:
        if type(value) is not int or not lowest <= value <= highest:
            raise Refused(f"a whole number from {lowest} to {highest}")
        return value

    return check


def span(*, above_zero: bool = False) -> Check:
    """Seconds."""
    allowed = "a number of seconds above 0" if above_zero else "a number of seconds, 0 or more"

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise Refused(allowed)
        if value < 0 or (above_zero and value == 0):
            raise Refused(allowed)
        if value > LONGEST_S:
            raise Refused(f"{allowed}, and at most {LONGEST_S:.0f}")
        return value

    return check


def or_none(check: Check) -> Check:
    """The same, or None."""

    def check_or_none(value: Any) -> Any:
        if value is None:
            return None
        try:
            return check(value)
        except Refused as refusal:
            raise Refused(f"None, or {refusal}") from None

    return check_or_none


def one_of(*words: str) -> Check:
    """Certain words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise Refused(" or ".join(repr(word) for word in words))
        return str(value)

    return check


def flag(value: Any) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise Refused("True or False")
    return value


def text(value: Any) -> str:
    """Text of one line or several."""
    if not isinstance(value, str) or len(value) > _TEXT_MOST or not is_storable(value):
        raise Refused(f"a text of at most {_TEXT_MOST} characters, without NUL")
    return value


def is_storable(value: str) -> bool:
    """Whether a database can hold this text."""
    if "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def path(value: Any) -> str:
    """A path, absolute from now on."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or not is_storable(value):
        raise Refused("a path")
    return os.path.abspath(os.path.expanduser(value)) if value else ""


def names(value: Any) -> tuple[str, ...]:
    """One name or several."""
    if value is None:
        return ()
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, (list, tuple, set, frozenset)):
        raise Refused("a worker's name, or a list of names")
    if not all(isinstance(name, str) and name and is_storable(name) for name in several):
        raise Refused("a worker's name, or a list of names")
    return tuple(sorted(set(several)))


def jobs(*, ids: bool) -> Check:
    """Other jobs: classes, names of classes, a class with its arguments, or (with `ids`) the numbers of jobs."""
    allowed = (
        "a class, its name ('module.Class'), the id of a job, or a list of them"
        if ids
        else "a class, its name ('module.Class'), a pair of one of these and its arguments, or a list of them"
    )

    def check(value: Any) -> tuple[Any, ...]:
        if value is None:
            return ()
        several = value if isinstance(value, (list, tuple)) and not (not ids and _is_pair(value)) else [value]
        for one in several:
            if not (_is_class(one) or (_is_id(one) if ids else _is_pair(one))):
                raise Refused(allowed)
        return tuple(several)

    return check


def _is_class(value: Any) -> bool:
    return isinstance(value, type) or (isinstance(value, str) and "." in value)


def _is_id(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_pair(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and _is_class(value[0]) and isinstance(value[1], Mapping)
