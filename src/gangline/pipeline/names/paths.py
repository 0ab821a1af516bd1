"""File names, and structures of them, as printouts and logs show them: abbreviated, on one line.

The level says how many names of a path are shown: 0 the whole absolute path, 1 the file's name, 2 its folder too, and
so on; what is left out shows as `.../`. A negative level is the number of characters that the whole may have: names are
added until the text is longer, and then its start is cut off and shows as `<???>`.
"""

from __future__ import annotations

import os.path
from typing import Any

from gangline.pipeline.names.decompose import extension, normalise, stem, subdirectories
from gangline.pipeline.names.nested import is_sequence

__all__ = ["abbreviate", "show"]

_LEVELS_TRIED = range(1, 20)


def show(value: Any) -> str:
    """Any parameter on one line: sequences in square brackets, double quotes as single ones, objects as their type."""
    if is_sequence(value):
        return f"[{', '.join(map(show, _in_order(value)))}]"
    try:
        text = str(value)
    except Exception:  # the user's own __str__ may do anything; a printout must not fail over it
        return f"<{value.__class__}>".replace('"', "'")
    place = text.find(" object")
    if place >= 0 and text.startswith("<") and text.endswith(">"):
        text = f"<{text[1:place].replace('__main__.', '')}>"
    return text.replace('"', "'")


def abbreviate(value: Any, level: int, directory: str) -> str:
    """A parameter on one line, with its file names abbreviated.

    Args:
        value: File names, nested, and whatever else; only strings are taken for paths.
        level: How many names of a path to show, or minus the number of characters for all of it.
        directory: The absolute folder that relative names start from.

    Example:
        >>> abbreviate(["/data/run/a/reads.fq", 3], 2, "/home")
        '[.../a/reads.fq, 3]'
    """
    if level < 0:
        return _fit(value, -level, directory)
    if is_sequence(value):
        return f"[{', '.join(abbreviate(part, level, directory) for part in _in_order(value))}]"
    if not isinstance(value, str):
        return show(value)
    if level == 0:
        return show(os.path.normpath(os.path.join(directory, value)))
    # The first character is not counted: the root is no level.
    if value[1:].count("/") < level:
        return show(value)
    relative = os.path.relpath(os.path.join(directory, value), directory)
    return show(relative if relative.count("/") <= level else _last_levels(value, level))


def _in_order(values: list[Any] | tuple[Any, ...] | set[Any]) -> list[Any] | tuple[Any, ...]:
    """The values; those of a set sorted, so that a printout does not change from run to run."""
    return sorted(values, key=str) if isinstance(values, set) else values


def _last_levels(path: str, level: int) -> str:
    normal = normalise(path)
    names = [*reversed(subdirectories(normal)[: level - 1]), stem(normal) + extension(normal)]
    shortened = os.path.join(*names)
    return f".../{shortened}" if len(shortened) < len(path) else path


def _fit(value: Any, length: int, directory: str) -> str:
    text = ""
    for level in _LEVELS_TRIED:
        text = abbreviate(value, level, directory)
        if len(text) > length or "..." not in text:
            break
    surplus = len(text) - max(4, length - 5)
    return text if surplus < 0 else f"<???> {text[surplus:]}"
