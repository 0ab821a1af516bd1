"""Engines that are the caller's own thread: tasks run while somebody waits for them. For debugging; `pdb` works."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from gangline._engine.capture import Capture
from gangline._engine.context import EngineContext
from gangline.backends import local
from gangline.backends.place import local_engine
from gangline.errors import UsageError
from gangline.messages import (
    BackendEvent,
    EngineId,
    EngineJoined,
    EngineLost,
    Finished,
    Payload,
    TaskId,
)
from gangline.ports import Inbox

__all__ = ["InlineBackend"]


class InlineBackend:
    """Runs one task in each `turn`, in the order in which they were sent. What it prints is shown at once and kept.

    Several engines are as many namespaces that take turns in the one thread, so that a program that speaks of
    engines means the same here as elsewhere.
    """

    name = "inline"

    def __init__(self) -> None:
        self._routing = local.Routing(tee=True)
        self._queues: dict[EngineId, deque[tuple[TaskId, local.LocalCall]]] = {}
        self._contexts: dict[EngineId, EngineContext] = {}
        self._running: dict[EngineId, list[TaskId]] = {}

    def start(self, inbox: Inbox, engines: int | None) -> None:
        """Announce that many engines; None is one."""
        self._inbox = inbox
        self.add_engines(1 if engines is None else engines)

    def _join(self) -> None:
        engine, name = self._inbox.new_engine_id(), os.urandom(16).hex()
        self._contexts[engine] = EngineContext({"__name__": "__main__", "__builtins__": __builtins__}, engine, name)
        self._queues[engine] = deque()
        self._running[engine] = []
        self._inbox.put(EngineJoined(engine, local_engine(name, os.getpid())))

    def add_engines(self, count: int) -> None:
        """Announce more engines."""
        for _ in range(count):
            self._join()

    def stop_engine(self, engine: EngineId) -> None:
        """End the engine."""
        self._leave(engine, "stopped")

    def stop(self, timeout_s: float) -> None:
        """End the engine."""
        for engine in list(self._queues):
            del self._queues[engine], self._running[engine]
            self._contexts.pop(engine).close()

    def _leave(self, engine: EngineId, reason: str) -> bool:
        if self._queues.pop(engine, None) is None:
            return False
        self._contexts.pop(engine).close()
        self._inbox.put(EngineLost(engine, reason, frozenset(self._running.pop(engine))))
        return True

    def prepare(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Payload:
        """Make a call ready; nothing is copied."""
        return local.prepare(function, args, kwargs)

    def send(self, engine: EngineId, tasks: Sequence[tuple[TaskId, Payload]]) -> None:
        """Put tasks behind those that wait for a turn."""
        if (queue := self._queues.get(engine)) is not None:
            queue.extend(cast(Sequence[tuple[TaskId, local.LocalCall]], tasks))

    def recall(self, engine: EngineId) -> Sequence[TaskId]:
        """Take back what has not had its turn."""
        queue = self._queues.get(engine, deque())
        return [queue.popleft()[0] for _ in range(len(queue))]

    def interrupt(self, engine: EngineId, task: TaskId) -> None:
        """Nothing: while a task runs, the thread that could ask for it is busy with it. Ctrl-C works as ever."""

    def kill(self, engine: EngineId, reason: str) -> None:
        """Forget the engine's names and start anew. A task that runs goes on, but its result does not count."""
        if self._leave(engine, reason):
            self._join()

    def signal_engine(self, engine: EngineId, signum: int) -> None:
        """Refuse: the engines are no processes.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"engine {engine} cannot be sent a signal: it is no process of its own, but runs in this one")

    def running(self, engine: EngineId) -> TaskId | None:
        """The task that has its turn."""
        running = self._running.get(engine)
        return running[-1] if running else None

    def turn(self) -> Sequence[BackendEvent]:
        """Run the next task."""
        for engine, queue in list(self._queues.items()):
            try:
                task, call = queue.popleft()
            except IndexError:
                continue
            return self._run(engine, task, call)
        return ()

    def _run(self, engine: EngineId, task: TaskId, call: local.LocalCall) -> Sequence[BackendEvent]:
        running = self._running[engine]
        running.append(task)
        try:
            attempt = local.run_local(self._contexts[engine], self._routing, task, call, Capture())
        finally:
            running.remove(task)
        return (Finished(engine, [attempt]),) if engine in self._queues else ()
