"""The part of the backend that runs within a Dask worker: it has engine processes, and passes on what they say.

An engine is a child process of the worker and not one of its threads. So a task can be interrupted while it waits, and
ended without ending the worker; it may crash, hold the interpreter's lock or write to descriptors, and what it had done
before is known exactly. And the worker goes on answering its scheduler, whatever the task does.

Rules:
- Everything runs on the worker's event loop, and nothing waits there.
- What tasks give is not unpickled here: the worker need not be able to.
- When the connection ends, so do its engines.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any
from weakref import WeakKeyDictionary

from distributed.core import Status

from gangline._engine.failures import describe, pack_failure
from gangline._engine.functions import IN_BODY
from gangline._engine.results import FAILED, LEASED, RAW
from gangline.backends.calls import Call, Definition
from gangline.backends.dask import wire
from gangline.backends.dask.gathering import Gathering
from gangline.backends.dask.kept import Place
from gangline.backends.dask.larder import TAKE, Larder, give
from gangline.backends.dask.wire import Frame, Post, read_messages
from gangline.backends.incoming import Memory, Rows
from gangline.backends.processes import ProcessesBackend
from gangline.errors import BackendError, ResultUnreadable
from gangline.messages import (
    Attempt,
    BackendEvent,
    EngineId,
    EngineInfo,
    EngineJoined,
    EngineLost,
    Failure,
    Finished,
    Output,
    Returned,
    TaskId,
)

__all__ = ["Relay", "install", "leave", "versions"]

_CALL_BYTES = 128
_SPARE_SEGMENTS = 1024
_LOOK_S = 0.002
_FLUSH_S = 0.02

_serving: WeakKeyDictionary[Any, set[Relay]] = WeakKeyDictionary()
"""The relays of each worker in this process."""


def versions() -> tuple[str, str]:
    """Of Python (to which both ends must agree) and of Gangline."""
    return "{}.{}".format(*sys.version_info), metadata.version("gangline")


def install(dask_worker: Any) -> tuple[str, str]:
    """Teach a worker to hand connections over to a relay; gives its versions."""

    async def relay_gangline(comm: Any) -> Any:
        await Relay(comm, dask_worker).serve()
        return Status.dont_reply

    async def take_gangline(comm: Any, relay: str, task: TaskId) -> Any:
        return await give(relay, task)

    dask_worker.handlers[wire.OPERATION] = relay_gangline
    dask_worker.handlers[TAKE] = take_gangline
    return versions()


async def leave(dask_worker: Any, reason: str, *, timeout_s: float, only_idle: bool = False) -> bool:
    """Before a worker ends: end its engines, and have their clients know exactly what they had begun, and why.

    Args:
        dask_worker: The worker.
        reason: In words; it goes behind "engine 3".
        timeout_s: How long that may take.
        only_idle: Only if none of them has anything to do.

    Returns:
        Whether it was done.
    """
    relays = list(_serving.get(dask_worker, ()))
    if only_idle and not all(relay.is_idle() for relay in relays):
        return False
    await asyncio.gather(*(relay.leave(reason, timeout_s) for relay in relays))
    return True


class _Engines(ProcessesBackend):
    """Engine processes whose results are passed on as they are, and that are replaced when the client says so."""

    @staticmethod
    def _read_rows(rows: Rows, memory: Memory, shown_logs: dict[TaskId, int]) -> list[Attempt]:
        return [Attempt(*_held(row, memory)) for row in rows]

    @staticmethod
    def _read_output(task: TaskId, stream: str, packed: bytes, shown_logs: dict[TaskId, int]) -> Any:
        return packed

    def _replace(self) -> str:
        return ""

    def define(self, number: int, data: bytes) -> Definition:
        """A function by the client's number; engines forget it when this object is gone."""
        return Definition(number, data, 0, self._calls.forgotten)

    def call(self, definition: Definition | None, data: Any, keywords: Any, frames: Sequence[Frame]) -> Call:
        """A call as it came; the large one's arguments in shared memory."""
        if type(data) is not int:
            return Call(definition, data, keywords, 0, _CALL_BYTES + (len(data) if type(data) is bytes else 0))
        return self.large_call(definition, frames[data : data + keywords])

    def large_call(self, definition: Definition | None, frames: Sequence[Frame]) -> Call:
        """A call with its arguments in shared memory.

        Raises:
            BackendError: There is too little of it.
        """
        parts = [memoryview(frame) for frame in frames]
        lease = self._pool.lease(parts, spare=_SPARE_SEGMENTS)
        if lease is None:
            raise BackendError("the shared memory for large values is all in use")
        call = Call(definition, None, None, 0, lease.size_bytes)
        call.lease = lease
        return call

    def start_one(self, options: dict[str, Any]) -> None:
        """Begin to bring up an engine."""
        self._options = self._options | options
        self._start_engine()

    def numbers(self) -> list[EngineId]:
        """All engines that there are."""
        return list(self._engines)

    def is_idle(self) -> bool:
        """Whether no engine has anything to do."""
        return not any(process.outgoing.awaits_results for process in self._engines.values())

    def joined(self, engine: EngineId) -> bool:
        """Whether the engine has announced itself."""
        process = self._engines.get(engine)
        return process is not None and process.joined


