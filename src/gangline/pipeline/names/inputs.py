"""What a job reads besides, or instead of, the files that its stage was given."""

from __future__ import annotations

from enum import Enum
from typing import Any

__all__ = ["InputMode", "add_inputs", "inputs"]


class InputMode(Enum):
    """What becomes of the input of a job."""

    KEEP = "keep"
    ADD = "add"
    REPLACE = "replace"


class inputs:
    """The job reads this instead of what matched: one pattern or structure of patterns, globs and stages."""

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __repr__(self) -> str:
        return f"inputs{self.args!r}"


class add_inputs:
    """The job reads these too, after what matched: patterns, globs and stages."""

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __repr__(self) -> str:
        return f"add_inputs{self.args!r}"
