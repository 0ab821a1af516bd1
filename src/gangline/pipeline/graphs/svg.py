"""A chart as SVG with a layout of our own, for where graphviz is not installed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from gangline.pipeline.graphs.chart import Chart, Link, Role, Shape
from gangline.pipeline.graphs.colours import NUMBER_OF_SCHEMES, ColourScheme, colour_scheme, plain_colour
from gangline.pipeline.graphs.layout import Point, lay_out
from gangline.pipeline.graphs.looks import Look, look_of_box, look_of_role

__all__ = ["demo_svg", "svg_text"]

_PIXELS_PER_INCH = 96.0
_LETTER_WIDTH = 8.2
_LINE_HEIGHT = 19.0
_PADDING = 14.0
_ROOF = 16.0
_MARGIN = 20.0
_TITLE_HEIGHT = 44.0
_KEY_STEP = 10.0
_HEAD_LENGTH = 9.0
_HEAD_WIDTH = 5.0
_NO_ROOM: tuple[float, float] = (0.0, 0.0)


def svg_text(chart: Chart, colours: ColourScheme, inches: tuple[float, float] | None = None) -> str:
    """The chart as SVG.

    Args:
        chart: What is drawn.
        colours: Its colours.
        inches: At most so large, width and height; as large as it needs to be by default.
    """
    looks = {box.number: look_of_box(box, colours) for box in chart.boxes}
    sizes = {box.number: _size(looks[box.number], box.shape) for box in chart.boxes}
    arrows = [arrow for box in chart.boxes for arrow in chart.arrows.get(box.number, ())]
    layout = lay_out(sizes, [(arrow.source, arrow.target) for arrow in arrows], vertical=chart.vertical)
    parts = [
        _text(Point(0, 0), (chart.title,), plain_colour(colours["Pipeline"]["fontcolor"]), size=22, anchor="start")
    ]
    top = _TITLE_HEIGHT
    body = [
        _curve(layout.paths[arrow.source, arrow.target], _line_colour(arrow.link, colours), vertical=chart.vertical)
        for arrow in arrows
        if arrow.source != arrow.target
    ]
    body += [_box(layout.centres[box.number], sizes[box.number], looks[box.number], box.shape) for box in chart.boxes]
    parts.append(_moved(0, top, body))
    key, (key_width, key_height) = _key(chart.key, colours, "Key:") if chart.key else ([], _NO_ROOM)
    left = layout.width + 2 * _MARGIN
    parts.append(_moved(left, top, key))
    width = max(left + key_width if key else layout.width, len(chart.title) * _LETTER_WIDTH * 1.6)
    return _document(parts, width, top + max(layout.height, key_height), chart.title, inches)


def demo_svg(inches: tuple[float, float] | None = None) -> str:
    """All colour schemes side by side, as SVG."""
    parts: list[str] = []
    left = height = 0.0
    for number in range(NUMBER_OF_SCHEMES):
        colours = colour_scheme({"colour_scheme_index": number})
        key, (width, height) = _key(tuple(Role), colours, f"Colour Scheme {number}")
        parts.append(_moved(left, 0, key))
        left += width + _MARGIN
    return _document(parts, left - _MARGIN, height, "Colour schemes", inches)


def _document(parts: Iterable[str], width: float, height: float, title: str, inches: tuple[float, float] | None) -> str:
    width, height = width + 2 * _MARGIN, height + 2 * _MARGIN
    scale = 1.0
    if inches is not None:
        scale = min(1.0, inches[0] * _PIXELS_PER_INCH / width, inches[1] * _PIXELS_PER_INCH / height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * scale:.0f}" height="{height * scale:.0f}" '
        f'viewBox="0 0 {width:.1f} {height:.1f}" font-family="Helvetica, Arial, sans-serif" font-size="14">'
    )
    background = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join(
        [head, f"<title>{escape(title)}</title>", background, _moved(_MARGIN, _MARGIN, parts), "</svg>", ""]
    )


def _moved(x: float, y: float, parts: Iterable[str]) -> str:
    return "\n".join([f'<g transform="translate({x:.1f},{y:.1f})">', *parts, "</g>"])


def _size(look: Look, shape: Shape) -> tuple[float, float]:
    width = max(len(line) for line in look.lines) * _LETTER_WIDTH + 2 * _PADDING
    height = len(look.lines) * _LINE_HEIGHT + 2 * _PADDING
    return max(width, 60.0), height + (0 if shape is Shape.PLAIN else _ROOF)


def _box(centre: Point, size: tuple[float, float], look: Look, shape: Shape) -> str:
    dashes = ' stroke-dasharray="5 4"' if look.dashed else ""
    style = f"fill={quoteattr(look.fill)} stroke={quoteattr(look.line)}{dashes}"
    left, top = centre.x - size[0] / 2, centre.y - size[1] / 2
    right, bottom = centre.x + size[0] / 2, centre.y + size[1] / 2
    shift = 0.0
    match shape:
        case Shape.PLAIN:
            outline = (
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" rx="6" {style}/>'
            )
        case Shape.ONE_TO_MANY:
            shift = _ROOF / 2
            gable = [(centre.x, top), (right, top + _ROOF), (right, bottom), (left, bottom), (left, top + _ROOF)]
            outline = _polygon(gable, style)
        case Shape.MANY_TO_ONE:
            shift = -_ROOF / 2
            keel = [(left, top), (right, top), (right, bottom - _ROOF), (centre.x, bottom), (left, bottom - _ROOF)]
            outline = _polygon(keel, style)
    text_top = centre.y + shift - len(look.lines) * _LINE_HEIGHT / 2
    return outline + _text(Point(centre.x, text_top), look.lines, look.letters)


def _polygon(corners: Sequence[tuple[float, float]], style: str) -> str:
    return f'<polygon points="{_points(corners)}" stroke-width="2" {style}/>'


def _points(corners: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def _text(top: Point, lines: Sequence[str], colour: str, *, size: float = 14, anchor: str = "middle") -> str:
    height = _LINE_HEIGHT * size / 14
    spans = (
        f'<tspan x="{top.x:.1f}" y="{top.y + (number + 0.72) * height:.1f}">{escape(line)}</tspan>'
        for number, line in enumerate(lines)
    )
    return f'<text text-anchor="{anchor}" font-size="{size}" fill={quoteattr(colour)}>{"".join(spans)}</text>'


def _line_colour(link: Link, colours: ColourScheme) -> str:
    return plain_colour(colours[link.value]["linecolor"])


def _curve(points: Sequence[Point], colour: str, *, vertical: bool) -> str:
    """A line through the points, which leaves and meets each of them straight, with a head at its end."""
    path = f"M{points[0].x:.1f},{points[0].y:.1f}"
    for before, after in pairwise(points):
        half_x, half_y = (before.x + after.x) / 2, (before.y + after.y) / 2
        if vertical:
            path += f" C{before.x:.1f},{half_y:.1f} {after.x:.1f},{half_y:.1f} {after.x:.1f},{after.y:.1f}"
        else:
            path += f" C{half_x:.1f},{before.y:.1f} {half_x:.1f},{after.y:.1f} {after.x:.1f},{after.y:.1f}"
    end, before_end = points[-1], points[-2]
    if vertical:
        base = end.y + math.copysign(_HEAD_LENGTH, before_end.y - end.y)
        head = [(end.x, end.y), (end.x - _HEAD_WIDTH, base), (end.x + _HEAD_WIDTH, base)]
    else:
        base = end.x + math.copysign(_HEAD_LENGTH, before_end.x - end.x)
        head = [(end.x, end.y), (base, end.y - _HEAD_WIDTH), (base, end.y + _HEAD_WIDTH)]
    style = quoteattr(colour)
    return f'<path d="{path}" fill="none" stroke={style}/><polygon points="{_points(head)}" fill={style}/>'


def _key(roles: Sequence[Role], colours: ColourScheme, title: str) -> tuple[list[str], tuple[float, float]]:
    """The key, one box per role below another, and its width and height."""
    looks = [look_of_role(role, colours) for role in roles]
    sizes = [_size(look, Shape.PLAIN) for look in looks]
    width = max(size[0] for size in sizes) + 2 * _MARGIN
    own = colours["Key"]
    height = _TITLE_HEIGHT + _MARGIN
    parts = [_text(Point(width / 2, _PADDING), (title,), plain_colour(own["fontcolor"]), size=17)]
    for look, size in zip(looks, sizes, strict=True):
        parts.append(_box(Point(width / 2, height + size[1] / 2), size, look, Shape.PLAIN))
        height += size[1] + _KEY_STEP
    height += _MARGIN - _KEY_STEP
    fill = quoteattr(plain_colour(own["fillcolor"]))
    return [f'<rect width="{width:.1f}" height="{height:.1f}" fill={fill}/>', *parts], (width, height)
