"""The small interfaces between the layers: what the runtime asks of a backend, and what a backend may ask of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from gangline.messages import BackendEvent, EngineId, Payload, TaskId


class Clock(Protocol):
    """Where the time comes from."""

    def monotonic(self) -> float:
        """Seconds that never go back; for durations and deadlines."""

    def time(self) -> float:
        """Seconds since the epoch; for people."""


class Inbox(Protocol):
    """Where a backend hands in what happened. One for each session; every method may be called from any thread.

    What is watched is called with the session's lock held.
    """

    def put(self, event: BackendEvent) -> None:
        """Hand in an event from any thread; the loop wakes up for it."""

    def watch(self, fd: int, on_readable: Callable[[], Sequence[BackendEvent]]) -> None:
        """Call `on_readable` on the loop whenever `fd` is readable, and take in the events that it returns."""

    def unwatch(self, fd: int) -> None:
        """Stop watching; unknown descriptors are ignored."""

    def new_engine_id(self) -> EngineId:
        """A number for an engine that is about to join."""

    def waiting(self) -> int:
        """How many tasks would be sent at this moment if there were more engines."""


class Backend(Protocol):
    """What provides engines and carries tasks to them.

    `prepare` may be called from any thread. All other methods are called by one thread at a time, with the session's
    lock held, and must not block nor call back into the session: they answer through the inbox.
    """

    name: str

    def start(self, inbox: Inbox, engines: int | None) -> None:
        """Begin to bring up that many engines (None: as many as suit the place). Each announces itself."""

    def add_engines(self, count: int) -> None:
        """Begin to bring up more."""

    def stop_engine(self, engine: EngineId) -> None:
        """End one engine, gently if it is idle; it is not replaced."""

    def stop(self, timeout_s: float) -> None:
        """End everything; after `timeout_s` by force. Nothing is left running. May block."""

    def prepare(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Payload:
        """Make a call ready to travel.

        Raises:
            Unpicklable: naming the argument that cannot travel, and why.
        """

    def send(self, engine: EngineId, tasks: Sequence[tuple[TaskId, Payload]]) -> None:
        """Carry tasks to an engine, which runs them in this order."""

    def recall(self, engine: EngineId) -> Sequence[TaskId]:
        """Take back at once what the engine has not begun to read; more may come later as `Returned`."""

    def interrupt(self, engine: EngineId, task: TaskId) -> None:
        """Raise KeyboardInterrupt in the task if it is the one running there."""

    def kill(self, engine: EngineId, reason: str) -> None:
        """End the engine by force, with its whole process group; it is replaced where that is this backend's way."""

    def signal_engine(self, engine: EngineId, signum: int) -> None:
        """Send a signal to the engine's process, where it has one of its own.

        Raises:
            UsageError: this backend's engines are no processes.
        """

    def running(self, engine: EngineId) -> TaskId | None:
        """The task that the engine runs at this moment, if it can be told."""

    def turn(self) -> Sequence[BackendEvent]:
        """Do what must be done on the caller's own thread (`inline` runs one task); called without the lock."""
