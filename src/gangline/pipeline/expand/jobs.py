"""One job of a stage, and what is noticed while the jobs of a stage are worked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["EMPTY_FILES", "NO_MATCH", "NO_NAMES", "JobParams", "Notes"]

NO_MATCH = (
    "No jobs were run because no file names matched.\n"
    "Please make sure that the regular expression is correctly specified."
)
EMPTY_FILES = "@files() was empty, i.e. no files were specified.\nPlease make sure this is by design."

NO_NAMES: Mapping[str, Any] = {}
"""No arguments by name."""


class JobParams(NamedTuple):
    """What a job's function is called with.

    Attributes:
        params: Positional arguments. For a stage of files: input, output, extras. The input of `@originate` is None
            and not handed to its function. Stages of old style may have any number, even none.
        shown: The same as printouts show it, with the globs in outputs unexpanded.
        named: Extras that are handed over by name.
    """

    params: Sequence[Any]
    shown: Sequence[Any]
    named: Mapping[str, Any] = NO_NAMES

    @property
    def inputs(self) -> Any:
        """What the job reads; None when it has no parameters."""
        return self.params[0] if self.params else None

    @property
    def outputs(self) -> Any:
        """What the job makes; None when it has fewer than two parameters."""
        return self.params[1] if len(self.params) > 1 else None

    @property
    def extras(self) -> tuple[Any, ...]:
        """What is neither input nor output."""
        return tuple(self.params[2:])


class Notes:
    """What the user should know about the jobs of a stage.

    Attributes:
        warnings: What is odd about the stage as a whole, each text once.
        unmatched: Why items were left out, each text once, in the order of the items.
        unfound: The globs of a stage whose whole input they are, and which match no file.
    """

    __slots__ = ("unfound", "unmatched", "warnings")

    def __init__(self) -> None:
        self.warnings: dict[str, None] = {}
        self.unmatched: dict[str, None] = {}
        self.unfound: Sequence[str] = ()

    def warn(self, text: str) -> None:
        """Note something about the stage."""
        self.warnings[text] = None

    def leave_out(self, reason: Exception) -> None:
        """Note that an item was left out."""
        self.unmatched[str(reason).strip()] = None
