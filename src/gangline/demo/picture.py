"""A treemap of modules: the area is their size, the colour how branched their functions are."""

from __future__ import annotations

import itertools
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import matplotlib
import squarify
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from gangline.demo.measure import Measurement
from gangline.demo.sources import SINGLE_MODULES

_WIDTH, _HEIGHT = 1152.0, 760.0
"""Of the map in points, which are also the unit of all coordinates, so that a font size can be compared with a cell."""
_TOP, _BOTTOM, _SIDE = 58.0, 54.0, 12.0
_HEADING = 13.0
_GAP = 1.6
_SIMPLE, _BRANCHED = 1.0, 8.0
"""The ends of the colour scale, in ways through a function. Logarithmic: most functions are near the lower end."""
_NO_FUNCTIONS = "#dfe3e6"
_UNREADABLE = "#c2185b"
_INK, _PAPER, _HAIRLINE = "#20262b", "#ffffff", "#8d8468"


RGBA = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Cell:
    """A rectangle of the map, in points from the upper left corner."""

    x: float
    y: float
    width: float
    height: float


def draw(measurements: Sequence[Measurement], path: Path) -> None:
    """Draw a standard library, with a heading that sums it up.

    Args:
        measurements: Its modules; at least one.
        path: Where to, see `draw_treemap`.
    """
    worst = max(measurements, key=lambda m: m.worst_complexity)
    title = (
        f"The standard library of Python {platform.python_version()}: {len(measurements):,} modules, "
        f"{sum(m.lines for m in measurements):,} lines, {sum(m.functions for m in measurements):,} functions"
    )
    subtitle = (
        f"{len({m.package for m in measurements} - {SINGLE_MODULES}):,} packages · "
        f"{sum(m.classes for m in measurements):,} classes · "
        f"the most branched function is {worst.module}.{worst.worst}, with {worst.worst_complexity:,} ways through it"
    )
    draw_treemap(measurements, title, subtitle, path)


def draw_treemap(measurements: Sequence[Measurement], title: str, subtitle: str, path: Path) -> None:
    """Draw modules, grouped by package, into one file that needs nothing beside it.

    Args:
        measurements: The modules.
        title: The line above the map.
        subtitle: A smaller line below it.
        path: Where to; the suffix says how: ``.svg``, ``.png``, ``.pdf``. An SVG shows a module's figures under the
            mouse.
    """
    # A fixed salt and no date: the same modules give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "gangline", "font.family": "DejaVu Sans"}):
        figure, axes = _blank_page(title, subtitle)
        mappable = ScalarMappable(LogNorm(_SIMPLE, _BRANCHED), matplotlib.colormaps["YlOrRd"])
        hints: dict[str, str] = {}
        for package, modules, area in _layout_packages(measurements):
            inner = _draw_package(axes, package, modules, area)
            for module, cell in _layout(modules, inner):
                hints[f"module-{module.module}"] = _hint(module)
                _draw_module(axes, module, cell, mappable)
        _draw_legend(figure, mappable)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    if path.suffix == ".svg":
        _add_hints(path, hints)


def _blank_page(title: str, subtitle: str) -> tuple[Figure, Axes]:
    width, height = _WIDTH + 2 * _SIDE, _HEIGHT + _TOP + _BOTTOM
    figure = Figure(figsize=(width / 72, height / 72), facecolor=_PAPER)
    figure.text(_SIDE / width, 1 - 21 / height, title, size=17, weight="bold", color=_INK, va="center")
    figure.text(_SIDE / width, 1 - 43 / height, subtitle, size=10.5, color=_INK, va="center")
    place = (_SIDE / width, _BOTTOM / height, _WIDTH / width, _HEIGHT / height)
    axes = figure.add_axes(place, xlim=(0, _WIDTH), ylim=(_HEIGHT, 0))
    axes.axis("off")
    return figure, axes


def _layout_packages(measurements: Sequence[Measurement]) -> Iterator[tuple[str, list[Measurement], Cell]]:
    ordered = sorted(measurements, key=lambda m: (m.package, -m.lines, m.module))
    packages = [(name, list(modules)) for name, modules in itertools.groupby(ordered, key=lambda m: m.package)]
    packages.sort(key=lambda package: (-_area(package[1]), package[0]))
    cells = _squarify([_area(modules) for _, modules in packages], Cell(0, 0, _WIDTH, _HEIGHT))
    for (name, modules), cell in zip(packages, cells, strict=True):
        yield name, modules, cell


def _layout(modules: Sequence[Measurement], area: Cell) -> Iterator[tuple[Measurement, Cell]]:
    return zip(modules, _squarify([max(m.lines, 1) for m in modules], area), strict=True)


def _area(modules: Sequence[Measurement]) -> int:
    return sum(max(m.lines, 1) for m in modules)


def _squarify(sizes: Sequence[int], area: Cell) -> list[Cell]:
    """Divide an area in proportion to sizes, which come in falling order, into cells near to squares."""
    scaled = squarify.normalize_sizes(sizes, area.width, area.height)
    return [
        Cell(cell["x"], cell["y"], cell["dx"], cell["dy"])
        for cell in squarify.squarify(scaled, area.x, area.y, area.width, area.height)
    ]


