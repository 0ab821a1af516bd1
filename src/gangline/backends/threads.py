"""Engines that are threads of this process: for work that waits, such as commands, downloads and batch jobs."""

from __future__ import annotations

import ctypes
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any, cast

from gangline._engine.capture import Capture
from gangline._engine.context import EngineContext
from gangline.backends import local
from gangline.backends.place import core_count, local_engine
from gangline.errors import UsageError
from gangline.messages import (
    Attempt,
    BackendEvent,
    EngineId,
    EngineJoined,
    EngineLost,
    Finished,
    Output,
    Payload,
    TaskId,
)
from gangline.ports import Inbox

__all__ = ["ThreadsBackend"]

_MAX_DEFAULT_ENGINES = 32


class ThreadsBackend:
    """Threads of this process, each with a namespace of its own. Functions and arguments are used as they are.

    A thread cannot be ended by force: `kill` abandons it, which means that another engine takes its place and that
    whatever its task still does no longer counts.

    Args:
        engines: How many, where `start` is not told.
    """

    name = "threads"

    def __init__(self, engines: int | None = None) -> None:
        self._default = engines or min(_MAX_DEFAULT_ENGINES, core_count() + 4)
        self._routing = local.Routing()
        self._engines: dict[EngineId, _EngineThread] = {}

    def start(self, inbox: Inbox, engines: int | None) -> None:
        """Bring up that many engines (None: as many as the backend was made for)."""
        self._inbox = inbox
        self.add_engines(self._default if engines is None else engines)

    def add_engines(self, count: int) -> None:
        """Bring up more."""
        for _ in range(count):
            engine = self._inbox.new_engine_id()
            thread = self._engines[engine] = _EngineThread(engine, self._inbox, self._routing)
            thread.start()

    def stop_engine(self, engine: EngineId) -> None:
        """End one engine: at once when it is idle, else by abandoning it."""
        if thread := self._engines.pop(engine, None):
            thread.abandon("stopped")

    def stop(self, timeout_s: float) -> None:
        """End all engines; tasks that take longer than that are abandoned."""
        threads = list(self._engines.values())
        self._engines.clear()
        for thread in threads:
            thread.recall()
            thread.queue.put(None)
        deadline = time.monotonic() + timeout_s
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def prepare(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Payload:
        """Make a call ready; nothing is copied."""
        return local.prepare(function, args, kwargs)

    def send(self, engine: EngineId, tasks: Sequence[tuple[TaskId, Payload]]) -> None:
        """Give tasks to an engine, which runs them in this order."""
        if thread := self._engines.get(engine):
            for item in cast(Sequence[tuple[TaskId, local.LocalCall]], tasks):
                thread.queue.put(item)

    def recall(self, engine: EngineId) -> Sequence[TaskId]:
        """Take back what the engine has not begun."""
        thread = self._engines.get(engine)
        return [] if thread is None else thread.recall()

    def interrupt(self, engine: EngineId, task: TaskId) -> None:
        """Raise KeyboardInterrupt in the task, as soon as it runs Python code; it cannot be woken from a wait."""
        if thread := self._engines.get(engine):
            thread.interrupt(task)

    def kill(self, engine: EngineId, reason: str) -> None:
        """Abandon the engine and start another one in its place."""
        if thread := self._engines.pop(engine, None):
            thread.abandon(reason)
            self.add_engines(1)

    def signal_engine(self, engine: EngineId, signum: int) -> None:
        """Refuse: the engines are no processes.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"engine {engine} cannot be sent a signal: it is no process of its own, but runs in this one")

    def running(self, engine: EngineId) -> TaskId | None:
        """The task that the engine runs at this moment."""
        thread = self._engines.get(engine)
        return None if thread is None else thread.running

    def turn(self) -> Sequence[BackendEvent]:
        """Nothing: these engines have threads of their own."""
        return ()


class _LiveCapture(Capture):
    """Reports at once what a task writes."""

    __slots__ = ("_report",)

    def __init__(self, report: Callable[[str, Any], None]) -> None:
        super().__init__()
        self._report = report

    def add(self, stream: str, content: Any) -> None:
        super().add(stream, content)
        for what, piece in self.news():
            self._report(what, piece)


class _EngineThread(threading.Thread):
    """One engine. It reports each task as it ends, since the next one may take long."""

    def __init__(self, engine: EngineId, inbox: Inbox, routing: local.Routing) -> None:
        super().__init__(name=f"gangline-engine-{engine}", daemon=True)
        self.queue: SimpleQueue[tuple[TaskId, local.LocalCall] | None] = SimpleQueue()
        self.running: TaskId | None = None
        self._engine = engine
        self._inbox = inbox
        self._routing = routing
        self._abandoned = False
        self._interrupted = False
        self._lock = threading.Lock()  # decides between the end of a task and an interrupt or the engine's end
        names = {"__name__": "__main__", "__builtins__": __builtins__}
        self._context = EngineContext(names, engine, uuid.uuid4().hex)

    def run(self) -> None:
        """Announce the engine and run what comes."""
        self._inbox.put(EngineJoined(self._engine, local_engine(self._context.uuid, os.getpid())))
        while (item := self.queue.get()) is not None and self._begin(item[0]):
            task, call = item
            attempt = self._attempt(task, call)
            with self._lock:
                self.running = None
                if not self._abandoned:
                    self._inbox.put(Finished(self._engine, [attempt]))
            del item, call, attempt
        self._context.close()

    def _begin(self, task: TaskId) -> bool:
        """From here on the task counts as started; False when the engine has been abandoned before."""
        with self._lock:
            if not self._abandoned:
                self.running = task
            return not self._abandoned

    def _attempt(self, task: TaskId, call: local.LocalCall) -> Attempt:
        def report(stream: str, content: Any) -> None:
            if not self._abandoned:
                self._inbox.put(Output(self._engine, task, stream, content))

        return local.run_local(self._context, self._routing, task, call, _LiveCapture(report), self._calm)

    def _calm(self) -> None:
        """From here on no interrupt is delivered any more. Still it is the task that runs, until it is reported."""
        with self._lock:
            self._context.interruptible = False
            if self._interrupted:
                # Only then: in CPython 3.11 the call slows down all threads for good, and hangs those with a profiler.
                self._interrupted = False
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident or 0), None)

    def interrupt(self, task: TaskId) -> None:
        with self._lock:
            if self.running == task and self._context.interruptible:
                self._interrupted = True
                kind = ctypes.py_object(KeyboardInterrupt)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident or 0), kind)

    def recall(self) -> list[TaskId]:
        tasks: list[TaskId] = []
        while True:
            try:
                item = self.queue.get_nowait()
            except Empty:
                return tasks
            if item is not None:
                tasks.append(item[0])

    def abandon(self, reason: str) -> None:
        with self._lock:
            self._abandoned = True
            running = frozenset() if self.running is None else frozenset({self.running})
        self.recall()
        self.queue.put(None)
        self._inbox.put(EngineLost(self._engine, reason, running))
