"""The containers of inputs and outputs: they check what goes in, and tell all that is wrong at once."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import UsageError
from gangline.recipes.fields import Field, IntField, ListField, StringField
from gangline.recipes.file_fields import DirectoryField, FileField
from gangline.recipes.ingredients import Ingredients, InputError, MissingInput, Value


class Broken(Field):
    def is_valid(self, value: Any) -> bool:
        return bool(value.nonsense)


@pytest.fixture
def inputs() -> Ingredients:
    fields: dict[str, Field] = {
        "name": StringField("-n", "--name"),
        "count": IntField(default="3"),
        "mask": FileField(optional=True),
        "none": StringField(default=None),
        "marks": ListField(default=[]),
        "broken": Broken(optional=True),
    }
    return Ingredients(fields, "recipe r")


def test_as_a_dictionary(inputs: Ingredients) -> None:
    inputs["name"] = "x"
    assert inputs["name"] == inputs.name == "x"
    assert inputs["count"] == 3
    inputs.count = "4"
    assert inputs["count"] == 4
    assert inputs["none"] is None
    assert inputs.get("mask") is None
    assert dict(inputs) == {"name": "x", "count": 4, "none": None, "marks": []}
    assert len(inputs) == 4
    assert "mask" not in inputs
    inputs.update(count=5)
    del inputs["count"]
    assert inputs["count"] == 3


def test_a_list_that_is_a_default_belongs_to_one_container(inputs: Ingredients) -> None:
    other = inputs.copy()
    inputs["marks"].append(1)
    assert inputs["marks"] == [1]
    assert other["marks"] == []
    assert Ingredients(inputs.fields)["marks"] == []


def test_what_is_not_there(inputs: Ingredients) -> None:
    with pytest.raises(MissingInput, match=r"^recipe r: input 'name' has no value: a text is expected$"):
        inputs["name"]
    with pytest.raises(KeyError):
        inputs["mask"]
    with pytest.raises(KeyError, match="no input 'namee'; did you mean 'name'"):
        inputs["namee"]
    with pytest.raises(TypeError, match="no input 'namee'"):
        inputs["namee"] = 3
    with pytest.raises(AttributeError, match="did you mean 'name'"):
        inputs.namee  # noqa: B018
    assert not hasattr(inputs, "_private")


def test_what_is_wrong_is_not_taken(inputs: Ingredients) -> None:
    inputs["name"] = "x"
    with pytest.raises(InputError, match=r"input 'name' is 3 \(from the call\), but must be a text$") as caught:
        inputs["name"] = 3
    assert isinstance(caught.value, UsageError)
    assert isinstance(caught.value, TypeError)
    assert inputs["name"] == "x"


def test_a_field_that_fails_is_told_like_a_wrong_value(inputs: Ingredients) -> None:
    with pytest.raises(InputError, match=r"'broken' is 3.*: 'int' object has no attribute 'nonsense'"):
        inputs["broken"] = 3


def test_all_that_is_wrong_is_told_at_once(inputs: Ingredients) -> None:
    values = {
        "count": Value("x", "the command line, --count"),
        "mask": Value("/no/such", "tasks.cfg, [t]"),
        "nmae": Value(1),
    }
    with pytest.raises(InputError) as caught:
        inputs.take(values, complete=True)
    assert [problem.name for problem in caught.value.problems] == ["count", "mask", "nmae", "name"]
    text = str(caught.value)
    assert text.startswith("recipe r: 4 things are wrong with what it was given:\n  - input 'count' is 'x' (from the")
    assert "(from tasks.cfg, [t]), but must be the name of a file that exists: there is no folder /no" in text
    assert "there is no input 'nmae' (from the call); did you mean 'name'?" in text
    assert "input 'name' is missing; it must be a text (--name on the command line)" in text
    assert not inputs.given("count")


def test_errors_survive_pickling(inputs: Ingredients) -> None:
    with pytest.raises(InputError) as caught:
        inputs.take({"count": Value("x"), "nmae": Value(1)})
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.problems) == (str(caught.value), caught.value.problems)


def test_names_that_every_recipe_has_are_meant_but_not_listed() -> None:
    inputs = Ingredients({"a": IntField(), "job_name": StringField()}, "recipe r", common=("job_name",))
    with pytest.raises(InputError, match=r"there are: a$"):
        inputs["unlike"] = 1
    with pytest.raises(InputError, match="did you mean 'job_name'"):
        inputs["jobname"] = 1


def test_a_wrong_default_is_told(inputs: Ingredients) -> None:
    wrong = Ingredients({"mask": FileField(default="/no/such")}, "recipe r")
    with pytest.raises(InputError, match=r"'mask' is '/no/such' \(from its default\)"):
        wrong.check_complete()
    with pytest.raises(InputError, match="from its default"):
        wrong["mask"]
    with pytest.raises(InputError, match="'name' is missing"):
        inputs.check_complete()
    assert inputs.missing() == ["name"]
    assert not inputs.complete()


def test_folders_that_cannot_be_made(tmp_path: Path) -> None:
    inputs = Ingredients({"here": DirectoryField(create=True), "there": DirectoryField(create=True)}, "recipe r")
    inputs.take({"here": Value(tmp_path / "a"), "there": Value(tmp_path / "b")})
    (tmp_path / "b").touch()
    with pytest.raises(InputError, match=r"'there': .*/b cannot be made: File exists"):
        inputs.prepare()
    assert (tmp_path / "a").is_dir()
    inputs["here"] = tmp_path / "c"
    assert (tmp_path / "c").is_dir()
