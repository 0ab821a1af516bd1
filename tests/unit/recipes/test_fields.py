"""Typed fields: what they take, what they make of it, what they say of the rest."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
from annotated_types import Ge, Le

from gangline.errors import UsageError
from gangline.recipes.fields import (
    BoolField,
    DictField,
    Field,
    FloatField,
    IntField,
    ListField,
    StringField,
)
from gangline.recipes.file_fields import DirectoryField, ExecField, FileField, FileList


class Percent(Field):
    type = Annotated[float, Ge(0), Le(100)]


class Even(IntField):
    """An even number."""

    expected = "an even number"

    def is_valid(self, value: Any) -> bool:
        return value % 2 == 0


class Upper(Field):
    """A text in capitals."""

    def coerce(self, value: Any) -> Any:
        return str(value).upper()


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [
        (Field(), object, object),
        (StringField(), "x", "x"),
        (StringField(), "", ""),
        (StringField(), "ÄÖ \n*", "ÄÖ \n*"),
        (IntField(), 3, 3),
        (IntField(), "3", 3),
        (IntField(), " -3 ", -3),
        (IntField(), 3.0, 3),
        (FloatField(), "2.5e3", 2500.0),
        (FloatField(), 3, 3.0),
        (FloatField(), "inf", math.inf),
        (BoolField(), True, True),
        (BoolField(), "no", False),
        (BoolField(), " True ", True),
        (BoolField(), "OFF", False),
        (BoolField(), 1, True),
        (ListField(), "[1, 'b']", [1, "b"]),
        (ListField(), "[a, b]", ["a", "b"]),
        (ListField(), "a,b ,", ["a", "b"]),
        (ListField(), "", []),
        (ListField(), "[]", []),
        (ListField(), ("a", 2), ["a", 2]),
        (ListField(), (str(each) for each in range(2)), ["0", "1"]),
        (ListField(of=int), "1, 2", [1, 2]),
        (ListField(), "[__import__('os').getcwd()]", ["__import__('os').getcwd()"]),
        (DictField(), "{'a': [1]}", {"a": [1]}),
        (DictField(), '{"a": true}', {"a": True}),
        (DictField(), "a=1, b = x=y", {"a": "1", "b": "x=y"}),
        (DictField(), "", {}),
        (DictField(), {"a": 1}, {"a": 1}),
        (Percent(), "99.5", 99.5),
        (Even(), "4", 4),
        (Upper(), "x", "X"),
    ],
)
def test_what_is_taken(field: Field, given: Any, value: Any) -> None:
    checked = field.check(given)
    assert checked == value
    assert type(checked) is type(value)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        (StringField(), 3),
        (StringField(), None),
        (IntField(), "3.5"),
        (IntField(), True),
        (IntField(), "x"),
        (IntField(), ""),
        (IntField(), None),
        (FloatField(), "1,5"),
        (FloatField(), False),
        (BoolField(), "perhaps"),
        (BoolField(), 2),
        (ListField(), 3),
        (ListField(), {"a": 1}),
        (ListField(), b"ab"),
        (ListField(of=int), "1, x"),
        (DictField(), "{'a': open('x')}"),
        (DictField(), "a"),
        (DictField(), ["a"]),
        (Percent(), 100.5),
        (Even(), 3),
        (FileField(), ""),
        (FileField(), 3),
        (FileField(), "with\0zero"),
        (FileList(), "/no/such, /nor/that"),
        (FileList(), [3]),
    ],
)
def test_what_is_not(field: Field, given: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  what it says is another test
        field.check(given)


@pytest.mark.parametrize(
    ("field", "given", "why"),
    [
        (IntField(), "x", ""),
        (ListField(of=int), "1, x", "1: Input should be a valid integer"),
        (Percent(), 101, "Input should be less than or equal to 100"),
        (FileField(), "/no/such/file", "there is no folder /no"),
        (FileField(), "/nosuchfile", "there is no such file"),
        (FileList(), ["/", "/no", "/nor", "/or", "/so"], "there is no '/no', '/nor', '/or', and 1 more"),
        (ExecField(), "/", "it is a folder"),
        (DirectoryField(), "/dev/null", "it is no folder"),
        (DirectoryField(create=True), "/dev/null/x", "it may not be made there"),
    ],
)
def test_why_not(field: Field, given: Any, why: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  looked at below
        field.check(given)
    assert str(caught.value).startswith(why)
    assert why or not str(caught.value)


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "a b"
    file.touch()
    assert FileField().check(file) == str(file)
    assert FileField().check(tmp_path) == str(tmp_path)
    assert FileList().check(file) == [str(file)]
    assert FileList().check(f"[{file}, {tmp_path}]") == [str(file), str(tmp_path)]
    with pytest.raises(ValueError, match="may not be executed"):
        ExecField().check(file)
    file.chmod(0o755)
    assert ExecField().check(str(file)) == str(file)


def test_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x").touch()
    assert FileField().check("~/x") == str(tmp_path / "x")
    assert FileList().check("~/x") == [str(tmp_path / "x")]


def test_folders_are_made_if_asked(tmp_path: Path) -> None:
    name = str(tmp_path / "a" / "b")
    with pytest.raises(ValueError, match="there is no folder"):
        DirectoryField().check(name)
    field = DirectoryField(create=True)
    assert field.check(name) == name
    assert not os.path.exists(name)
    field.prepare(name)
    assert os.path.isdir(name)
    DirectoryField().prepare(name)


@pytest.mark.parametrize("option", ["threshold", "-", "--", "", "--a b", 3])
def test_options_that_are_none(option: Any) -> None:
    with pytest.raises(UsageError, match="is no option"):
        StringField(option)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (Field(), "a value"),
        (IntField(), "a whole number"),
        (ListField(of=int), "a list, as a text [a, b], of whole numbers"),
        (Percent(), "a valid Percent"),
        (Even(), "an even number"),
        (Upper(), "a valid Upper (A text in capitals)"),
    ],
)
def test_what_is_expected(field: Field, words: str) -> None:
    assert field.words() == words


@pytest.mark.parametrize(
    ("field", "schema"),
    [
        (Field(), {}),
        (StringField(help="Who."), {"type": "string", "description": "Who."}),
        (IntField(default=3), {"type": "integer", "default": 3}),
        (Percent(), {"type": "number", "minimum": 0, "maximum": 100}),
        (ListField(of=int), {"type": "array", "items": {"type": "integer"}}),
        (FileField(), {"type": "string", "format": "path"}),
        (DictField(), {"type": "object", "additionalProperties": True}),
    ],
)
def test_schemas(field: Field, schema: dict[str, Any]) -> None:
    assert field.schema() == schema


def test_required() -> None:
    assert StringField().required
    assert not StringField(optional=True).required
    assert not StringField(default=None).required


def test_pydantic_is_imported_when_a_value_is_checked() -> None:
    program = (
        "import sys; from gangline.recipes import BaseRecipe, IntField, RemoteCommandRecipeMixIn, control\n"
        "field = IntField(); print('pydantic' in sys.modules); field.check('3'); print('pydantic' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "True"]
