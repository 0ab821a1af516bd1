"""How boxes look where `dot` is not asked: its attributes, as far as they are about text and colours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from gangline.pipeline.graphs.chart import Box, Role
from gangline.pipeline.graphs.colours import ColourScheme, plain_colour

__all__ = ["Look", "look_of_box", "look_of_role"]

_TAG = re.compile(r"<[^>]*>")
_LINE_BREAK = re.compile(r"\\[nlr]|\n|<br\s*/?>", re.IGNORECASE)


class Look(NamedTuple):
    """How a box looks.

    Attributes:
        lines: What stands in it.
        fill: Its colour, or `none`.
        line: The colour of its outline.
        letters: The colour of the text.
        dashed: Its outline is dashed.
    """

    lines: tuple[str, ...]
    fill: str
    line: str
    letters: str
    dashed: bool


def look_of_box(box: Box, colours: ColourScheme) -> Look:
    """How a stage's box looks, with what the user wants different."""
    name = box.name.replace("  before ", "\nbefore ").replace(",  ", ",\n")
    return _look(box.role, name, colours, box.attributes)


def look_of_role(role: Role, colours: ColourScheme) -> Look:
    """How the boxes of a role look, with its name in it."""
    return _look(role, role.value, colours, {})


def _look(role: Role, name: str, colours: ColourScheme, attributes: Mapping[str, Any]) -> Look:
    own = colours[role.value] | dict(attributes)
    is_hollow = own["dashed"] and "fillcolor" not in attributes
    return Look(
        _label(name, attributes),
        "none" if is_hollow else plain_colour(own["fillcolor"]),
        plain_colour(own["color"]),
        plain_colour(own["fontcolor"]),
        bool(own["dashed"]) or "dashed" in str(attributes.get("style", "")),
    )


def _label(name: str, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    label = str(attributes.get("label", name))
    is_html = label.startswith("<") and label.endswith(">")
    if is_html or (len(label) > 1 and label.startswith('"') and label.endswith('"')):
        label = label[1:-1]
    text = f"{attributes.get('label_prefix', '')}{label}{attributes.get('label_suffix', '')}"
    lines = _LINE_BREAK.split(text)
    return tuple((_TAG.sub("", line) if is_html else line).strip() for line in lines)
