"""Which finished tasks a session still knows: enough to ask again and to resubmit, without growing for ever."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gangline.messages import TaskId

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle

TASKS_MAX = 16_384
"""Finished tasks that are remembered. Python's garbage collector visits each of them again and again: at 100,000 that
takes longer than running 100,000 small tasks. Results that the user holds are not touched by this."""

BYTES_MAX = 2**30
"""About how much memory their arguments and results may hold."""

_NEGLIGIBLE_BYTES = 512

_SMALL = frozenset({int, float, bool, type(None)})


class Retention:
    """The last finished tasks by number."""

    def __init__(self) -> None:
        self._handles: dict[TaskId, Handle] = {}
        self._bytes = 0

    def __iter__(self) -> Iterator[Handle]:
        return iter(self._handles.values())

    def __len__(self) -> int:
        return len(self._handles)

    def get(self, task: TaskId) -> Handle | None:
        """The task of that number, if it is remembered."""
        return self._handles.get(task)

    def add(self, handle: Handle) -> None:
        """Remember a task that has ended; the oldest ones may be forgotten for it."""
        handles = self._handles
        handles[handle.id] = handle
        if type(handle.value) not in _SMALL or handle.payload.size_bytes > _NEGLIGIBLE_BYTES:
            self._bytes += _size_bytes(handle)
        if len(handles) > TASKS_MAX or self._bytes > BYTES_MAX:
            self._shrink()

    def forget(self, task: TaskId) -> None:
        """Forget one task."""
        handle = self._handles.pop(task, None)
        if handle is not None:
            self._bytes -= _size_bytes(handle)

    def forget_all(self) -> None:
        """Forget every task."""
        self._handles.clear()
        self._bytes = 0

    def _shrink(self) -> None:
        """Forget the oldest tenth, so that this is rare; the youngest is always kept."""
        count = len(self._handles)
        most, most_bytes = TASKS_MAX * 0.9, BYTES_MAX * 0.9
        for task in list(self._handles)[: count - 1]:
            if len(self._handles) <= most and self._bytes <= most_bytes:
                return
            self.forget(task)


def _size_bytes(handle: Handle) -> int:
    """About how much memory a task holds; without looking inside containers, and 0 where it is next to nothing."""
    value, size = handle.value, handle.payload.size_bytes
    if type(value) not in _SMALL:
        nbytes = getattr(value, "nbytes", None)
        size += nbytes if isinstance(nbytes, int) else sys.getsizeof(value, 0)
    return size if size > _NEGLIGIBLE_BYTES else 0
