"""One Dask worker with its relay, as the client sees it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from gangline._engine.functions import IN_BODY
from gangline.backends.calls import Call
from gangline.backends.dask import wire
from gangline.backends.dask.holding import Held
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
            if isinstance(lease, Held):
                rows.append((task, number, len(frames), len(lease.frames)))
                frames.extend(lease.frames)
            else:
                rows.append((task, number, call.data, call.keywords))
        if definitions and self._path is not None and self._path != sys.path:
            self._path = [entry for entry in sys.path if isinstance(entry, str)]
            self._post.put(wire.PATH, self._path)
        self._post.put(wire.TASKS, engine, definitions, rows, frames=frames)

    def forget(self, numbers: Iterable[int]) -> None:
        """Have the worker drop functions."""
        dropped = [number for number in numbers if number in self._known]
        for number in dropped:
            self._known.discard(number)
        if dropped:
            self._post.put(wire.FORGET, dropped)
