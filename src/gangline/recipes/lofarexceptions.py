"""What recipes and pipelines raise, under the names of the LOFAR framework."""

from __future__ import annotations

from gangline.cluster import ClusterError
from gangline.errors import TaskFailed, UsageError
from gangline.recipes.ingredients import InputError

__all__ = [
    "ClusterError",
    "InputError",
    "PipelineException",
    "PipelineQuit",
    "PipelineRecipeFailed",
    "RecipeNotFound",
]


class PipelineException(TaskFailed):
    """A pipeline cannot go on."""


class PipelineRecipeFailed(PipelineException):
    """A task of a pipeline has failed.

    Attributes:
        task: Its name.
        status: What its recipe returned.
    """

    def __init__(self, message: str = "", task: str = "", status: int = 1) -> None:
        super().__init__(message)
        self.task = task
        self.status = status


class PipelineQuit(PipelineException):
    """Raised by a pipeline itself to end early and well."""


class RecipeNotFound(UsageError):
    """There is no task or no recipe of that name."""
