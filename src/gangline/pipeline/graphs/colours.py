"""The colour schemes, as Ruffus has them, and what a user changes in one."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from gangline.errors import UsageError
from gangline.pipeline.graphs.chart import Link, Role

__all__ = ["NUMBER_OF_SCHEMES", "ColourScheme", "colour_scheme", "plain_colour"]

ColourScheme = dict[str, dict[str, Any]]
"""For each `Role` by its value: fillcolor, fontcolor, color, dashed; for each `Link`: linecolor; Pipeline, Key."""


class _Palette(NamedTuple):
    blue_line: str
    blue: str
    green_line: str
    green: str
    orange: str
    orange_line: str
    red: str


_PALETTES = (
    _Palette("#0044A0", "#EBF3FF", "#006000", "#B8CC6E", "#EFA03B", "#006000", "#FF3232"),
    _Palette("#000DDF", "transparent", "#4B8C2E", "#9ED983", "#D98100", "#D9D911", "#D93611"),
    _Palette("#4A64A5", "transparent", "#4A92A5", "#99D1C1", "#D2C24A", "#4A92A5", "#A54A64"),
    _Palette("#BFB5FF", "transparent", "#7D8A2E", "#C9D787", "#FFF1DC", "#7D8A2E", "#FF3E68"),
    _Palette("#004460", "transparent", "#4B6000", "#B8CC6E", "#FFF0A3", "#4B6000", "#F54F29"),
    _Palette("#1122FF", "#AABBFF", "#007700", "#44FF44", "#EFA03B", "#FFCC3B", "#FF0000"),
    _Palette("#0044A0", "#EBF3FF", "black", "#6cb924", "#ece116", "black", "#FF3232"),
    _Palette("#87BAE4", "transparent", "#87B379", "#D3FAE3", "#FDBA40", "#87B379", "#b9495e"),
)
_SATURATED = 6
"""The scheme whose stages to run are dark, with light letters."""

NUMBER_OF_SCHEMES = len(_PALETTES)


def colour_scheme(changes: Mapping[str, Any] | None = None) -> ColourScheme:
    """All colours of a chart, as `dot` writes them.

    Args:
        changes: `colour_scheme_index`, the number of a scheme, 0 by default, and by the name of a role, or `Pipeline`,
            `Key`, `Up-to-date`, a dictionary of colours that are different.

    Raises:
        UsageError: A name is not known, or its colours are no dictionary.
    """
    given = dict(changes or {})
    scheme = _scheme(given.pop("colour_scheme_index", 0))
    for name, colours in given.items():
        if name not in scheme:
            near = get_close_matches(str(name), scheme, 1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(map(repr, scheme))}"
            raise UsageError(f"user_colour_scheme: {name!r} is nothing that has a colour{hint}")
        if not isinstance(colours, Mapping):
            raise UsageError(
                f"user_colour_scheme: the colours of {name!r} must be a dictionary like "
                f"{{'fillcolor': 'white'}}, not {colours!r}"
            )
        scheme[name].update(colours)
    return scheme


def plain_colour(colour: str) -> str:
    """A colour without the quotes that `dot` wants, as other programs take it; `none` for a transparent one."""
    bare = str(colour).strip('"')
    return "none" if bare == "transparent" else bare


def _scheme(index: int) -> ColourScheme:
    usual = range(NUMBER_OF_SCHEMES)
    p = _PALETTES[index if index in usual else -1]
    boxes = {
        Role.VICIOUS: (p.red, "white", "white"),
        Role.DOWNSTREAM: ("white", "gray", "gray"),
        Role.FRESH: (p.green, p.green_line, p.green_line),
        Role.SPECIFIED: ("transparent", "black", "black"),
        Role.RUNS: (p.blue, p.blue_line, p.blue_line),
        Role.FRESH_BUT_RUNS: ("transparent", p.blue_line, p.blue_line),
        Role.FRESH_TARGET: (p.orange, p.orange_line, p.orange_line),
        Role.TARGET: (p.orange, "black", "black"),
    }
    if index == _SATURATED:
        boxes[Role.VICIOUS] = (p.red, "black", "white")
        boxes[Role.RUNS] = ("#5f52ee", "lightgrey", p.blue_line)
        boxes[Role.FRESH_TARGET] = (p.orange, "#EFA03B", p.orange_line)
    scheme: ColourScheme = {
        role.value: {
            "fillcolor": _quoted(fill),
            "fontcolor": _quoted(letters),
            "color": _quoted(line),
            "dashed": int(role is Role.FRESH_BUT_RUNS),
        }
        for role, (fill, letters, line) in boxes.items()
    }
    scheme["Pipeline"] = {"fontcolor": _quoted(p.red)}
    scheme["Key"] = {"fontcolor": "black", "fillcolor": '"#F6F4F4"'}
    for link, line in ((Link.VICIOUS, p.red), (Link.RUNS, p.blue_line), (Link.FRESH, "gray")):
        scheme.setdefault(link.value, {})["linecolor"] = _quoted(line)
    return scheme


def _quoted(colour: str) -> str:
    return f'"{colour}"' if colour.startswith("#") else colour
