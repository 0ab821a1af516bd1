"""Keywords that nobody knows: an error that names the nearest one that there is."""

from __future__ import annotations

from collections.abc import Collection, Iterable

__all__ = ["nearest", "suggestions"]


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known word that `name` was probably meant to be."""
    from difflib import get_close_matches  # mistakes are rare

    matches = get_close_matches(name, known, n=1, cutoff=0.6)
    return matches[0] if matches else None


def suggestions(names: Iterable[str], known: Collection[str]) -> str:
    """What to say about keywords that were refused: one line for each that is not known, with a line break before it.

    Args:
        names: The keywords.
        known: Those that there are; of them nothing is said.
    """
    lines = []
    for name in names:
        if name in known:
            continue
        meant = nearest(name, known)
        hint = f"Did you mean {meant!r}?" if meant else f"The keywords here are: {', '.join(known) or 'none'}."
        lines.append(f"\n{name!r} is not known. {hint}")
    return "".join(lines)
