"""Typed fields: what a recipe declares of each input and output.

    inputs = {
        "threshold": FloatField("-t", "--threshold", default=5.0, help="In units of the noise."),
        "bands": ListField("--bands", of=int, optional=True),
    }

A field's `type` is any annotation that pydantic understands; texts from command lines and files become values of it. A
field of one's own says `type`, or overrides `coerce` and `is_valid`:

    class Percent(Field):
        type = Annotated[float, Ge(0), Le(100)]
        expected = "a number from 0 to 100"

Pydantic takes longer to import than everything else here and is imported when the first value is checked.
"""

from __future__ import annotations

import ast
import json
import types
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

from gangline.errors import UsageError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

__all__ = [
    "MISSING",
    "BoolField",
    "DictField",
    "Field",
    "FloatField",
    "IntField",
    "ListField",
    "StringField",
]


class _Missing:
    def __repr__(self) -> str:
        return "(none)"


MISSING: Final[Any] = _Missing()
"""Stands for a default that was not given: None may be one."""


class Field:
    """Any value.

    Args:
        optionstrings: How the field is called on the command line: "-t", "--threshold". Without any it is
            called as in Python, with dashes.
        default: What the value is where none is given. It is checked like any other when it is used; None is not.
        optional: Whether there may be no value.
        help: What it is for, in the help.

    Attributes:
        type: What values are, as pydantic understands it.
        expected: The same in words, for messages.

    Raises:
        UsageError: An option is none.
    """

    type: Any = Any
    expected: str = ""

    def __init__(self, *optionstrings: str, default: Any = MISSING, optional: bool = False, help: str = "") -> None:
        for option in optionstrings:
            if not isinstance(option, str) or not option.startswith("-") or option.strip("-") == "" or " " in option:
                raise UsageError(f"{option!r} is no option: options look like '-t' or '--threshold'")
        self.optionstrings = optionstrings
        self.default = default
        self.optional = bool(optional)
        self.help = help

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is MISSING and not self.optional

    def coerce(self, value: Any) -> Any:
        """The value as one of this field's type.

        Raises:
            ValueError: It cannot be one; says why.
        """
        return value if self.type is Any else self.converted(value)

    def is_valid(self, value: Any) -> bool:
        """Whether a value will do, after `coerce`."""
        return True

    def why_not(self, value: Any) -> str:
        """What is wrong with a value that is not valid, where there is more to say than what is expected."""
        return ""

    def prepare(self, value: Any) -> None:
        """Make ready what the value stands for; called when all inputs are right and the recipe is about to start.

        Raises:
            OSError: It cannot be done.
        """

    def check(self, value: Any) -> Any:
        """The value as it is stored.

        Raises:
            ValueError: It will not do; says why where that is not obvious.
        """
        checked = self.coerce(value)
        if not self.is_valid(checked):
            raise ValueError(self.why_not(checked))
        return checked

    def words(self) -> str:
        """What is expected, in words."""
        if self.expected:
            return self.expected
        if self.__class__ is Field:
            return "a value"
        first = (self.__class__.__doc__ or "").strip().partition("\n")[0]
        return f"a valid {self.__class__.__name__}" + (f" ({first.rstrip('.')})" if first else "")

    def schema(self) -> dict[str, Any]:
        """The JSON schema of values."""
        schema: dict[str, Any] = {} if self.type is Any else _adapter(_Key(self.type)).json_schema()
        if self.help:
            schema["description"] = self.help
        if self.default is not MISSING:
            schema["default"] = self.default
        return schema

    def converted(self, value: Any) -> Any:
        """The value as pydantic makes it one of `type`.

        Raises:
            ValueError: It cannot be one.
        """
        from pydantic import ValidationError

        try:
            return _adapter(_Key(self.type)).validate_python(value)
        except ValidationError as error:
            # What pydantic says of a value as a whole is what is expected; where in it something is wrong is more.
            told = [_complaint(each) for each in error.errors(include_url=False) if each["loc"] or not self.expected]
            raise ValueError("; ".join(told)) from None

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({', '.join(map(repr, self.optionstrings))})"


