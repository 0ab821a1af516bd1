"""Data that a running task shows before it ends."""

from __future__ import annotations

from typing import Any

from gangline._engine import context
from gangline.errors import UsageError

__all__ = ["publish_data"]


def publish_data(data: dict[str, Any]) -> None:
    """Make this visible at once in the `data` of the task's result. Later values of a key replace earlier ones.

    Args:
        data: Names and values; the values must be picklable.

    Raises:
        UsageError: Outside of a task.
    """
    engine = context.current()
    if engine is None:
        raise UsageError("publish_data works inside a task that runs on an engine, and this is not one")
    engine.publish(data)
