"""What a task can know about the engine that runs it, and where it leaves what it publishes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gangline._engine.capture import Capture
from gangline.messages import TaskId

if TYPE_CHECKING:
    import asyncio

__all__ = ["EngineContext", "current", "enter", "set_process_context"]


class EngineContext:
    """One engine, as seen from within.

    Attributes:
        namespace: The persistent names of this engine: its ``__main__``.
        engine_id: Its number in its session.
        uuid: Its own name, never used twice.
        task: The task that runs now, or None.
        capture: What the running task has written so far.
        captured: The names in the namespace that came along with functions, with the values that came.
        interruptible: Whether the task's own code is running, so that it may be interrupted.
    """

    __slots__ = ("_runner", "capture", "captured", "engine_id", "interruptible", "namespace", "task", "uuid")

    def __init__(self, namespace: dict[str, Any], engine_id: int, uuid: str) -> None:
        self.namespace = namespace
        self.engine_id = engine_id
        self.uuid = uuid
        self.task: TaskId | None = None
        self.interruptible = False
        self.capture = Capture()
        self.captured: dict[str, Any] = {}
        self._runner: asyncio.Runner | None = None

    def publish(self, data: Mapping[str, Any]) -> None:
        """Hand data to the client while the task runs; later keys replace earlier ones."""
        self.capture.add("data", dict(data))

    def display(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        """Hand a rich representation (MIME type to content) to the client."""
        self.capture.add("display", {"data": dict(data), "metadata": dict(metadata)})

    def fill(self, captured: Mapping[str, Any]) -> None:
        """Take in globals that came along with a function of the client's ``__main__``.

        A name that the user has put into the namespace wins; one that came along with an earlier function is refreshed.
        """
        namespace, ours = self.namespace, self.captured
        for name, value in captured.items():
            if name not in namespace or (name in ours and namespace[name] is ours[name]):
                namespace[name] = ours[name] = value

    def claim(self, *names: str) -> None:
        """Mark names as put by the user, so that no captured global replaces them."""
        for name in names:
            self.captured.pop(name, None)

    def run_coroutine(self, coroutine: Any) -> Any:
        """Await a coroutine; those of one engine share an event loop, unless the calling thread runs one already."""
        import asyncio  # only tasks that are coroutines pay for it

        if asyncio._get_running_loop() is not None:  # inline, in a notebook
            return _run_beside(coroutine)
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(coroutine)

    def close(self) -> None:
        """End what the engine keeps between tasks."""
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()


def _run_beside(coroutine: Any) -> Any:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, coroutine).result()


class _Local(threading.local):
    context: EngineContext | None = None


_local = _Local()
_process_context: EngineContext | None = None


def current() -> EngineContext | None:
    """The engine on which this code runs: None in a plain client process."""
    return _local.context or _process_context


def enter(context: EngineContext | None) -> EngineContext | None:
    """Make this thread run on that engine, or on none; gives what it was before."""
    before, _local.context = _local.context, context
    return before


def set_process_context(context: EngineContext) -> None:
    """Make this whole process, with all its threads, one engine, and its ``__main__`` the engine's namespace."""
    global _process_context
    _process_context = context
    main = type(sys)("__main__")
    main.__dict__.update(context.namespace)
    main.__dict__["__builtins__"] = __builtins__
    context.namespace = main.__dict__
    sys.modules["__main__"] = main