class StringField(Field):
    """A text."""

    type = str
    expected = "a text"


class IntField(Field):
    """A whole number."""

    type = int
    expected = "a whole number"

    def coerce(self, value: Any) -> Any:
        """See `Field`."""
        return self.converted(_no_bool(value))


class FloatField(Field):
    """A number."""

    type = float
    expected = "a number"

    def coerce(self, value: Any) -> Any:
        """See `Field`."""
        return self.converted(_no_bool(value))


class BoolField(Field):
    """True or false; the option alone means true, and `--no-…` false."""

    type = bool
    expected = "true or false (or yes, no, on, off, 1, 0)"

    def coerce(self, value: Any) -> Any:
        """See `Field`."""
        return self.converted(value.strip() if isinstance(value, str) else value)


class ListField(Field):
    """A list. As a text: "[a, b]" or "a, b".

    Args:
        of: What its elements are; any value if it is not given.
    """

    expected = "a list, as a text [a, b]"
    element: ClassVar[Any] = Any

    def __init__(
        self, *optionstrings: str, of: Any = MISSING, default: Any = MISSING, optional: bool = False, help: str = ""
    ) -> None:
        super().__init__(*optionstrings, default=default, optional=optional, help=help)
        element = self.element if of is MISSING else of
        self.type = types.GenericAlias(list, (element,))
        if element is not Any:
            self.expected = f"{ListField.expected}, of {_type_words(element)}"

    def coerce(self, value: Any) -> Any:
        """See `Field`."""
        if isinstance(value, str):
            value = read_list(value)
        elif not isinstance(value, (list, tuple, set, frozenset)) and not isinstance(value, Mapping):
            value = list(value) if hasattr(value, "__iter__") and not isinstance(value, (bytes, bytearray)) else value
        return self.converted(value)


class DictField(Field):
    """A dictionary. As a text: "{'a': 1}", JSON, or "a=1, b=2"."""

    type = dict[str, Any]
    expected = "a dictionary, as a text {'a': 1} or a=1, b=2"

    def coerce(self, value: Any) -> Any:
        """See `Field`."""
        return self.converted(read_dict(value) if isinstance(value, str) else value)


def read_list(text: str) -> list[Any]:
    """A list from a text. It is read as a literal if it is one, and never evaluated.

    Raises:
        ValueError: It is none.
    """
    text = text.strip()
    if text.startswith("["):
        literal = _literal(text)
        if isinstance(literal, list):
            return literal
        if not text.endswith("]"):
            raise ValueError("its bracket is not closed")
        text = text[1:-1]
    return [part.strip().strip("'\"") for part in text.split(",") if part.strip()]


def read_dict(text: str) -> dict[str, Any]:
    """A dictionary from a text. It is read as a literal if it is one, and never evaluated.

    Raises:
        ValueError: It is none.
    """
    text = text.strip()
    if text.startswith("{"):
        literal = _literal(text)
        if not isinstance(literal, dict):
            raise ValueError("it is neither a literal nor JSON")
        return literal
    found: dict[str, Any] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, sign, value = part.partition("=")
        if not sign or not name.strip():
            raise ValueError(f"there is no '=' in {part!r}")
        found[name.strip()] = value.strip()
    return found


def _literal(text: str) -> Any:
    for read in (ast.literal_eval, json.loads):
        try:
            return read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("")
    return value


def _type_words(element: Any) -> str:
    words = {int: "whole numbers", float: "numbers", str: "texts", bool: "true and false"}
    return words.get(element) or str(getattr(element, "__name__", element))


def _complaint(error: Any) -> str:
    """What pydantic says, with the place in the value where there is one."""
    place = ".".join(map(str, error["loc"]))
    return f"{place}: {error['msg']}" if place else str(error["msg"])


class _Key:
    """An annotation as a key of a cache: not all of them can be hashed."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.annotation == self.annotation

    def __hash__(self) -> int:
        return hash(str(self.annotation))


@cache
def _adapter(key: _Key) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(key.annotation)
