"""The face of `gangline.recipes`, and the names that modules have in the LOFAR framework."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import gangline.recipes


@pytest.mark.parametrize("name", gangline.recipes.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(gangline.recipes, name) is not None
    assert name in dir(gangline.recipes)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        gangline.recipes.nonsense  # noqa: B018


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("lofarnode", "LOFARnode"),
        ("lofarnode", "LOFARnodeTCP"),
        ("baserecipe", "BaseRecipe"),
        ("remotecommand", "RemoteCommandRecipeMixIn"),
        ("remotecommand", "ComputeJob"),
        ("control", "control"),
        ("lofaringredient", "LOFARinput"),
        ("lofaringredient", "LOFARoutput"),
        ("lofaringredient", "StringField"),
        ("lofaringredient", "FileList"),
        ("lofaringredient", "RecipeIngredients"),
        ("lofarexceptions", "PipelineException"),
        ("lofarexceptions", "PipelineRecipeFailed"),
        ("lofarexceptions", "PipelineQuit"),
        ("lofarexceptions", "ClusterError"),
        ("clusterdesc", "ClusterDesc"),
        ("data_map", "DataMap"),
        ("group_data", "load_data_map"),
        ("utilities", "catch_segfaults"),
        ("pipelinelogging", "log_time"),
        ("parset", "Parset"),
    ],
)
def test_old_names(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(f"gangline.recipes.{module}"), name)


def test_control_is_the_class_whatever_was_imported_before() -> None:
    from gangline.recipes import control
    from gangline.recipes.control import control as same

    assert inspect.isclass(control)
    assert control is same


def test_importing_costs_next_to_nothing() -> None:
    program = "import sys\nbefore = set(sys.modules)\nimport gangline.recipes\nprint(*(set(sys.modules) - before))"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert {name for name in shown.split() if name.startswith("gangline")} == {
        "gangline",
        "gangline._lazy",
        "gangline.recipes",
    }
