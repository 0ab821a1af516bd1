"""A job in words, as printouts, logs and errors name it. The words are those of Ruffus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gangline.pipeline.names.paths import abbreviate, show
from gangline.pipeline.stages.kinds import Kind

__all__ = ["JobText", "describe_job"]

_MANY_OUTPUTS = frozenset({Kind.ORIGINATE, Kind.SPLIT, Kind.SUBDIVIDE})
_UNKNOWN = "??"


class JobText(NamedTuple):
    """A job in words.

    Attributes:
        line: All of it on one line.
        rows: The same in parts: what it reads, then what it makes.
    """

    line: str
    rows: list[str]


def describe_job(kind: Kind, shown: Sequence[Any], path_level: int, directory: str) -> JobText:
    """A job in words.

    Args:
        kind: What its stage is.
        shown: Its parameters as they are printed, see `JobParams.shown`.
        path_level: How far file names are abbreviated, as `verbose_abbreviated_path`.
        directory: The absolute folder that relative names start from.
    """
    if kind is Kind.PLAIN:
        return _one_row("Job" if not shown else f"Job  = {show(shown)}")
    if kind is Kind.MKDIR:
        # The last of them is what is made; a filter puts what it is made for before it.
        return _one_row(f"Make directories {abbreviate(shown[min(1, len(shown) - 1)], path_level, directory)}")
    return _files_of_job(kind, shown, path_level, directory)


def _one_row(line: str) -> JobText:
    return JobText(line, [line])


def _files_of_job(kind: Kind, shown: Sequence[Any], path_level: int, directory: str) -> JobText:
    def short(value: Any) -> str:
        return abbreviate(value, path_level, directory)

    reads = short(shown[0]) if shown else _UNKNOWN
    makes = short(shown[1]) if len(shown) > 1 else _UNKNOWN
    if kind not in _MANY_OUTPUTS:
        # Programs and logs know the extras of these kinds of jobs by this word only.
        extras = ", map" if len(shown) > 2 else ""
        return JobText(f"Job  = [{reads} -> {makes}{extras}]", [f"Job  = [{reads}", f"-> {makes}{extras}]"])
    extras = short(list(shown[2:]))[1:-1]
    rows = [f"Job  = [{reads}"]
    if len(shown) > 1:
        outputs = shown[1] if isinstance(shown[1], (list, tuple)) else [shown[1]]
        rows += [f"-> {short(output)}" for output in outputs]
    if len(shown) > 2:
        rows.append(f" , {extras}")
    rows[-1] += "]"
    return JobText(f"Job  = [{reads} -> {makes}{f', {extras}' if len(shown) > 2 else ''}]", rows)
