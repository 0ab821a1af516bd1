"""Words that messages of recipes have in common."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

__all__ = ["counted", "listed", "meant", "shown"]

_SHOWN = 80


def meant(name: str, known: Collection[str], told: Collection[str] | None = None) -> str:
    """The end of a message about a name that is not known: the nearest one that is, or all.

    Args:
        name: That is not known.
        known: Names.
        told: Those of them that are told where no other is near; None: all.
    """
    matches = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if matches:
        return f"did you mean {matches[0]!r}?"
    return f"there are: {', '.join(sorted(known if told is None else told)) or 'none'}"


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 task", "2 tasks"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Iterable[str]) -> str:
    """Names in a sentence: "a, b and c"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def shown(value: object) -> str:
    """A value as it is written in Python, of long ones the beginning."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
