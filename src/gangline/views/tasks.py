"""What results and maps do with tasks: find them, take them back, read what became of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gangline._engine.chunks import ChunkResult
from gangline._runtime.handle import Handle
from gangline.errors import UsageError
from gangline.views.error import as_exception
from gangline.views.ids import SessionOwner, find

__all__ = ["CONVERTERS", "has_failed", "outcome", "patience", "resolved", "take_back"]

CONVERTERS: dict[type, Callable[[Handle], Any]] = {ChunkResult: lambda handle: handle.value.values}
"""Types that engines answer with and users do not get to see, and what users get in their place."""


def patience(timeout: float | None) -> float | None:
    """A timeout as callers give it: None and negative numbers are for ever."""
    return None if timeout is None or timeout < 0 else timeout


def outcome(handle: Handle, method: str) -> tuple[bool, Any]:
    """Whether a task that has ended failed, and its result or exception."""
    if has_failed(handle):
        return True, as_exception(handle, method)
    convert = CONVERTERS.get(type(handle.value))
    return False, handle.value if convert is None else convert(handle)


def has_failed(handle: Handle) -> bool:
    """Whether a task that has ended failed, or some of its items did."""
    return handle.status != "ok" or (type(handle.value) is ChunkResult and not handle.value.whole)


def take_back(handle: Handle) -> bool:
    """Cancel a task, if it has not started: whether it does not run on."""
    try:
        return handle.session.cancel(handle)
    except UsageError:  # it has just ended
        return handle.status == "aborted"


def resolved(client: SessionOwner, tasks: Any) -> tuple[Sequence[Handle], bool]:
    """The handles of tasks given in any way, and whether it was one by itself."""
    alone = isinstance(tasks, Handle | str)
    handles = []
    for task in (tasks,) if alone else tasks:
        handle = find(client, task) if isinstance(task, str) else task
        if handle is None:
            raise KeyError(f"no task with the id {task!r} is known here")
        handles.append(handle)
    return handles, alone
