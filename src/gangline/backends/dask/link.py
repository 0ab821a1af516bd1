"""One Dask worker with its relay, as the client sees it."""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, cast

from gangline._engine.functions import IN_BODY
from gangline.backends.calls import Call
from gangline.backends.dask import wire
from gangline.backends.dask.holding import Absent, Held
from gangline.backends.dask.kept import Kept, Place
from gangline.backends.dask.wire import Frame, Post
from gangline.backends.function_numbers import NumberSet
from gangline.messages import EngineId, TaskId

__all__ = ["Link"]


class Link:
    """What is sent to one worker. Nothing here waits.

    Args:
        address: The worker's.
        name: How the scheduler calls it.
        comm: The connection, which the worker has handed over to its relay.
        loop: The connection's event loop.
        follows_path: Whether the worker imports from where this process does: it is one of this client's own.

    Attributes:
        engines: The engines there, also those that have not joined yet.
        failed_starts: So many in a row have ended before they had joined.
        leaving: Why the worker is about to end; empty while it is not.
    """

    def __init__(
        self, address: str, name: Any, comm: Any, loop: asyncio.AbstractEventLoop, *, follows_path: bool
    ) -> None:
        self.address = address
        self.name = name
        self.engines: set[EngineId] = set()
        self.failed_starts = 0
        self.leaving = ""
        self.comm = comm
        self._post = Post(comm, loop)
        self._known = NumberSet()
        self._kept: weakref.WeakValueDictionary[TaskId, Kept] = weakref.WeakValueDictionary()
        self._path: list[str] | None = [] if follows_path else None

    def order(self, verb: int, *arguments: Any) -> None:
        """Send a verb and its arguments."""
        self._post.put(verb, *arguments)

    def send(self, engine: EngineId, tasks: Sequence[tuple[TaskId, Call]]) -> None:
        """Carry tasks to an engine there; functions that the worker does not know yet go along."""
        rows: list[tuple[Any, ...]] = []
        frames: list[Frame] = []
        definitions: list[tuple[int, bytes]] = []
        known = self._known
        for task, call in tasks:
            definition = call.definition
            number = IN_BODY if definition is None else definition.number
            if definition is not None and number not in known:
                known.add(number)
                definitions.append((number, definition.data))
            lease = call.lease
            if not isinstance(lease, Held):
                rows.append((task, number, call.data, call.keywords))
            elif lease.complete:
                rows.append((task, number, len(frames), len(lease.frames)))
                frames.extend(cast(list[Frame], lease.frames))
            else:
                self._send_rows(engine, definitions, rows, frames)
                rows, frames, definitions = [], [], []
                self._send_incomplete(engine, task, number, lease.frames)
        self._send_rows(engine, definitions, rows, frames)

    def _send_rows(
        self, engine: EngineId, definitions: list[tuple[int, bytes]], rows: list[tuple[Any, ...]], frames: list[Frame]
    ) -> None:
        if not rows and not definitions:
            return
        if definitions and self._path is not None and self._path != sys.path:
            self._path = [entry for entry in sys.path if isinstance(entry, str)]
            self._post.put(wire.PATH, self._path)
        self._post.put(wire.TASKS, engine, definitions, rows, frames=frames)

    def _send_incomplete(self, engine: EngineId, task: TaskId, number: int, parts: Sequence[bytes | Absent]) -> None:
        """Send a task to whose arguments results belong that are kept by workers."""
        places: dict[Place, int] = {}
        lost: list[str] = []
        layout: list[tuple[int, int] | None] = []
        frames: list[Frame] = []
        for part in parts:
            if isinstance(part, bytes):
                layout.append(None)
                frames.append(part)
            else:
                kept = part.kept()
                if part.place not in places:
                    places[part.place] = len(places)
                    lost.append("is not kept any more" if kept is None else kept.lost)
                if kept is not None:
                    kept.readers.add(self)
                layout.append((places[part.place], part.part))
        where = list(zip(map(tuple, places), lost, strict=True))
        self._post.put(wire.GATHER, engine, task, number, layout, where, frames=frames)

    # Results that stay there ---------------------------------------------------------------------------------------

    def new_kept(self, relay: str, task: TaskId, sizes: Sequence[int]) -> Kept:
        """A result that its relay keeps, until this object is gone."""
        place = Place(self.address, relay, task, sum(sizes))
        kept = Kept(place, len(sizes), partial(self.order, wire.FETCH, task))
        self._kept[task] = kept
        weakref.finalize(kept, _let_go, place, {self}, kept.readers).atexit = False
        return kept

    @property
    def keeps(self) -> bool:
        """Whether the worker keeps any result that is still needed."""
        return bool(self._kept)

    def on_parts(self, task: TaskId, frames: Sequence[Frame]) -> None:
        """A result that was asked for is here."""
        if (kept := self._kept.get(task)) is not None:
            kept.arrived([memoryview(frame) for frame in frames])

    def lose(self, reason: str) -> None:
        """The worker is gone, with all that it has kept."""
        for kept in list(self._kept.values()):
            kept.lost = kept.lost or reason
            for link in kept.readers:  # they need not find out by themselves
                link.order(wire.DROP, *kept.place)

    def forget(self, numbers: Iterable[int]) -> None:
        """Have the worker drop functions."""
        dropped = [number for number in numbers if number in self._known]
        for number in dropped:
            self._known.discard(number)
        if dropped:
            self._post.put(wire.FORGET, dropped)


def _let_go(place: Place, owners: set[Link], readers: set[Link]) -> None:
    """Nobody here needs a result any more; called by the collector, on any thread."""
    for link in owners | readers:
        link.order(wire.DROP, *place)
