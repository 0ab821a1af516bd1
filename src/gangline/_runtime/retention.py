"""Which finished tasks a session still knows: enough to ask again and to resubmit, without growing for ever."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gangline.messages import TaskId

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle

TASKS_MAX = 100_000
"""Finished tasks that are remembered."""

BYTES_MAX = 2**30
"""About how much memory their arguments and results may hold."""

_SMALL = frozenset({int, float, bool, type(None)})


class Retention:
    """Tasks by number: all that are pending, and the last finished ones."""

    def __init__(self) -> None:
        self._handles: dict[TaskId, Handle] = {}
        self._finished: deque[tuple[TaskId, int]] = deque()
        self._bytes = 0

    def __iter__(self) -> Iterator[Handle]:
        return iter(list(self._handles.values()))

    def __len__(self) -> int:
        return len(self._handles)

    def add(self, handle: Handle) -> None:
        """Remember a new task."""
        self._handles[handle.id] = handle

    def get(self, task: TaskId) -> Handle | None:
        """The task of that number, if it is remembered."""
        return self._handles.get(task)

    def finish(self, handle: Handle) -> None:
        """A task has ended; the oldest finished ones may now be forgotten."""
        if handle.id not in self._handles:
            return
        size = _size_bytes(handle.value) + handle.payload.size_bytes
        self._finished.append((handle.id, size))
        self._bytes += size
        while len(self._finished) > TASKS_MAX or (self._bytes > BYTES_MAX and len(self._finished) > 1):
            oldest, oldest_size = self._finished.popleft()
            self._bytes -= oldest_size
            self._handles.pop(oldest, None)

    def forget(self, task: TaskId) -> None:
        """Forget one task."""
        self._handles.pop(task, None)

    def forget_finished(self) -> None:
        """Forget every task that has ended."""
        self._handles = {task: handle for task, handle in self._handles.items() if handle.status is None}
        self._finished.clear()
        self._bytes = 0


def _size_bytes(value: Any) -> int:
    """About how much memory a result holds; without looking inside containers."""
    if type(value) in _SMALL:
        return 0
    nbytes = getattr(value, "nbytes", None)
    return nbytes if isinstance(nbytes, int) else sys.getsizeof(value, 0)
