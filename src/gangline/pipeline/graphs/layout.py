"""Where the boxes of a chart stand when graphviz is not there to say it.

As `dot` does it, only simpler: each box is one row below the lowest of those that it builds on; arrows over several
rows get a place in each of them; rows are put in the order that lets few arrows cross; then every box moves towards
the middle of its neighbours, as far as the others in its row let it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

__all__ = ["Layout", "Point", "lay_out"]

_SWEEPS = 12
_BETWEEN = 24.0
_BETWEEN_ROWS = 44.0
_ARROW_WIDTH = 8.0


class Point(NamedTuple):
    """A place, in pixels to the right and down."""

    x: float
    y: float


class Layout(NamedTuple):
    """Where everything stands.

    Attributes:
        centres: Of the boxes, by number.
        paths: The points that an arrow goes through, by the numbers of the boxes at its ends.
        width: Of the whole, in pixels; everything is to the right of and below the origin.
        height: Likewise.
    """

    centres: Mapping[int, Point]
    paths: Mapping[tuple[int, int], Sequence[Point]]
    width: float
    height: float


class _Spot(NamedTuple):
    """A place in a row: a box, or where an arrow passes."""

    box: int | None
    arrow: tuple[int, int] | None
    row: int


_Neighbours = dict[_Spot, list[_Spot]]


def lay_out(
    sizes: Mapping[int, tuple[float, float]], arrows: Sequence[tuple[int, int]], *, vertical: bool = True
) -> Layout:
    """A place for every box and a way for every arrow.

    Args:
        sizes: Width and height of the boxes by number, each after those that it builds on.
        arrows: The numbers of the boxes at both ends.
        vertical: Rows follow one another downward, else to the right.
    """
    place = {box: index for index, box in enumerate(sizes)}
    # An arrow of a circle that points back is laid out the other way round.
    downward = {(s, t): (s, t) if place[s] < place[t] else (t, s) for s, t in arrows if s != t}
    spots = _first_spots(sizes, downward.values())
    chains = {arrow: _chain(arrow, spots[upper], spots[lower]) for arrow, (upper, lower) in downward.items()}
    above, below = _neighbours(chains.values())
    rows = _ordered(_rows(spots.values(), chains.values()), above, below)
    breadths = {spots[box]: size[0] if vertical else size[1] for box, size in sizes.items()}
    depths = {spots[box]: size[1] if vertical else size[0] for box, size in sizes.items()}
    across, breadth = _spread(rows, above, below, breadths)
    along, depth = _stack(rows, depths)

    def point(spot: _Spot, shift: float = 0.0) -> Point:
        a, b = across[spot], along[spot.row] + shift
        return Point(a, b) if vertical else Point(b, a)

    paths: dict[tuple[int, int], Sequence[Point]] = {}
    for arrow, (first, *passed, last) in chains.items():
        points = [point(first, depths[first] / 2), *map(point, passed), point(last, -depths[last] / 2)]
        paths[arrow] = points if downward[arrow] == arrow else points[::-1]
    centres = {box: point(spot) for box, spot in spots.items()}
    return Layout(centres, paths, *((breadth, depth) if vertical else (depth, breadth)))


def _first_spots(boxes: Iterable[int], arrows: Iterable[tuple[int, int]]) -> dict[int, _Spot]:
    """The boxes in their rows."""
    parents = defaultdict(list)
    for upper, lower in arrows:
        parents[lower].append(upper)
    spots: dict[int, _Spot] = {}
    for box in boxes:
        row = max((spots[parent].row + 1 for parent in parents[box]), default=0)
        spots[box] = _Spot(box, None, row)
    return spots


def _chain(arrow: tuple[int, int], upper: _Spot, lower: _Spot) -> list[_Spot]:
    """The spots that an arrow goes through, downward."""
    return [upper, *(_Spot(None, arrow, row) for row in range(upper.row + 1, lower.row)), lower]


def _rows(boxes: Iterable[_Spot], chains: Iterable[Sequence[_Spot]]) -> list[list[_Spot]]:
    rows: dict[int, list[_Spot]] = defaultdict(list)
    for spot in [*boxes, *(spot for chain in chains for spot in chain[1:-1])]:
        rows[spot.row].append(spot)
    return [rows[number] for number in sorted(rows)]


def _neighbours(chains: Iterable[Sequence[_Spot]]) -> tuple[_Neighbours, _Neighbours]:
    """What each spot is linked to in the row above it, and in the row below."""
    above: _Neighbours = defaultdict(list)
    below: _Neighbours = defaultdict(list)
    for chain in chains:
        for upper, lower in pairwise(chain):
            below[upper].append(lower)
            above[lower].append(upper)
    return above, below


def _ordered(rows: list[list[_Spot]], above: _Neighbours, below: _Neighbours) -> list[list[_Spot]]:
    """The rows, each in an order in which few arrows cross."""
    rank = {spot: float(index) for row in rows for index, spot in enumerate(row)}
    for sweep in range(_SWEEPS):
        neighbours = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            middle = {spot: fmean(map(rank.__getitem__, neighbours.get(spot) or (spot,))) for spot in row}
            row.sort(key=middle.__getitem__)
            rank.update((spot, float(index)) for index, spot in enumerate(row))
    return rows


def _spread(
    rows: list[list[_Spot]], above: _Neighbours, below: _Neighbours, breadths: Mapping[_Spot, float]
) -> tuple[dict[_Spot, float], float]:
    """Where the spots stand in their rows, from 0 on, and how much room they take."""
    half = {spot: breadths.get(spot, _ARROW_WIDTH) / 2 for row in rows for spot in row}
    across: dict[_Spot, float] = {}
    for row in rows:
        across.update(zip(row, _apart([0.0] * len(row), [half[spot] for spot in row]), strict=True))
    for sweep in range(_SWEEPS):
        neighbours = above if sweep % 2 else below
        for row in rows if sweep % 2 else reversed(rows):
            wishes = [fmean(map(across.__getitem__, neighbours.get(spot) or (spot,))) for spot in row]
            across.update(zip(row, _apart(wishes, [half[spot] for spot in row]), strict=True))
    left = min((across[spot] - half[spot] for spot in across), default=0.0)
    right = max((across[spot] + half[spot] for spot in across), default=0.0)
    return {spot: value - left for spot, value in across.items()}, right - left


def _apart(wishes: Sequence[float], halves: Sequence[float]) -> list[float]:
    """The places nearest to the wished ones, by least squares, in this order and far enough apart."""
    offsets = [0.0]
    for before, after in pairwise(halves):
        offsets.append(offsets[-1] + before + _BETWEEN + after)
    # Without the room that each takes, the places only must not decrease: neighbours that would are put together.
    groups: list[tuple[float, int]] = []
    for wish, offset in zip(wishes, offsets, strict=False):
        value, count = wish - offset, 1
        while groups and groups[-1][0] >= value:
            other, others = groups.pop()
            value, count = (value * count + other * others) / (count + others), count + others
        groups.append((value, count))
    flat = [value for value, count in groups for _ in range(count)]
    return [value + offset for value, offset in zip(flat, offsets, strict=False)]


def _stack(rows: list[list[_Spot]], depths: Mapping[_Spot, float]) -> tuple[list[float], float]:
    """The middle of each row, from 0 on, and how much room all take."""
    middles: list[float] = []
    end = -_BETWEEN_ROWS
    for row in rows:
        depth = max(depths.get(spot, 0.0) for spot in row)
        middles.append(end + _BETWEEN_ROWS + depth / 2)
        end += _BETWEEN_ROWS + depth
    return middles, max(end, 0.0)
