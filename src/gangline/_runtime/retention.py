"""Which finished tasks a session still knows: enough to ask again and to resubmit, without growing for ever."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

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
        self._held: WeakValueDictionary[TaskId, Handle] = WeakValueDictionary()  # those whose results are elsewhere
        self._large: dict[TaskId, int] = {}  # only those that are worth counting
        self._bytes = 0

    def __iter__(self) -> Iterator[Handle]:
        return iter([*self._handles.values(), *self._held.values()])

    def __len__(self) -> int:
        return len(self._handles) + len(self._held)

    def get(self, task: TaskId) -> Handle | None:
        """The task of that number, if it is remembered."""
        return self._handles.get(task) or self._held.get(task)

    def add(self, handle: Handle) -> None:
        """Remember a task that has ended; the oldest ones may be forgotten for it.

        One whose result takes memory elsewhere is remembered only as long as somebody has it.
        """
        handles, size = self._handles, handle.payload.size_bytes
        if type(handle.value) not in _SMALL:
            if getattr(type(handle.value), "elsewhere", False) is True:
                self._held[handle.id] = handle
                return
            size += _size_bytes(handle.value)
        handles[handle.id] = handle
        if size > _NEGLIGIBLE_BYTES:
            self._large[handle.id] = size
            self._bytes += size
        if len(handles) > TASKS_MAX or self._bytes > BYTES_MAX:
            self._shrink()

    def forget(self, task: TaskId) -> None:
        """Forget one task."""
        self._handles.pop(task, None)
        self._held.pop(task, None)
        self._bytes -= self._large.pop(task, 0)

    def forget_all(self) -> None:
        """Forget every task."""
        self._handles, self._large, self._bytes = {}, {}, 0  # new ones: those emptied would keep their size
        self._held.clear()

    def _shrink(self) -> None:
        """Forget the oldest tenth, so that this is rare; the youngest is always kept."""
        surplus = len(self._handles) - int(TASKS_MAX * 0.9)
        for number, task in enumerate(list(islice(self._handles, len(self._handles) - 1))):
            if number >= surplus and self._bytes <= BYTES_MAX * 0.9:
                return
            self.forget(task)


def _size_bytes(value: object) -> int:
    """About how much memory a result holds; without looking inside containers."""
    nbytes = getattr(value, "nbytes", None)
    return nbytes if isinstance(nbytes, int) else sys.getsizeof(value, 0)
