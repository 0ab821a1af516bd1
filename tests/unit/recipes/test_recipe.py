"""Recipes in Python: what they declare, how they are made, run and fail."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import UsageError
from gangline.recipes import BaseRecipe, ComputeJob, InputError, LOFARinput, LOFARoutput, RemoteCommandRecipeMixIn
from gangline.recipes.fields import FloatField, IntField, ListField, StringField
from gangline.recipes.file_fields import DirectoryField, FileField


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's own is read, and nothing is left behind."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


class Base(BaseRecipe):
    inputs = {"level": FloatField(default=1.0), "name": StringField()}  # noqa: RUF012
    outputs = {"sum": IntField()}  # noqa: RUF012


class Derived(Base):
    """Adds things up.

    All of them.
    """

    inputs = {"level": IntField("-l", "--level", default=2), "bands": ListField(of=int, optional=True)}  # noqa: RUF012

    def go(self) -> Any:
        super().go()
        self.outputs["sum"] = self.inputs["level"] + 1


class Sibling:
    """Not a recipe, but it has a go."""

    went = 0

    def go(self) -> int:
        self.went += 1
        return 0


def test_declarations_are_inherited() -> None:
    declared = Derived.declared("inputs")
    assert {"level", "name", "bands", "job_name", "args"} <= declared.keys()
    assert isinstance(declared["level"], IntField)
    assert isinstance(Base.declared("inputs")["level"], FloatField)
    assert list(Derived.declared("outputs")) == ["sum"]
    assert "name" not in BaseRecipe.declared("inputs")


def test_declarations_that_are_none() -> None:
    with pytest.raises(UsageError, match="recipe Wrong: input 'a' is 3, but must be a field"):
        type("Wrong", (BaseRecipe,), {"inputs": {"a": 3}})
    with pytest.raises(UsageError, match="outputs must be a dictionary of fields"):
        type("Wrong", (BaseRecipe,), {"outputs": ["a"]})


def test_run() -> None:
    recipe = Derived(name="x")
    assert recipe.run("adding") == 0
    assert recipe.outputs["sum"] == recipe.outputs.sum == 3
    assert recipe.name == "adding"
    assert recipe.inputs["job_name"]
    assert recipe.inputs["runtime_directory"] == os.getcwd()
    assert recipe.inputs["args"] == []
    assert os.listdir() == []


def test_inputs_are_checked_when_it_is_made() -> None:
    with pytest.raises(InputError) as caught:
        Derived(level="x", nmae="y")
    assert [problem.name for problem in caught.value.problems] == ["level", "nmae", "name"]
    with pytest.raises(InputError, match="input 'name' is missing"):
        Derived().run()
    with pytest.raises(InputError, match="input 'name' is missing"):
        Derived().go()


@pytest.mark.parametrize("bases", [(BaseRecipe, RemoteCommandRecipeMixIn), (RemoteCommandRecipeMixIn, BaseRecipe)])
def test_any_order_of_classes(bases: tuple[type, ...]) -> None:
    def go(self: Any) -> int:
        super(recipe_class, self).go()
        self._schedule_jobs([ComputeJob("localhost", "false")])
        assert self.error.isSet()
        return int(self.error.is_set())

    recipe_class = type("mixed", bases, {"go": go, "inputs": {"a": IntField()}})
    recipe = recipe_class(a="1")
    assert recipe.run() == 1
    assert recipe.inputs["a"] == 1


def test_go_goes_on_to_classes_behind() -> None:
    class Both(BaseRecipe, Sibling):
        pass

    both = Both()
    assert both.go() == 0
    assert both.went == 1


def test_a_class_that_forgets_its_base() -> None:
    class Own(BaseRecipe, RemoteCommandRecipeMixIn):
        def __init__(self, mark: str) -> None:
            self.mark = mark

    recipe = Own("x")
    assert recipe.run() == 0
    assert recipe._schedule_jobs([ComputeJob("localhost", "true")]).ok


@pytest.mark.parametrize(
    ("value", "status", "said"),
    [
        (None, 0, ""),
        (0, 0, ""),
        (3, 3, "go() returned 3"),
        (True, 1, "go() returned True, but must return 0 or nothing"),
        ("x", 1, "go() returned 'x', but must"),
    ],
)
def test_what_go_returns(value: Any, status: int, said: str, caplog: pytest.LogCaptureFixture) -> None:
    recipe = type("gives", (BaseRecipe,), {"go": lambda _self: value})()
    assert recipe.run() == status
    assert said in caplog.text


def test_what_go_raises(caplog: pytest.LogCaptureFixture) -> None:
    class raises(BaseRecipe):
        def go(self) -> None:
            raise KeyError("nothing")

    recipe = raises()
    with caplog.at_level(logging.INFO):
        assert recipe.run() == 1
    assert "recipe raises failed: KeyError: 'nothing' (" in caplog.text
    assert "test_recipe.py, line " in caplog.text
    assert "Traceback" not in caplog.text
    assert isinstance(recipe.failure, KeyError)
    with caplog.at_level(logging.DEBUG):
        assert recipe.run() == 1
    assert "Traceback" in caplog.text


def test_outputs_that_are_wrong_or_missing(caplog: pytest.LogCaptureFixture) -> None:
    class wrong(Base):
        def go(self) -> None:
            self.outputs["sum"] = "many"

    class missing(Base):
        def go(self) -> None:
            pass

    assert wrong(name="x").run() == 1
    assert "output 'sum' is 'many' (from the call), but must be a whole number" in caplog.text
    assert missing(name="x").run() == 0
    assert "did not set its output 'sum'" in caplog.text


def test_folders_are_made_when_nothing_is_wrong(tmp_path: Path) -> None:
    class makes(BaseRecipe):
        inputs = {"there": DirectoryField(create=True), "file": FileField(optional=True)}  # noqa: RUF012

    recipe = makes(there=tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
    assert recipe.run() == 0
    assert (tmp_path / "a" / "b").is_dir()


def test_the_configuration_has_a_section_for_a_recipe(tmp_path: Path) -> None:
    (tmp_path / ".pipeline.cfg").write_text(
        "[DEFAULT]\nruntime_directory = %(cwd)s/run\n[Derived]\nname = by file\nlevel = 7\n"
    )
    recipe = Derived(level=8)
    assert recipe.run() == 0
    assert recipe.inputs["name"] == "by file"
    assert recipe.inputs["level"] == 8
    assert recipe.inputs["runtime_directory"] == str(tmp_path / "run")
    assert recipe.config.get("layout", "job_directory").startswith(f"{tmp_path}/run/jobs/")
    assert recipe.config.warnings == []
    (tmp_path / ".pipeline.cfg").write_text("[Derived]\nname = x\nlevl = 7\nlevel = y\n")
    with pytest.raises(InputError, match=r"2 things(?s:.*)no input 'levl' \(from .*pipeline.cfg, \[Derived\]\)"):
        Derived().run()


def test_cook_recipe() -> None:
    class cooks(BaseRecipe):
        def go(self) -> int:
            super().go()
            inputs = LOFARinput(self.inputs)
            inputs["name"] = "x"
            self.gives = LOFARoutput()
            return self.cook_recipe(Derived, inputs, self.gives)

    recipe = cooks(job_name="night")
    assert recipe.run() == 0
    assert recipe.gives == {"sum": 3}


def test_the_schema() -> None:
    schema = json.loads(json.dumps(Derived.json_schema()))
    assert schema["title"] == "Derived"
    assert schema["description"] == "Adds things up.\n\nAll of them."
    assert schema["properties"]["level"] == {"type": "integer", "default": 2}
    assert schema["required"] == ["name"]
    assert "job_name" not in schema["properties"]
    assert schema["x-outputs"] == {"sum": {"type": "integer"}}


def test_its_file() -> None:
    assert Derived(name="x").__file__ == os.path.abspath(__file__)
