"""What is drawn: boxes and arrows; where they stand, and in which format, is decided by others."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

__all__ = ["Arrow", "Box", "Chart", "Link", "Role", "Shape"]


class Role(Enum):
    """What a stage is to the run; decides its colours. In the order of the key; the values are the names in it."""

    VICIOUS = "Vicious cycle"
    DOWNSTREAM = "Down stream"
    FRESH = "Up-to-date task"
    SPECIFIED = "Explicitly specified task"
    RUNS = "Task to run"
    FRESH_BUT_RUNS = "Up-to-date task forced to rerun"
    FRESH_TARGET = "Up-to-date Final target"
    TARGET = "Final target"


class Shape(Enum):
    """How many files become how many; the values are what `dot` calls the shapes."""

    PLAIN = "box3d"
    ONE_TO_MANY = "house"
    MANY_TO_ONE = "invhouse"


class Link(Enum):
    """What an arrow is to the run; the values are the names of their colours in a colour scheme."""

    VICIOUS = "Vicious cycle"
    FRESH = "Up-to-date"
    RUNS = "Task to run"


class Box(NamedTuple):
    """One stage.

    Attributes:
        number: Its own, in the order in which the stages were made.
        name: What stands in it.
        role: What it is to the run.
        shape: How it is outlined.
        attributes: What the user wants different, by the names that `dot` knows.
    """

    number: int
    name: str
    role: Role
    shape: Shape
    attributes: Mapping[str, Any]


class Arrow(NamedTuple):
    """What one stage has of another.

    Attributes:
        source: The number of the box where it starts.
        target: The number of the box that it points to.
        link: What it is to the run.
    """

    source: int
    target: int
    link: Link


class Chart(NamedTuple):
    """A picture of a pipeline.

    Attributes:
        title: What stands above it.
        boxes: The stages, each after those that it builds on.
        arrows: By box, those that point to it, the ones from the latest stages first.
        key: The roles that are explained, in the order of `Role`; none: there is no key.
        vertical: It is read from top to bottom, else from left to right.
    """

    title: str
    boxes: tuple[Box, ...]
    arrows: Mapping[int, tuple[Arrow, ...]]
    key: tuple[Role, ...]
    vertical: bool
