"""Between core and backend: feeds the one with what happens, and has the other carry out what it answers.

Rules:
- `lock` guards the core's state and the backend. It is held for as long as one event takes, never while user code runs
  and never while anything waits.
- Listeners are called, and interrupts raised, after the lock was released: by `settle`. All are called, also when an
  interrupt comes meanwhile: it is held back until they have been, unless one of them waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

from gangline._core import machine
from gangline._core.commands import Command, Dismiss, Dispatch, Interrupt, Kill, Recall, Resolve, Succeed
from gangline._core.state import CoreState
from gangline._core.task import Task
from gangline._runtime import interrupts
from gangline._runtime.handle import Handle
from gangline._runtime.loop import Loop
from gangline._runtime.poller import OnReady
from gangline._runtime.retention import Retention
from gangline.errors import GanglineError, InternalError
from gangline.messages import (
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
from gangline.ports import Backend

_log = logging.getLogger("gangline")

EngineEvent = EngineJoined | EngineLost
EngineListener = Callable[[EngineEvent], None]


class Conductor:
    """The core, the backend and the loop of one session, and the lock around them. The backend's inbox.

    Attributes:
        state: The core's.
        lock: To be held for every use of state and backend.
        retained: Tasks by number.
        engine_infos: Every engine that ever joined.
        engine_listeners: Whom to tell of engines.
        next_task: The number of the next task.
        unsettled: There is something for `settle` to do.
        interrupted: An interrupt was held back while the state was being changed.
        telling: The main thread is calling listeners.
        stepwise: Tasks of an inline backend run when `run_next` is called, not as soon as they can.
        unusable: Why nothing can be submitted any more, if so.
        epoch: What to add to a monotonic time to get seconds since the epoch.
    """

    def __init__(self, backend: Backend, state: CoreState, name: str) -> None:
        self.state = state
        self.backend = backend
        self.lock = threading.RLock()
        self.retained = Retention()
        self.engine_infos: dict[EngineId, EngineInfo] = {}
        self.engine_listeners: list[EngineListener] = []
        self.interrupted = False
        self.telling = False
        self.stepwise = False
        self.unusable: str | None = None
        self.epoch = max(time.time() - time.monotonic() for _ in range(3))  # a pause in between makes it too small
        self.loop = Loop(self, name)
        self._inline = threading.RLock() if backend.name == "inline" else None
        self.next_task = TaskId(0)
        self._next_engine = 0
        self.unsettled = self._inline is not None
        self._over = False
        self._resolved: list[Handle] = []
        self._engine_events: list[EngineEvent] = []

    def start(self, engines: int | None) -> None:
        """Start the engines and the loop."""
        interrupts.guard(self)
        with self.lock:
            self.backend.start(self, engines)
        if self._inline is None:
            self.loop.start()
        self.settle()

    def carry_out(self, commands: Sequence[Command]) -> None:
        """Do what the core asks for; with the lock held."""
        for command in commands:
            if type(command) is Succeed:
                self._succeed(command)
            elif type(command) is Dispatch:
                self.backend.send(command.engine, [(task.id, task.payload) for task in command.tasks])
            else:
                self._carry_out_rare(command)

    def resolve(self, command: Resolve) -> None:
        """Enter into a handle how its task ended; with the lock held."""
        handle, attempt, error = command
        assert isinstance(handle, Handle)
        received_at = time.monotonic() + self.epoch
        if error is not None:
            handle.fail(_failure_of(error), None, received_at)
        else:
            assert attempt is not None
            handle.fail(attempt.value, attempt, received_at)
        self._finish(handle)

    def _succeed(self, command: Succeed) -> None:
        received_at = time.monotonic() + self.epoch
        for handle, attempt in zip(cast(list[Handle], command.tasks), command.attempts, strict=True):
            handle.succeed(attempt, received_at)
            self._finish(handle)

    def _finish(self, handle: Handle) -> None:
        self.retained.add(handle)
        self.unsettled = True
        if handle.listeners is not None:
            self._resolved.append(handle)

    def settle(self) -> None:
        """What a thread that has submitted or ordered something does after it released the lock."""
        if self._inline is None:
            self.unsettled = False
        elif not self.stepwise:
            self._turn_inline()
        self._tell_all()

    def wait(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """As the loop's; a listener that waits can be interrupted."""
        if not (self.telling and on_main_thread()):
            return self.loop.wait(condition, timeout_s)
        self.telling = False
        try:
            return self.loop.wait(condition, timeout_s)
        finally:
            self.telling = True

    def run_next(self) -> bool:
        """Run the next task of an inline backend on this thread; whether there was one."""
        ran = self._turn_inline(once=True)
        self._tell_all()
        return ran

    def _tell_all(self) -> None:
        self._tell_listeners()
        self.loop.notify()
        self.raise_interrupt()

    def raise_interrupt(self) -> None:
        """Raise the interrupt that was held back, if this is the thread and the moment for it."""
        if self.interrupted_here() and not self.in_critical_section():
            self.interrupted = False
            raise KeyboardInterrupt

    # The inbox ------------------------------------------------------------------------------------------------

    def put(self, event: BackendEvent) -> None:
        """Take an event from the backend."""
        self.loop.put(event)

    def watch(self, fd: int, on_readable: OnReady) -> None:
        """Watch a descriptor for the backend."""
        self.loop.poller.watch(fd, on_readable)

    def unwatch(self, fd: int) -> None:
        """Watch a descriptor no more."""
        self.loop.poller.unwatch(fd)

    def new_engine_id(self) -> EngineId:
        """A number for an engine that is about to join."""
        with self.lock:
            self._next_engine += 1
            return EngineId(self._next_engine - 1)

    def waiting(self) -> int:
        """How many tasks would be sent at this moment if there were more engines."""
        with self.lock:
            return self.state.lanes.open_to_all

    # The loop's owner -----------------------------------------------------------------------------------------

    def take_in(self, ready: list[OnReady], events: list[BackendEvent]) -> None:
        """Let the core have what has happened; by the thread that turns the loop."""
        with self.lock:
            for on_ready in ready:
                events.extend(on_ready())
            if self._over:  # engines that end may still report what the core does not know any more
                return
            for event in events:
                self._on_event(event)
            wake_at = self.state.timers.next_at()
            if wake_at is not None and wake_at <= (now := time.monotonic()):
                self.carry_out(machine.on_tick(self.state, now))
        if self._inline is not None:
            self._turn_inline()
        else:
            self.unsettled = False
        if self._resolved or self._engine_events:
            self._tell_listeners()

    def next_wake(self) -> float | None:
        """When the core has something to do by itself."""
        return None if self._over else self.state.timers.next_at()

    def interrupted_here(self) -> bool:
        """Whether an interrupt was held back that the calling thread has to raise."""
        return self.interrupted and on_main_thread()

    def end_wait(self) -> None:
        """Raise the interrupt that was held back; within a turn too, since a task of the inline backend may wait."""
        if self.interrupted_here() and not self.lock._is_owned():  # type: ignore[attr-defined]
            self.interrupted = False
            raise KeyboardInterrupt

    def submitted(self) -> int:
        """How many tasks have been submitted so far."""
        return self.next_task

    def crash(self, error: Exception) -> None:
        """The scheduler itself has failed: nothing can be relied on, and everybody who waits must hear of it."""
        bug = InternalError(f"the scheduler failed, which is a bug in Gangline: {type(error).__name__}: {error}")
        bug.__cause__ = error
        _log.critical("%s", bug, exc_info=error)
        with self.lock:
            self.unusable = str(bug)
            self.resolve_all(lambda task: bug)
        try:
            self._tell_listeners()
        finally:
            self.loop.notify()

    def resolve_all(self, error_for: Callable[[Task], GanglineError]) -> None:
        """End all that has not ended, each task with an error of its own, and leave no engine; with the lock held."""
        for task in list(self.state.tasks.values()):
            self.resolve(Resolve(task, None, error_for(task)))
        self.state.tasks.clear()
        self.state.engines.clear()
        self._over = True

    def in_critical_section(self) -> bool:
        """Whether the calling thread is changing the state, so that it must not be interrupted."""
        lock_is_mine = self.lock._is_owned()  # type: ignore[attr-defined]
        return lock_is_mine or self.loop.turned_by_me() or (self.telling and on_main_thread())

    def _on_event(self, event: BackendEvent) -> None:
        state, now = self.state, time.monotonic()
        if isinstance(event, Finished):
            commands = machine.on_finished(state, event.engine, event.attempts, now)
        elif isinstance(event, Returned):
            commands = machine.on_returned(state, event.engine, event.tasks, now)
        elif isinstance(event, Output):
            handle = state.tasks.get(event.task)
            if isinstance(handle, Handle):
                handle.write(event.stream, event.content)
            return
        elif isinstance(event, EngineJoined):
            self.engine_infos[event.engine] = event.info
            self._on_engine_event(event)
            commands = machine.on_engine_joined(state, event.engine, event.info, now)
        else:
            self._on_engine_event(event)
            commands = machine.on_engine_lost(state, event.engine, event.reason, event.running, now)
        self.carry_out(commands)

    def _on_engine_event(self, event: EngineEvent) -> None:
        self._engine_events.append(event)
        self.unsettled = True

    def _carry_out_rare(self, command: Command) -> None:
        match command:
            case Resolve():
                self.resolve(command)
            case Recall(engine):
                returned = self.backend.recall(engine)
                if returned:
                    self.carry_out(machine.on_returned(self.state, engine, returned, time.monotonic()))
            case Interrupt(engine, task):
                self.backend.interrupt(engine, task.id)
            case Kill(engine, reason):
                self.backend.kill(engine, reason)
            case Dismiss(engine):
                self.backend.stop_engine(engine)

    def _tell_listeners(self) -> None:
        if not self._resolved and not self._engine_events:
            return
        if self._inline is not None or self.telling or not on_main_thread():
            self._call_listeners()
            return
        self.telling = True
        try:
            self._call_listeners()
        finally:
            self.telling = False

    def _call_listeners(self) -> None:
        while self._resolved or self._engine_events:
            with self.lock:
                resolved, self._resolved = self._resolved, []
                events, self._engine_events = self._engine_events, []
                listeners = list(self.engine_listeners)
            for event in events:
                for listener in listeners:
                    listener(event)
            for handle in resolved:
                for each in handle.take_listeners():
                    each(handle)

    def _turn_inline(self, *, once: bool = False) -> bool:
        """Run on this thread what an inline backend has to do, unless another thread is at it and will do this too.

        Args:
            once: Run one task at most.

        Returns:
            Whether one was run.
        """
        assert self._inline is not None
        ran = False
        if not self._inline.acquire(blocking=False):
            return ran
        try:
            while not (ran and once) and (events := self.backend.turn()):
                ran = True
                with self.lock:
                    for event in events:
                        self._on_event(event)
        finally:
            self._inline.release()
        return ran


def on_main_thread() -> bool:
    """Whether this is the thread that interrupts are raised in."""
    return threading.current_thread() is threading.main_thread()


def _failure_of(error: GanglineError) -> Failure:
    return Failure(error, type(error).__name__, str(error), "")
