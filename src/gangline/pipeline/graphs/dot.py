"""A chart in the language of graphviz's `dot`. Programs that read the text find it as Ruffus writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gangline.pipeline.graphs.chart import Box, Chart, Link, Role, Shape
from gangline.pipeline.graphs.colours import NUMBER_OF_SCHEMES, ColourScheme, colour_scheme

__all__ = ["USUAL_SIZE", "demo_dot", "dot_text", "dot_value"]

USUAL_SIZE = "8,11"
"""Of the whole picture, in inches, if nobody says otherwise."""

_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z_\x80-\uffff][\w\x80-\uffff]*|-?(\.\d+|\d+(\.\d*)?)")
_BY_SHAPE: dict[Shape, dict[str, Any]] = {
    Shape.PLAIN: {"shape": "box3d"},
    Shape.ONE_TO_MANY: {"shape": "house", "peripheries": 2},
    Shape.MANY_TO_ONE: {"shape": "invhouse", "height": 1.1, "peripheries": 2},
}
_WRAPPED_IN_KEY = {
    Role.FRESH_BUT_RUNS: "Up-to-date task\\nforced to rerun",
    Role.FRESH_TARGET: "Up-to-date\\nFinal target",
}
_LED_FROM_BY_RUNNING = frozenset({Role.TARGET, Role.RUNS, Role.FRESH_BUT_RUNS, Role.SPECIFIED})
_WITHOUT_USERS_ATTRIBUTES = frozenset({Role.VICIOUS, Role.DOWNSTREAM})


def dot_text(chart: Chart, colours: ColourScheme, size: str = USUAL_SIZE) -> str:
    """The chart as text for `dot`.

    Args:
        chart: What is drawn.
        colours: Its colours.
        size: At most so large, width and height in inches.
    """
    head = [*_head(_quoted(chart.title), size), 'graph[clusterrank="local"];']
    if not chart.vertical:
        head.append('rankdir="LR";')
    head += ["subgraph clustertasks", "{", 'rank="min";']
    head += [f"fontcolor = {dot_value(colours['Pipeline']['fontcolor'])};", f"label = {_quoted(chart.title)};"]
    key = _key(chart.key, colours, "Key:", 1) if chart.key else []
    return "".join(f"{line}\n" for line in (*head, *_boxes_and_arrows(chart, colours), "}", *key, "}"))


def demo_dot() -> str:
    """All colour schemes side by side, as text for `dot`."""
    lines = _head(_quoted("Colour schemes"), USUAL_SIZE)
    for number in range(NUMBER_OF_SCHEMES):
        lines += _key(tuple(Role), colour_scheme({"colour_scheme_index": number}), f"Colour Scheme {number}", number)
    return "".join(f"{line}\n" for line in (*lines, "}"))


def dot_value(value: Any) -> str:
    """A value as `dot` reads it: in quotes if it needs them and has none; HTML in angle brackets stays as it is."""
    text = str(value)
    if _NEEDS_NO_QUOTES.fullmatch(text) or (text.startswith("<") and text.endswith(">")):
        return text
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    return _quoted(text)


def _escaped(text: str) -> str:
    """A text between quotes; a quote that is escaped already stays so."""
    return re.sub(r'(?<!\\)"', '\\\\"', text)


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _head(title: str, size: str) -> list[str]:
    settings = (f'size="{size}"', "splines=true", 'fontsize="30"', "ranksep = 0.3", 'node[fontsize="20"]')
    return [f"digraph {title}", "{", *(f"{setting};" for setting in settings)]


def _boxes_and_arrows(chart: Chart, colours: ColourScheme) -> Iterable[str]:
    late: list[str] = []  # what is drawn after the rest, so that it does not shape the picture
    circles: list[str] = []
    for box in chart.boxes:
        arrows = chart.arrows.get(box.number, ())
        text = f"t{box.number}{_attributes(_look_of(box, colours), box.name)}"
        if box.role is Role.DOWNSTREAM:
            late.append(text)
            late += [_arrow(arrow.source, arrow.target, arrow.link, colours) for arrow in arrows]
            continue
        if box.role is Role.VICIOUS:
            circles.append(text)
        else:
            yield text
        is_first = True
        for arrow in arrows:
            line = _arrow(arrow.source, arrow.target, arrow.link, colours)
            if arrow.link is Link.VICIOUS:
                circles.append(line)
                continue
            if arrow.link is Link.RUNS or is_first:
                yield line
            else:
                late.append(line)
            is_first = False
    yield from late
    yield from circles


def _arrow(source: int, target: int, link: Link, colours: ColourScheme) -> str:
    colour = dot_value(colours[link.value]["linecolor"])
    match link:
        case Link.VICIOUS:
            return f"t{source} -> t{target}[color={colour} {', constraint=false' if source > target else ''}];"
        case Link.FRESH:
            return f"t{source} -> t{target}[color={colour}, arrowtype=normal];"
        case Link.RUNS:
            return f"t{source} -> t{target}[color={colour}];"


def _look_of(box: Box, colours: ColourScheme) -> dict[str, Any]:
    look = _BY_SHAPE[box.shape] | _colours_of(box.role, colours)
    return look if box.role in _WITHOUT_USERS_ATTRIBUTES else look | dict(box.attributes)


def _colours_of(role: Role, colours: ColourScheme) -> dict[str, Any]:
    own = colours[role.value]
    style = "dashed" if own["dashed"] else "filled"
    return {name: own[name] for name in ("color", "fillcolor", "fontcolor")} | {"style": style}


def _attributes(look: Mapping[str, Any], name: str) -> str:
    """Attributes in brackets, by name; the label is the user's own, or `name`, between the user's prefix and suffix."""
    label = str(look.get("label", name.replace("  before ", "\\nbefore ").replace(",  ", ",\n")))
    is_html = label.startswith("<")
    if is_html or label.startswith('"'):
        label = label[1:-1]
    label = f"{look.get('label_prefix', '')}{label}{look.get('label_suffix', '')}"
    shown = {key: value for key, value in look.items() if key not in ("label_prefix", "label_suffix")}
    texts = {key: dot_value(value) for key, value in shown.items()}
    texts["label"] = f"<{label}>" if is_html else _quoted(label)
    return f"[{', '.join(f'{key}={text}' for key, text in sorted(texts.items()))}];"


def _key(roles: tuple[Role, ...], colours: ColourScheme, title: str, number: int) -> list[str]:
    own = colours["Key"]
    lines = [f"subgraph clusterkey{number}", "{", 'rank="min";', "style=filled;", "fontsize=20;"]
    lines += [f"color={dot_value(own['fillcolor'])};", f'label = "{title}";']
    lines.append(f'fontcolor = {dot_value(own["fontcolor"])};node[margin="0.2,0.2", fontsize="14"];')
    names = {role: f"k{place}_{number}" for place, role in enumerate(roles, 1)}
    before: Role | None = None
    for role, name in names.items():
        look = {"shape": Shape.PLAIN.value} | _colours_of(role, colours)
        lines.append(name + _attributes(look, _WRAPPED_IN_KEY.get(role, role.value)))
        if before is not None:
            lines += _key_arrows(before, role, names, colours)
        before = role
    return [*lines, "}"]


def _key_arrows(before: Role, role: Role, names: Mapping[Role, str], colours: ColourScheme) -> list[str]:
    ways = [(names[before], names[role])]
    link = Link.RUNS if before in _LED_FROM_BY_RUNNING else Link.FRESH
    if Role.VICIOUS in (before, role):
        ways.append((names[role], names[before]))
        link = Link.VICIOUS
    colour = dot_value(colours[link.value]["linecolor"])
    return [f"{source} -> {target}[color={colour}, arrowtype=normal];" for source, target in ways]
