"""Names that nobody knows: what to say about them."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

__all__ = ["meant"]


def meant(name: str, known: Collection[str]) -> str:
    """The end of a message about a name that is not known: the nearest one that is, or all."""
    matches = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {matches[0]!r}?" if matches else f"there are: {', '.join(sorted(known)) or 'none'}"
