"""The results of the task interface, all in one place."""

from __future__ import annotations

from gangline.views.mapresult import AsyncMapResult
from gangline.views.result import AsyncResult

__all__ = ["AsyncHubResult", "AsyncMapResult", "AsyncResult"]


class AsyncHubResult(AsyncResult):
    """The result of tasks that were submitted by someone else, or again. There is no difference in use."""
