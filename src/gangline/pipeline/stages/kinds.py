"""The kinds of stages, and what each of them takes."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from gangline.pipeline import ruffus_exceptions as errors

__all__ = ["KIND_RULES", "WITHOUT_FILES", "Kind", "KindRule"]


class Kind(Enum):
    """What a stage makes of its input. The values are what error messages call it."""

    PLAIN = "task"
    ORIGINATE = "task_originate"
    SPLIT = "task_split"
    SUBDIVIDE = "task_subdivide"
    TRANSFORM = "task_transform"
    MERGE = "task_merge"
    COLLATE = "task_collate"
    PRODUCT = "task_product"
    PERMUTATIONS = "task_permutations"
    COMBINATIONS = "task_combinations"
    COMBINATIONS_WR = "task_combinations_with_replacement"
    FILES = "task_files"
    FILES_FUNC = "task_files_func"
    FILES_RE = "task_files_re"
    PARALLEL = "task_parallel"
    MKDIR = "task_mkdir"


WITHOUT_FILES = frozenset({Kind.PLAIN, Kind.PARALLEL, Kind.MKDIR})
"""Kinds of stages whose inputs and outputs need not be files."""


class KindRule(NamedTuple):
    """What is particular to a kind.

    Attributes:
        error: What is raised when such a stage is declared wrongly.
        words: The arguments that it takes, in the order in which they may be given by position; `inputN` stands for
            more pairs of input and filter, `modify_inputs` for `inputs()` or `add_inputs()`.
    """

    error: type[errors.error_task_contruction]
    words: tuple[str, ...]


_UNFILTERED = ("input", "output", "extras")
_FILTERED = ("input", "filter", "modify_inputs", "output", "extras")
_FILTERED_INTO = (*_FILTERED, "output_dir")
_CHOSEN = ("input", "filter", "tuple_size", "modify_inputs", "output", "extras")

KIND_RULES = {
    Kind.ORIGINATE: KindRule(errors.error_task_originate, ("output", "extras")),
    Kind.SPLIT: KindRule(errors.error_task_split, _UNFILTERED),
    Kind.SUBDIVIDE: KindRule(errors.error_task_subdivide, _FILTERED_INTO),
    Kind.TRANSFORM: KindRule(errors.error_task_transform, _FILTERED_INTO),
    Kind.MERGE: KindRule(errors.error_task_merge, _UNFILTERED),
    Kind.COLLATE: KindRule(errors.error_task_collate, _FILTERED),
    Kind.PRODUCT: KindRule(
        errors.error_task_product, ("input", "filter", "inputN", "modify_inputs", "output", "extras")
    ),
    Kind.PERMUTATIONS: KindRule(errors.error_task_permutations, _CHOSEN),
    Kind.COMBINATIONS: KindRule(errors.error_task_combinations, _CHOSEN),
    Kind.COMBINATIONS_WR: KindRule(errors.error_task_combinations_with_replacement, _CHOSEN),
    Kind.FILES: KindRule(errors.error_task_files, _UNFILTERED),
    Kind.FILES_FUNC: KindRule(errors.error_task_files, ()),
    Kind.FILES_RE: KindRule(errors.error_task_files_re, _FILTERED),
    Kind.PARALLEL: KindRule(errors.error_task_parallel, ()),
    Kind.MKDIR: KindRule(errors.error_task_mkdir, _FILTERED_INTO),
}
"""Every kind but `PLAIN`, which takes nothing."""
