"""Large results within a Dask worker: those that were made there, and copies of others that its engines need.

Workers give them to each other by Dask's own means, as the cluster has them, and straight: neither the scheduler nor
the client sees them.

Rules:
- A result is kept until the client lets go of it, and only if there is room; else the client gets it at once.
- A copy is there to be used again. It is fetched once, whoever waits for it, and goes first when there is no room.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from typing import Any
from weakref import WeakValueDictionary

from distributed.protocol import Serialize

from gangline.backends.dask.kept import Place, loss
from gangline.messages import EngineId, TaskId

__all__ = ["Larder", "give"]

TAKE = "gangline_take"
"""By this name a worker gives away what it keeps."""
_RESULTS_MAX = 128
"""Each is in a segment of shared memory, of which an engine has not many more."""
_SHARE = 4
"""Of the worker's memory, the part that may be used so, as a divisor."""

Parts = Sequence[Any]

_larders: WeakValueDictionary[str, Larder] = WeakValueDictionary()


async def give(relay: str, task: TaskId) -> list[Any] | None:
    """What another worker has asked for; None if it is not here any more."""
    larder = _larders.get(relay)
    parts = None if larder is None else larder.find(task)
    return None if parts is None else [Serialize(part) for part in parts]


class Larder:
    """What one relay keeps.

    Args:
        worker: The Dask worker.

    Attributes:
        name: Known to nobody but the client and those whom it tells.
    """

    def __init__(self, worker: Any) -> None:
        self.name = os.urandom(16).hex()
        self._worker = worker
        self._wishes: dict[EngineId, set[TaskId]] = {}
        self._results: dict[TaskId, Parts] = {}
        self._copies: dict[Place, asyncio.Task[Parts]] = {}
        self._room_bytes = (worker.memory_manager.memory_limit or _memory_bytes()) // _SHARE
        _larders[self.name] = self

    @property
    def keeps(self) -> bool:
        """Whether there is any result that was made here."""
        return bool(self._results)

    # Results that were made here -----------------------------------------------------------------------------------

    def wish(self, engine: EngineId, tasks: Iterable[TaskId]) -> None:
        """Keep the results of these tasks, if they are large."""
        self._wishes.setdefault(engine, set()).update(tasks)

    def is_wished(self, engine: EngineId, task: TaskId) -> bool:
        """Whether to keep the result of a task that has ended; asked once."""
        wishes = self._wishes.get(engine)
        if not wishes or task not in wishes:
            return False
        wishes.discard(task)
        return True

    def forget_wishes(self, engine: EngineId) -> None:
        """The engine is gone."""
        self._wishes.pop(engine, None)

    def keep(self, task: TaskId, parts: Parts) -> bool:
        """Keep a result; False if there is no room for it."""
        if len(self._results) >= _RESULTS_MAX:
            return False
        size = _size(parts)
        if not self._make_room(size):
            return False
        self._results[task] = parts
        self._room_bytes -= size
        return True

    def find(self, task: TaskId) -> Parts | None:
        """A result that is kept here."""
        return self._results.get(task)

    def drop(self, place: Place) -> None:
        """Nobody needs it any more."""
        if place.relay != self.name:
            self._drop_copy(place)
        elif (parts := self._results.pop(place.task, None)) is not None:
            self._room_bytes += _size(parts)

    def clear(self) -> None:
        """The client is gone."""
        self._results.clear()
        for place in list(self._copies):
            self._drop_copy(place)
        _larders.pop(self.name, None)

    # Those of others -----------------------------------------------------------------------------------------------

    async def fetch(self, place: Place, lost: str) -> Parts:
        """A result, wherever it is kept; `lost` says why it cannot be had any more, if the client knows that.

        Raises:
            EngineError: It cannot be had any more.
        """
        if lost:
            raise loss(place, lost)
        if (larder := _larders.get(place.relay)) is not None:  # in this very process
            return self._checked(place, larder.find(place.task))
        task = self._copies.get(place)
        if task is None:
            task = self._copies[place] = asyncio.create_task(self._take(place))
        else:
            self._copies[place] = self._copies.pop(place)  # the last to go
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise loss(place, "was lost with it") from None
            raise
        except Exception:
            self._drop_copy(place)
            raise

    async def _take(self, place: Place) -> Parts:
        try:
            parts = await getattr(self._worker.rpc(place.address), TAKE)(relay=place.relay, task=place.task)
        except Exception as exc:  # whatever Dask raises when a worker is gone
            raise loss(place, f"cannot be had any more ({type(exc).__name__}: {exc})") from exc
        parts = self._checked(place, parts)
        size = _size(parts)
        if place in self._copies:
            if self._make_room(size, but=place):
                self._room_bytes -= size
            else:
                del self._copies[place]
        return parts

    @staticmethod
    def _checked(place: Place, parts: Parts | None) -> Parts:
        if parts is None:
            raise loss(place, "is not there any more")
        return [part.data if isinstance(part, Serialize) else part for part in parts]  # within one process

    def _drop_copy(self, place: Place) -> None:
        task = self._copies.pop(place, None)
        if task is None:
            return
        if not task.done():
            task.cancel()
        elif not task.cancelled() and task.exception() is None:
            self._room_bytes += _size(task.result())

    def _make_room(self, size: int, but: Place | None = None) -> bool:
        for place in [place for place, task in self._copies.items() if task.done() and place != but]:
            if size <= self._room_bytes:
                break
            self._drop_copy(place)
        return size <= self._room_bytes


def _size(parts: Parts) -> int:
    return sum(memoryview(part).nbytes for part in parts)


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
