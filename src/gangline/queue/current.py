"""The job that runs in this thread (or task), for what is called inside it without naming it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gangline.queue.job import DurableJob

__all__ = ["running"]

running: ContextVar[DurableJob | None] = ContextVar("gangline_running_job", default=None)