def _draw_package(axes: Axes, package: str, modules: Sequence[Measurement], area: Cell) -> Cell:
    """Draw a package's frame and heading, and return the room that is left for its modules."""
    x, y, width, height = area.x + _GAP / 2, area.y + _GAP / 2, area.width - _GAP, area.height - _GAP
    axes.add_patch(Rectangle((x, y), width, height, facecolor="#3b4a54", linewidth=0))
    for text in (f"{package}  {sum(m.lines for m in modules):,} lines", package):
        size = _fitting_size(text, width - 6, _HEADING, largest=9.0, bold=True)
        if size >= 6.0 and height > 2.5 * _HEADING:
            axes.text(x + 3, y + _HEADING / 2, text, size=size, weight="bold", color=_PAPER, va="center_baseline")
            return Cell(x + 0.6, y + _HEADING, width - 1.2, height - _HEADING - 0.6)
    return Cell(x + 0.6, y + 0.6, max(width - 1.2, 0.1), max(height - 1.2, 0.1))


def _draw_module(axes: Axes, module: Measurement, cell: Cell, mappable: ScalarMappable) -> None:
    paint = _paint(module, mappable)
    rectangle = Rectangle((cell.x, cell.y), cell.width, cell.height, gid=f"module-{module.module}", facecolor=paint)
    rectangle.set_linewidth(min(0.3, cell.width / 12, cell.height / 12))
    rectangle.set_edgecolor(_UNREADABLE if module.error else _HAIRLINE)
    if module.error:
        rectangle.set_hatch("////")
    axes.add_patch(rectangle)
    for text in _labels(module):
        size = _fitting_size(text, cell.width - 3, cell.height - 2, largest=10.0)
        if size >= 4.5:
            place = (cell.x + cell.width / 2, cell.y + cell.height / 2)
            axes.text(*place, text, size=size, color=_contrast(paint), ha="center", va="center")
            return


def _paint(module: Measurement, mappable: ScalarMappable) -> str:
    if module.error:
        return _PAPER
    if not module.functions:
        return _NO_FUNCTIONS
    return to_hex(cast("RGBA", mappable.to_rgba(module.complexity / module.functions)))  # type: ignore[arg-type]


def _labels(module: Measurement) -> Iterator[str]:
    """What to write into a module's cell, the best first: whatever fits is taken."""
    inside = module.module.removeprefix(f"{module.package}.")
    yield inside if inside != module.package else "__init__"
    if "." in inside:
        yield inside.rpartition(".")[2]


def _fitting_size(text: str, width: float, height: float, largest: float, bold: bool = False) -> float:
    """The font size at which a line of text fits; a letter is about 0.62 of the size wide, a bold one 0.72."""
    return min(largest, width / ((0.72 if bold else 0.62) * len(text)), height / 1.25)


def _contrast(colour: str) -> str:
    red, green, blue = to_rgb(colour)
    return _INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else _PAPER


def _draw_legend(figure: Figure, mappable: ScalarMappable) -> None:
    width, height = figure.get_size_inches() * 72
    middle = (_BOTTOM - 20) / height
    style: dict[str, Any] = {"size": 9, "color": _INK, "va": "center"}
    figure.text(_SIDE / width, middle, "area: lines of source      frames: packages", **style)
    handles = [
        Patch(facecolor=_NO_FUNCTIONS, label="no functions"),
        Patch(facecolor=_PAPER, edgecolor=_UNREADABLE, hatch="////", label="not valid Python"),
    ]
    figure.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(0.23, middle),
        ncols=2,
        frameon=False,
        fontsize=9,
        labelcolor=_INK,
    )
    figure.text((width - 350) / width, middle, "ways through a function, mean of the module", ha="right", **style)
    scale = figure.add_axes(((width - _SIDE - 330) / width, middle - 4.5 / height, 315 / width, 9 / height))
    bar = figure.colorbar(mappable, cax=scale, orientation="horizontal", extend="max")
    bar.set_ticks([1, 2, 4, 8], labels=["1", "2", "4", "8"])
    bar.minorticks_off()
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=2, colors=_INK)


def _hint(module: Measurement) -> str:
    if module.error:
        return f"{module.module}: {module.error}"
    worst = f"\nmost branched: {module.worst}, {module.worst_complexity} ways" if module.worst else ""
    return f"{module.module}: {module.lines:,} lines, {module.functions:,} functions, {module.classes:,} classes{worst}"


def _add_hints(path: Path, hints: dict[str, str]) -> None:
    """Give each module's shape the title that browsers show under the mouse; matplotlib writes only its id."""
    namespace = "http://www.w3.org/2000/svg"
    ElementTree.register_namespace("", namespace)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    tree = ElementTree.parse(path)
    for group in tree.iter(f"{{{namespace}}}g"):
        hint = hints.get(group.get("id", ""))
        if hint is not None:
            title = ElementTree.Element(f"{{{namespace}}}title")
            title.text = hint
            group.insert(0, title)
    tree.write(path, encoding="utf-8", xml_declaration=True)
