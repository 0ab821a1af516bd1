"""Exceptions that are like other ones: classes that are two at once, and copies as another class."""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = ["assembled", "copied", "dismantled", "joined"]

Kind = TypeVar("Kind", bound=BaseException)


def joined(name: str, base: type[Kind], other: type[BaseException]) -> type[Kind]:
    """A class of that name that is both; just the base where the two do not go together."""
    try:
        return type(name, (base, other), {"__module__": base.__module__, "__doc__": base.__doc__})
    except TypeError:  # layouts or metaclasses
        return base


def copied(original: BaseException, kind: type[Kind]) -> Kind:
    """An exception of another class, with the state of the original: made without the constructors of users' classes.

    Args:
        original: What to copy.
        kind: Derived from the nearest builtin class of the original.

    Raises:
        Exception: Whatever the original's own attributes raise when they are set.
    """
    return assembled(kind, *dismantled(original))


def dismantled(original: BaseException) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of an exception's nearest builtin class, and its attributes."""
    _, arguments, *state = _builtin(type(original)).__reduce__(original)
    return arguments, (state[0] if state else None) or {}


def assembled(kind: type[Kind], arguments: tuple[Any, ...], state: dict[str, Any]) -> Kind:
    """An exception again from its parts."""
    builtin = _builtin(kind)
    try:
        made: Kind = builtin.__new__(kind, *arguments)
    except TypeError:  # MemoryError insists on a class that is laid out as it is
        made = BaseException.__new__(kind, *arguments)
    builtin.__init__(made, *arguments)
    BaseException.__setstate__(made, state)
    return made


def _builtin(kind: type[BaseException]) -> Any:
    return next(base for base in kind.__mro__ if base.__module__ == "builtins")
