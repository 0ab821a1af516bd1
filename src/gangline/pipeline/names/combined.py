"""`formatter()` over several inputs at once: fields with one level more, for combinations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gangline.pipeline.names.formatter import Fields
from gangline.pipeline.names.namer import Rule
from gangline.pipeline.names.nested import compile_strings
from gangline.pipeline.names.template import Column, compile_template

__all__ = ["CombinedFields", "combined_rule"]


class CombinedFields(dict[str, Column]):
    """The fields of a combination of items: for each name, for each item, its value for each file.

    An item whose expression does not match has no fields; the others keep theirs.
    """

    __slots__ = ("_groups",)

    def __init__(self, groups: Sequence[Fields]) -> None:
        super().__init__()
        self._groups = groups

    @property
    def filter_text(self) -> str:
        """The filters, for errors."""
        return ", ".join(f"formatter({group.filter_text})" for group in self._groups)

    def __missing__(self, name: str) -> Column:
        column: Column = {}
        for number, group in enumerate(self._groups):
            try:
                column[number] = group[name]
            except KeyError:
                continue
        if not column:
            raise KeyError(name)
        self[name] = column
        return column

    def numbered(self) -> list[Column]:
        """The groups of the expressions by number."""
        columns: list[Column] = []
        for number, group in enumerate(self._groups):
            for place, texts in enumerate(group.numbered()):
                if place == len(columns):
                    columns.append({})
                columns[place][number] = texts
        return columns

    def named(self) -> dict[str, Column]:
        """All fields that have a name."""
        names = dict.fromkeys(name for group in self._groups for name in group.named())
        return {name: self[name] for name in names}

    def shown_files(self) -> list[list[str]]:
        """The file names as errors show them."""
        return [group.files for group in self._groups]


def combined_rule(pattern: Any) -> Rule[CombinedFields]:
    """The rule for a pattern, or a structure of patterns, over a combination."""
    return compile_strings(pattern, compile_template)
