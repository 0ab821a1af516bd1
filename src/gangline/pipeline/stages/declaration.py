"""How a stage was written down, for error messages that point at the place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Declaration", "Place"]

Place = Callable[[Any], str]
"""Shows one argument where it stands in the declaration."""


class Declaration(NamedTuple):
    """The text of a declaration around its arguments.

    Attributes:
        before: `@transform(`
        after: `)` and, for a decorator, the head of the function.
    """

    before: str = ""
    after: str = ""

    def show(self, arguments: str = "...") -> str:
        """The declaration with these arguments."""
        return f"{self.before}{arguments}{self.after}"

    @property
    def indent(self) -> int:
        """How far from the left the arguments stand."""
        return self.before.find("(") + 1

    def renamed(self, old: str, new: str) -> Declaration:
        """The same for the clone of a pipeline."""
        return Declaration(self.before.replace(old, new), self.after.replace(old, new))
