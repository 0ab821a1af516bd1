"""Fields and what holds their values, where the LOFAR framework has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gangline.recipes.fields import BoolField, DictField, Field, FloatField, IntField, ListField, StringField
from gangline.recipes.file_fields import DirectoryField, ExecField, FileField, FileList
from gangline.recipes.recipe import BaseRecipe

__all__ = [
    "BoolField",
    "DictField",
    "DirectoryField",
    "ExecField",
    "Field",
    "FileField",
    "FileList",
    "FloatField",
    "IntField",
    "LOFARinput",
    "LOFARoutput",
    "ListField",
    "RecipeIngredients",
    "StringField",
]

RecipeIngredients = BaseRecipe
"""What declares inputs and outputs; here recipes do that themselves."""


class LOFARinput(dict[str, Any]):
    """Inputs for `cook_recipe`; they are checked when the recipe gets them.

    Args:
        defaults: Inputs of another recipe, of which those that every recipe has are taken over; they are handed down
            in any case.
    """

    def __init__(self, defaults: Mapping[str, Any] | None = None) -> None:
        handed_down = ("job_name", "runtime_directory", "config", "start_time")
        super().__init__({name: defaults[name] for name in handed_down if defaults is not None and name in defaults})


class LOFARoutput(dict[str, Any]):
    """Takes the outputs of `cook_recipe`.

    Args:
        fields: What is expected; nothing is checked by them.
    """

    def __init__(self, fields: Mapping[str, Field] | None = None) -> None:
        super().__init__()
        self.fields = dict(fields or {})
