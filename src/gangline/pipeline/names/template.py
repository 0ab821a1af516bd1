"""Format strings filled from fields that are worked out only when a pattern asks for them."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any, NoReturn, Protocol

from gangline.pipeline.names.namer import Rule
from gangline.pipeline.ruffus_exceptions import error_input_file_does_not_match

__all__ = ["Column", "FieldSource", "compile_template"]

Column = dict[int, Any]
"""A field's values, by the number of the file (for combinations: of the input, and under it of the file)."""

_NAME = re.compile(r"[^.\[]*")


class FieldSource(Protocol):
    """Where values of fields come from."""

    @property
    def filter_text(self) -> str:
        """The filter's arguments, for errors."""
        ...

    def __getitem__(self, name: str, /) -> Column:
        """The values of a field; KeyError when there is none."""
        ...

    def numbered(self) -> list[Column]:
        """The values of the groups by number."""
        ...

    def named(self) -> dict[str, Column]:
        """All fields that have a name."""
        ...

    def shown_files(self) -> Any:
        """The file names as errors show them."""
        ...


def _fields_of(template: str) -> tuple[tuple[str, ...], bool]:
    """The names that a format string asks for, and whether it asks for numbered groups.

    Fields inside the format of another field are not looked for: they are rare, and filling from all finds them.
    """
    names: dict[str, None] = {}
    numbered = False
    try:
        for _, field, _, _ in Formatter().parse(template):
            if field is None:
                continue
            match = _NAME.match(field)
            name = match[0] if match else ""
            if name and not name.isdecimal():
                names[name] = None
            else:
                numbered = True
    except ValueError:
        pass  # filling it will say what is wrong, after the fields that come before the mistake
    return tuple(names), numbered


def compile_template(template: str) -> Rule[FieldSource]:
    """The rule that fills a format string.

    The rule raises `error_input_file_does_not_match` when a field has no value, and what `str.format` raises when the
    template is malformed.
    """
    names, numbered = _fields_of(template)
    fill = template.format

    def rule(fields: FieldSource) -> str:
        try:
            values = {name: fields[name] for name in names}
            return fill(*fields.numbered(), **values) if numbered else fill(**values)
        except (KeyError, IndexError):
            return _fill_from_all(template, fields)

    return rule


def _fill_from_all(template: str, fields: FieldSource) -> str:
    """Fill with everything that there is, so that the error names the first missing field and all possible ones."""
    columns, named = fields.numbered(), fields.named()
    try:
        return template.format(*columns, **named)
    except (KeyError, IndexError) as exc:
        _raise_unmatched(exc, template, fields, columns, named)


def _raise_unmatched(
    error: LookupError, template: str, fields: FieldSource, columns: list[Column], named: dict[str, Column]
) -> NoReturn:
    missing = str(error.args[0])
    if missing[:1] in ("'", '"') and missing[-1:] in ("'", '"'):
        missing = missing[1:-1]
    raise error_input_file_does_not_match(
        f"Unmatched field {{{missing}}} in '{template}' where\n  input =  {fields.shown_files()!r},\n"
        f"  filter = formatter({fields.filter_text}). Possible substitutions= {columns}, {named}."
    ) from error
