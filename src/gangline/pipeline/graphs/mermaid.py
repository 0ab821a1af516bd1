"""A chart in the language of Mermaid, which many pages and editors draw by themselves."""

from __future__ import annotations

import json
from itertools import pairwise

from gangline.pipeline.graphs.chart import Chart, Shape
from gangline.pipeline.graphs.colours import ColourScheme, plain_colour
from gangline.pipeline.graphs.looks import Look, look_of_box, look_of_role

__all__ = ["mermaid_text"]

_BRACKETS = {Shape.PLAIN: ("[", "]"), Shape.ONE_TO_MANY: ("[/", "\\]"), Shape.MANY_TO_ONE: ("[\\", "/]")}
_CODES = {"#": "35", '"': "quot", "<": "lt", ">": "gt", "`": "96"}
_KEY = "chart_key"


def mermaid_text(chart: Chart, colours: ColourScheme) -> str:
    """The chart as text for Mermaid.

    Args:
        chart: What is drawn.
        colours: Its colours.
    """
    lines = ["---", f"title: {json.dumps(chart.title)}", "---", f"flowchart {'TD' if chart.vertical else 'LR'}"]
    for box in chart.boxes:
        lines += _box(f"t{box.number}", look_of_box(box, colours), box.shape)
    arrows = [arrow for box in chart.boxes for arrow in chart.arrows.get(box.number, ())]
    for number, arrow in enumerate(arrows):
        lines.append(f"    t{arrow.source} --> t{arrow.target}")
        lines.append(f"    linkStyle {number} stroke:{plain_colour(colours[arrow.link.value]['linecolor'])}")
    if chart.key:
        lines += _key(chart, colours)
    return "".join(f"{line}\n" for line in lines)


def _key(chart: Chart, colours: ColourScheme) -> list[str]:
    names = [f"k{number}" for number in range(1, len(chart.key) + 1)]
    lines = [f'    subgraph {_KEY}["Key"]']
    for name, role in zip(names, chart.key, strict=True):
        lines += _box(name, look_of_role(role, colours), Shape.PLAIN)
    # Invisible links keep the key in one row or column.
    lines += [f"    {before} ~~~ {after}" for before, after in pairwise(names)]
    own = colours["Key"]
    style = f"fill:{plain_colour(own['fillcolor'])},color:{plain_colour(own['fontcolor'])}"
    return [*lines, "    end", f"    style {_KEY} {style}"]


def _box(name: str, look: Look, shape: Shape) -> list[str]:
    before, after = _BRACKETS[shape]
    text = "<br/>".join(map(_escaped, look.lines))
    dashes = ",stroke-dasharray:5 5" if look.dashed else ""
    style = f"fill:{look.fill},stroke:{look.line},color:{look.letters}{dashes}"
    return [f'    {name}{before}"{text}"{after}', f"    style {name} {style}"]


def _escaped(text: str) -> str:
    return "".join(f"#{_CODES[letter]};" if letter in _CODES else letter for letter in text)
