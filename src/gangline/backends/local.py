"""Tasks that run in this very process: called by reference, their output told apart by thread."""

from __future__ import annotations

import builtins
import logging
import threading
import time
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from gangline._engine.capture import Capture, TaskStreams
from gangline._engine.closure import captured_globals, global_names
from gangline._engine.context import EngineContext, current, enter
from gangline._engine.execute import ERROR, OK, UNMET, failure_of, run_task
from gangline._engine.logs import TaskLogHandler
from gangline.backends.kinds import kind_of
from gangline.messages import Attempt, Status, TaskId

__all__ = ["LocalCall", "Routing", "prepare", "run_local"]

_STATUS = {OK: Status.OK, UNMET: Status.UNMET}
_CALL_BYTES = 256


class LocalCall:
    """The payload of one task: the call itself."""

    __slots__ = ("args", "function", "kind", "kwargs", "size_bytes")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.kind = kind_of(function)
        self.size_bytes = _CALL_BYTES


def prepare(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> LocalCall:
    """Make a call ready. Nothing is copied: the task sees the very objects that it was given."""
    return LocalCall(function, args, dict(kwargs))


class Routing:
    """Tells apart what tasks on different threads write.

    While none runs, `sys.stdout`, `sys.stderr` and logging are untouched.

    Args:
        tee: Show what tasks write at once as well.
    """

    def __init__(self, *, tee: bool = False) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._handler = TaskLogHandler(_capture_here)
        self._streams = TaskStreams(_capture_here, tee=tee)

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._streams.place()
                logging.getLogger().addHandler(self._handler)

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._streams.remove()
                logging.getLogger().removeHandler(self._handler)


def _capture_here() -> Capture | None:
    context = current()
    return context.capture if context is not None and context.task is not None else None


def _nothing() -> None:
    """For engines whose tasks are not interrupted."""


def run_local(
    context: EngineContext,
    routing: Routing,
    task: TaskId,
    call: LocalCall,
    capture: Capture,
    calm: Callable[[], None] = _nothing,
) -> Attempt:
    """Run a task on this thread, as on that engine. Tasks may be nested: one may wait for others and so run them.

    Args:
        context: The engine.
        routing: Where its output is told apart.
        task: The task's number.
        call: What to call.
        capture: Takes what the task writes.
        calm: Called as soon as the task has ended: no interrupt is delivered after it. One that takes effect before is
            the task's own, so that it cannot upset what comes next.
    """
    outer = enter(context)
    outer_task, outer_capture = context.task, context.capture
    context.capture = capture
    try:
        with routing:
            started_at = time.time()
            try:
                try:
                    status, value = run_task(context, task, _at_home(call.function, context), call.args, call.kwargs)
                finally:
                    calm()
            except KeyboardInterrupt as late:
                status, value = ERROR, failure_of(late)
            completed_at = time.time()
    finally:
        context.task, context.capture = outer_task, outer_capture
        enter(outer)
    extras = capture.take() if capture.dirty else None
    return Attempt(task, _STATUS.get(status, Status.ERROR), value, started_at, completed_at, extras)


def _at_home(function: Callable[..., Any], context: EngineContext) -> Callable[..., Any]:
    """The function, but one of ``__main__`` that uses names which only the engine has gets the engine's names."""
    if type(function) is not FunctionType or function.__module__ != "__main__":
        return function
    scope = function.__globals__
    if all(name in scope or hasattr(builtins, name) for name in global_names(function.__code__)):
        return function
    context.fill(captured_globals(function))
    rebuilt = FunctionType(
        function.__code__, context.namespace, function.__name__, function.__defaults__, function.__closure__
    )
    rebuilt.__kwdefaults__ = function.__kwdefaults__
    rebuilt.__dict__.update(function.__dict__)
    return rebuilt