def _held(row: tuple[Any, ...], memory: Memory) -> tuple[Any, ...]:
    """A row whose large value is at hand."""
    if row[1] != LEASED:
        return row
    task, code, value, *rest = row
    try:
        return (task, code, memory.open(*value), *rest)
    except MemoryError as exc:
        ename, evalue, text = describe(exc)
        error = ResultUnreadable(f"the result cannot be passed on by the Dask worker: {ename}: {evalue}")
        return (task, FAILED, pack_failure(Failure(error, "ResultUnreadable", str(error), text)), *rest)


class Relay:
    """Serves one client. It is the inbox of its engines.

    Args:
        comm: The connection.
        worker: The Dask worker.
    """

    def __init__(self, comm: Any, worker: Any) -> None:
        self._comm = comm
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        self._post = Post(comm, self._loop)
        self._engines = _Engines()
        self._larder = Larder(worker)
        self._gathering = Gathering(self._engines.send, self._on_incomplete)
        self._definitions: dict[int, Definition] = {}
        self._next_engine = EngineId(-1)
        self._watched: set[int] = set()
        self._reported: set[EngineId] = set()
        self._stopped = False

    async def serve(self) -> None:
        """Until the client says that it is over, or is gone."""
        self._comm.allow_offload = False
        self._engines.start(self, 0)
        _serving.setdefault(self._worker, set()).add(self)
        try:
            while not self._stopped:
                for content, frames in read_messages(await self._comm.read()):
                    if content[0] == wire.STOP:
                        await self._stop(content[1])
                        await self._comm.close()
                        return
                    self._on_message(content, frames)
        except OSError:  # the client is gone
            pass
        finally:
            _serving[self._worker].discard(self)
            if not self._stopped:
                self._still()
                self._engines.stop(0.0)

    def is_idle(self) -> bool:
        """Whether no engine of its client has anything to do, and nothing is kept here for it."""
        return self._engines.is_idle() and not self._gathering.waits and not self._larder.keeps

    async def leave(self, reason: str, timeout_s: float) -> None:
        """End the engines, and have the client know."""
        end = self._loop.time() + timeout_s
        self._post.put(wire.LEAVING, reason)
        for engine in self._engines.numbers():
            self._engines.kill(engine, reason)
        while not self._stopped and self._engines.numbers() and self._loop.time() < end:
            await asyncio.sleep(_LOOK_S)
        await self._post.flush(max(end - self._loop.time(), 0.0))
        await asyncio.sleep(_FLUSH_S)  # what has been sent is to be read before the connection breaks

    async def _stop(self, timeout_s: float) -> None:
        self._still()
        await asyncio.to_thread(self._engines.stop, timeout_s)

    def _still(self) -> None:
        """From here on nothing is passed on."""
        self._stopped = True
        for descriptor in self._watched:
            self._loop.remove_reader(descriptor)
        self._watched.clear()
        self._gathering.clear()
        self._larder.clear()

    # What the client asks for --------------------------------------------------------------------------------------

    def _on_message(self, content: tuple[Any, ...], frames: Sequence[Frame]) -> None:
        engines = self._engines
        match content:
            case (wire.TASKS, engine, definitions, rows):
                self._on_tasks(engine, definitions, rows, frames)
            case (wire.RECALL, engine):
                if tasks := [*engines.recall(engine), *self._gathering.recall(engine)]:
                    self._post.put(wire.RETURNED, engine, tasks)
            case (wire.FORGET, numbers):
                for number in numbers:
                    self._definitions.pop(number, None)
            case (wire.INTERRUPT, engine, task):
                self._on_interrupt(engine, task)
            case (wire.SIGNAL, engine, signum):
                engines.signal_engine(engine, signum)
            case (wire.KILL, engine, reason):
                engines.kill(engine, reason)
            case (wire.STOP_ENGINE, engine):
                engines.stop_engine(engine)
            case (wire.START, engine, options):
                self._on_start(engine, options)
            case (wire.PATH, path):
                sys.path[:] = path
            case _:
                self._on_kept(content, frames)

    def _on_kept(self, content: tuple[Any, ...], frames: Sequence[Frame]) -> None:
        """A message about results that workers keep."""
        match content:
            case (wire.GATHER, engine, task, number, layout, places):
                self._on_gather(engine, task, number, layout, [(Place(*each), lost) for each, lost in places], frames)
            case (wire.KEEP, engine, tasks):
                self._larder.wish(engine, tasks)
            case (wire.FETCH, task):
                self._post.put(wire.PARTS, task, frames=self._larder.find(task) or ())
            case (wire.DROP, *place):
                self._larder.drop(Place(*place))

    def _on_tasks(
        self, engine: EngineId, definitions: list[tuple[int, bytes]], rows: list[Any], frames: Sequence[Frame]
    ) -> None:
        for number, data in definitions:
            self._definitions[number] = self._engines.define(number, data)
        tasks = []
        for task, number, data, keywords in rows:
            tasks.append((task, self._engines.call(self._definition(number), data, keywords, frames)))
        if tasks:
            self._gathering.put(engine, tasks)

    def _on_interrupt(self, engine: EngineId, task: TaskId) -> None:
        if self._gathering.take(engine, task):
            self._post.put(wire.RETURNED, engine, [task])
        else:
            self._engines.interrupt(engine, task)

    def _definition(self, number: int) -> Definition | None:
        return None if number == IN_BODY else self._definitions[number]

    def _on_gather(
        self,
        engine: EngineId,
        task: TaskId,
        number: int,
        layout: list[tuple[int, int] | None],
        places: list[tuple[Place, str]],
        frames: Sequence[Frame],
    ) -> None:
        """A task some parts of whose arguments are kept by workers."""
        definition = self._definition(number)

        async def complete() -> Call:
            found = [await self._larder.fetch(place, lost) for place, lost in places]
            own = iter(frames)
            parts = [next(own) if part is None else found[part[0]][part[1]] for part in layout]
            return self._engines.large_call(definition, parts)

        self._gathering.put_incomplete(engine, task, complete)

    def _on_incomplete(self, engine: EngineId, task: TaskId, error: Exception) -> None:
        now = time.time()
        failure = pack_failure(Failure(error, *describe(error)))
        self._post.put(wire.RESULTS, engine, [(task, FAILED, failure, now, now, None)])

    def _on_start(self, engine: EngineId, options: dict[str, Any]) -> None:
        self._next_engine = engine
        try:
            self._engines.start_one(options)
        except BackendError as exc:
            self._post.put(wire.LOST, engine, f"it could not start: {exc}", [], False)

    # What engines report: the inbox --------------------------------------------------------------------------------

    def put(self, event: BackendEvent) -> None:
        """Take in an event."""
        self._tell(event)

    def watch(self, fd: int, on_readable: Callable[[], Sequence[BackendEvent]]) -> None:
        """Watch a descriptor on the worker's event loop."""
        self._watched.add(fd)
        self._loop.add_reader(fd, self._on_readable, on_readable)

    def unwatch(self, fd: int) -> None:
        """Watch it no more."""
        if fd in self._watched:
            self._watched.discard(fd)
            self._loop.remove_reader(fd)

    def new_engine_id(self) -> EngineId:
        """The number that the client has given."""
        return self._next_engine

    def waiting(self) -> int:
        """None: the client keeps them."""
        return 0

    def _on_readable(self, on_readable: Callable[[], Sequence[BackendEvent]]) -> None:
        for event in on_readable():
            self._tell(event)

    def _tell(self, event: BackendEvent) -> None:
        match event:
            case Finished(engine, attempts):
                self._tell_results(engine, attempts)
            case Returned(engine, tasks):
                self._post.put(wire.RETURNED, engine, list(tasks))
            case Output(engine, task, stream, content):
                self._post.put(wire.OUTPUT, engine, task, stream, content)
            case EngineJoined(engine, info):
                self._reported.add(engine)
                self._post.put(wire.JOINED, engine, tuple(info[:3]), self._place(info))
            case EngineLost(engine, reason, running):
                self._post.put(wire.LOST, engine, reason, list(running), engine in self._reported)
                self._reported.discard(engine)
                self._gathering.drop(engine)
                self._larder.forget_wishes(engine)

    def _tell_results(self, engine: EngineId, attempts: list[Attempt]) -> None:
        frames: list[Frame] = []
        rows: list[tuple[Any, ...]] = []
        for attempt in attempts:
            row = tuple(attempt)
            wished = self._larder.is_wished(engine, attempt.task)
            if type(attempt.value) is list and row[1] == LEASED:
                if wished and self._larder.keep(attempt.task, attempt.value):
                    sizes = [part.nbytes for part in attempt.value]
                    self._post.put(wire.KEPT, engine, (*row[:1], RAW, None, *row[3:]), self._larder.name, sizes)
                    continue
                row = (*row[:2], (len(frames), len(attempt.value)), *row[3:])
                frames.extend(attempt.value)
            rows.append(row)
        if rows:
            self._post.put(wire.RESULTS, engine, rows, frames=frames)

    def _place(self, info: EngineInfo) -> tuple[str, dict[str, float]]:
        """Which pool the engine draws on, and what that offers: what the worker was given."""
        offers = {"cores": float(self._worker.state.nthreads)}
        limit = self._worker.memory_manager.memory_limit
        memory = float(limit) if limit else info.offers.get("memory_bytes")
        if memory:
            offers["memory_bytes"] = memory
        return self._worker.address, offers
