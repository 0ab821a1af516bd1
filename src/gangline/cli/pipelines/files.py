"""File names and jobs in few words."""

from __future__ import annotations

import os
from collections.abc import Sequence

__all__ = ["files_words", "on_one_line", "short_path", "stage_name"]

_NAMES_SHOWN = 2
_WITHOUT_PARAMETERS = "its one job"


def short_path(name: str) -> str:
    """A file's name from here, if it is below this folder; on one line, whatever is in it."""
    if os.path.isabs(name):
        short = os.path.relpath(name)
        name = name if short.startswith(os.pardir) else short
    return on_one_line(name)


def on_one_line(text: str) -> str:
    """A text with codes for what would move the cursor, change colours, or cannot be shown at all."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def files_words(inputs: Sequence[str], outputs: Sequence[str], job: str) -> str:
    """A job in few words: what it makes of what.

    Args:
        inputs: The files that it reads.
        outputs: The files that it makes.
        job: The job as printouts show it, for jobs without files.
    """
    if not inputs and not outputs:
        return on_one_line(job.removeprefix("Job").removeprefix("  = ")) or _WITHOUT_PARAMETERS
    reads, makes = _some(inputs), _some(outputs)
    return " ".join(part for part in (reads, "->" if makes else "", makes) if part)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(short_path, names[:_NAMES_SHOWN]))
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def stage_name(name: str) -> str:
    """A stage's name on a line: those of stages that make folders have wide gaps in them."""
    return " ".join(name.split())
