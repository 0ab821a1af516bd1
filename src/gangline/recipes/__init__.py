"""Recipes: steps with declared inputs and outputs that have commands run on hosts, and pipelines of them.

    from gangline.recipes import BaseRecipe, ComputeJob, FloatField, RemoteCommandRecipeMixIn

    class threshold(BaseRecipe, RemoteCommandRecipeMixIn):
        inputs = {"level": FloatField("--level", default=5.0, help="In units of the noise.")}

        def go(self):
            super().go()
            self._schedule_jobs([ComputeJob("node001", ["find_sources", str(self.inputs["level"])])])
            return 1 if self.error.is_set() else 0

What is on hosts is a node script, derived from `NodeScript`; it imports next to nothing of Gangline. The modules here
have the names that the LOFAR framework has below `lofarpipe.support`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gangline._lazy import lazy

if TYPE_CHECKING:
    from gangline.recipes.configuration import Configuration, ConfigurationError
    from gangline.recipes.control import control
    from gangline.recipes.datamaps import DataMap, DataProduct, MultiDataMap, MultiDataProduct
    from gangline.recipes.fields import BoolField, DictField, Field, FloatField, IntField, ListField, StringField
    from gangline.recipes.file_fields import DirectoryField, ExecField, FileField, FileList
    from gangline.recipes.ingredients import InputError
    from gangline.recipes.jobs import ComputeJob
    from gangline.recipes.lofarexceptions import (
        PipelineException,
        PipelineQuit,
        PipelineRecipeFailed,
        RecipeNotFound,
    )
    from gangline.recipes.lofaringredient import LOFARinput, LOFARoutput
    from gangline.recipes.log_patterns import SearchPattern, SearchPatterns, getSearchingLogger
    from gangline.recipes.node import LOFARnode, LOFARnodeTCP, NodeScript
    from gangline.recipes.outcome import JobOutcome, ScheduleResult
    from gangline.recipes.parset import Parset, get_parset, patch_parset, patched_parset
    from gangline.recipes.recipe import BaseRecipe
    from gangline.recipes.remotecommand import RemoteCommandRecipeMixIn
    from gangline.recipes.segfaults import catch_segfaults, log_process_output
    from gangline.recipes.timing import log_time

_HOMES = {
    "configuration": ("Configuration", "ConfigurationError"),
    "control": ("control",),
    "datamaps": ("DataMap", "DataProduct", "MultiDataMap", "MultiDataProduct"),
    "fields": ("BoolField", "DictField", "Field", "FloatField", "IntField", "ListField", "StringField"),
    "file_fields": ("DirectoryField", "ExecField", "FileField", "FileList"),
    "ingredients": ("InputError",),
    "jobs": ("ComputeJob",),
    "lofarexceptions": ("PipelineException", "PipelineQuit", "PipelineRecipeFailed", "RecipeNotFound"),
    "lofaringredient": ("LOFARinput", "LOFARoutput"),
    "log_patterns": ("SearchPattern", "SearchPatterns", "getSearchingLogger"),
    "node": ("LOFARnode", "LOFARnodeTCP", "NodeScript"),
    "outcome": ("JobOutcome", "ScheduleResult"),
    "parset": ("Parset", "get_parset", "patch_parset", "patched_parset"),
    "recipe": ("BaseRecipe",),
    "remotecommand": ("RemoteCommandRecipeMixIn",),
    "segfaults": ("catch_segfaults", "log_process_output"),
    "timing": ("log_time",),
}
_WHERE = {name: f"gangline.recipes.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022  in the order in which a reader wants them
    "BaseRecipe",
    "RemoteCommandRecipeMixIn",
    "ComputeJob",
    "ScheduleResult",
    "JobOutcome",
    "NodeScript",
    "LOFARnode",
    "LOFARnodeTCP",
    "control",
    "Field",
    "StringField",
    "IntField",
    "FloatField",
    "BoolField",
    "FileField",
    "ExecField",
    "DirectoryField",
    "ListField",
    "FileList",
    "DictField",
    "LOFARinput",
    "LOFARoutput",
    "Configuration",
    "DataMap",
    "DataProduct",
    "MultiDataMap",
    "MultiDataProduct",
    "Parset",
    "get_parset",
    "patch_parset",
    "patched_parset",
    "log_time",
    "log_process_output",
    "catch_segfaults",
    "SearchPattern",
    "SearchPatterns",
    "getSearchingLogger",
    "ConfigurationError",
    "InputError",
    "PipelineException",
    "PipelineQuit",
    "PipelineRecipeFailed",
    "RecipeNotFound",
]


__getattr__, __dir__ = lazy(__name__, _WHERE)


class _Face(ModuleType):
    """This package. `control` is the class, though Python puts the module of that name there when it is imported."""

    @property
    def control(self) -> Any:
        """The class of pipelines."""
        return vars(import_module("gangline.recipes.control"))["control"]

    @control.setter
    def control(self, module: Any) -> None:
        """Python's own assignment has no effect."""


sys.modules[__name__].__class__ = _Face
