"""A session: one core, one backend, one loop. What every front end submits its tasks to.

Rules:
- `lock` guards the core's state and the backend. It is held for as long as one event takes, never while user code runs
  and never while anything waits.
- Listeners are called, and interrupts raised, after the lock was released.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from gangline._core import machine
from gangline._core.commands import Command, Dismiss, Dispatch, Interrupt, Kill, Recall, Resolve
from gangline._core.explain import explain
from gangline._core.state import CoreState
from gangline._runtime import interrupts
from gangline._runtime.handle import Handle
from gangline._runtime.loop import Loop
from gangline._runtime.poller import OnReady
from gangline._runtime.retention import Retention
from gangline.errors import SessionClosed, TaskCancelled, TaskError, UsageError
from gangline.messages import (
    PLAIN,
    BackendEvent,
    EngineId,
    EngineInfo,
    EngineJoined,
    EngineLost,
    Failure,
    Finished,
    Output,
    Payload,
    Returned,
    Scheme,
    Status,
    TaskId,
    Terms,
)
from gangline.ports import Backend

Call = tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]
EngineListener = Callable[[EngineJoined | EngineLost], None]

_NOTHING: Mapping[str, Any] = {}
_STOP_TIMEOUT_S = 5.0


class Session:
    """Takes tasks in, has them run, and says what became of them. Every method may be called from any thread.

    Args:
        backend: What provides the engines. The session starts and stops it.
        engines: How many; None is as many as suit the place.
        scheme: How an engine is chosen among those that may run a task.
        seed: For the schemes that draw; None is a different one each time.

    Raises:
        BackendError: the engines cannot be started.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        engines: int | None = None,
        scheme: Scheme = Scheme.LEASTLOAD,
        seed: int | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.backend = backend
        self.lock = threading.RLock()
        self.closed = False
        self.interrupted = False
        if seed is None:
            seed = int.from_bytes(os.urandom(8), "little")
        self._state = CoreState(scheme=scheme, seed=seed, prefix=self.id)
        self._retained = Retention()
        self._infos: dict[EngineId, EngineInfo] = {}
        self._engine_listeners: list[EngineListener] = []
        self._engine_events: list[EngineJoined | EngineLost] = []
        self._resolved: list[Handle] = []
        self._next_task = 0
        self._next_engine = 0
        self._epoch = time.time() - time.monotonic()
        self._unusable: str | None = None
        self._loop = Loop(self, name=f"gangline-{self.id[:8]}")
        self._news = False
        self._inline = threading.RLock() if backend.name == "inline" else None
        _live.add(self)
        interrupts.guard(self)
        with self.lock:
            backend.start(self, engines)
        if self._inline is None:
            self._loop.start()
        else:
            self._settle()

    # What front ends ask for ---------------------------------------------------------------------------------

    @property
    def engines(self) -> dict[EngineId, EngineInfo]:
        """The live engines, by number; a copy."""
        with self.lock:
            return {engine.id: engine.info for engine in self._state.engines.values()}

    def engine_info(self, engine: EngineId) -> EngineInfo | None:
        """An engine of this session, live or gone."""
        return self._infos.get(engine)

    def submit(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] = _NOTHING,
        terms: Terms = PLAIN,
        *,
        name: str | None = None,
        expected_s: float | None = None,
    ) -> Handle:
        """Have a function run on an engine, under these terms.

        Args:
            function: What is to be called.
            args: Its positional arguments.
            kwargs: Its keyword arguments.
            terms: When and where it may run.
            name: For people; None is the function's own.
            expected_s: How long it will take, if that is known; else it is learnt.

        Raises:
            SessionClosed: the session is closed, or belongs to the process that this one was forked from.
            Unpicklable: an argument cannot travel; nothing was submitted.
        """
        if self._unusable is not None:
            self.check_usable()
        payload = self.backend.prepare(function, args, kwargs)
        with self.lock:
            now = time.monotonic()
            handle = self._new_handle(payload, terms, expected_s, name or _name_of(function), now)
            commands = machine.on_submitted(self._state, (handle,), now)
            if commands:
                self._carry_out(commands)
            self._loop.wake_by(self._state.timers.next_at())
        self._settle()
        return handle

    def submit_many(
        self, calls: Iterable[Call], terms: Terms = PLAIN, *, expected_s: float | None = None
    ) -> list[Handle]:
        """Submit several calls at once, which costs less than one by one.

        Raises:
            SessionClosed: as `submit`.
            Unpicklable: as `submit`; nothing was submitted.
        """
        self.check_usable()
        prepare = self.backend.prepare
        prepared = [(prepare(*call), _name_of(call[0])) for call in calls]
        with self.lock:
            now = time.monotonic()
            handles = [self._new_handle(payload, terms, expected_s, name, now) for payload, name in prepared]
            self._carry_out(machine.on_submitted(self._state, handles, now))
            self._loop.wake_by(self._state.timers.next_at())
        self._settle()
        return handles

    def resubmit(self, handle: Handle) -> Handle:
        """Run a finished task again, under the same terms.

        Raises:
            UsageError: it has not finished.
            SessionClosed: as `submit`.
        """
        self.check_usable()
        if handle.status is None:
            raise UsageError(
                f"task {self._state.name(handle.id)} is still {handle.state.name.lower()}; "
                "only a finished task can be resubmitted"
            )
        with self.lock:
            now = time.monotonic()
            again = self._new_handle(handle.payload, handle.terms, handle.expected_s, handle.name, now)
            self._carry_out(machine.on_submitted(self._state, (again,), now))
            self._loop.wake_by(self._state.timers.next_at())
        self._settle()
        return again

    def wait(self, handles: Iterable[Handle], timeout_s: float | None = None) -> bool:
        """Wait until all of these tasks are done.

        Returns:
            Whether they are; False when the time was over first.
        """
        pending = [handle for handle in handles if handle.status is None]
        if not pending:
            return True

        def all_done() -> bool:
            while pending and pending[-1].status is not None:
                pending.pop()
            return not pending

        pending.reverse()
        return self.wait_for(all_done, timeout_s)

    def wait_for(self, condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait until a condition holds; it is asked again after everything that happens, and must be cheap.

        Returns:
            Whether it holds; False when the time was over first.
        """
        if self._unusable is not None and not condition():
            self.check_usable()
        held = self._loop.wait(condition, timeout_s)
        self._raise_interrupt()
        if not held and self._unusable is not None:
            self.check_usable()
        return held

    def cancel(self, handle: Handle, *, interrupt: bool = False) -> bool:
        """Take a task back.

        Args:
            handle: The task.
            interrupt: If it runs already, raise KeyboardInterrupt in it.

        Returns:
            Whether it is, or is about to be, cancelled; False if it runs and runs on.

        Raises:
            UsageError: it has finished.
        """
        self.check_usable()
        with self.lock:
            if handle.status is not None:
                raise UsageError(f"task {self._state.name(handle.id)} has already finished ({handle.status})")
            engine = handle.engine
            now = time.monotonic()
            self._carry_out(machine.on_cancelled(self._state, handle.id, now, interrupt=interrupt))
            runs_on = (
                handle.status is None
                and not interrupt
                and engine is not None
                and self.backend.running(engine) == handle.id
            )
            if runs_on:
                machine.on_cancel_withdrawn(self._state, handle.id)
        self._settle()
        return not runs_on

    def find(self, task: TaskId) -> Handle | None:
        """A task that has not ended, or one of the last that have."""
        return self._retained.get(task)

    @property
    def handles(self) -> list[Handle]:
        """The tasks that are remembered, in order of submission."""
        with self.lock:
            return list(self._retained)

    def purge(self, handles: Iterable[Handle] | None = None) -> None:
        """Forget finished tasks; None is all of them.

        Raises:
            UsageError: one of them has not finished; none was forgotten.
        """
        with self.lock:
            if handles is None:
                self._retained.forget_finished()
                return
            handles = list(handles)
            for handle in handles:
                if handle.status is None:
                    raise UsageError(f"task {self._state.name(handle.id)} has not finished and cannot be purged")
            for handle in handles:
                self._retained.forget(handle.id)

    def explain(self, handle: Handle) -> list[Any]:
        """Why a task is not running, in reasons that can be printed."""
        with self.lock:
            return list(explain(self._state, handle.id))

    def set_limit(self, name: str, cap: int) -> None:
        """From now on, at most `cap` tasks that name this limit in their terms run at once.

        Raises:
            UsageError: the cap is below 1.
        """
        self.check_usable()
        with self.lock:
            self._carry_out(machine.on_limit_set(self._state, name, cap, time.monotonic()))
        self._settle()

    def unknown_task(self, text: str) -> TaskId:
        """A number to depend on in place of a text that names no task of this session; the error will quote it."""
        with self.lock:
            return self._state.unknown(text)

    @property
    def assigned(self) -> dict[EngineId, list[TaskId]]:
        """What each live engine was sent and has not ended."""
        with self.lock:
            return {engine.id: list(engine.assigned) for engine in self._state.engines.values()}

    @property
    def waiting(self) -> int:
        """How many tasks have not been sent to an engine."""
        with self.lock:
            return len(self._state.tasks) - sum(len(engine.assigned) for engine in self._state.engines.values())

    def running(self, engine: EngineId) -> TaskId | None:
        """The task that an engine runs at this moment, if it can be told."""
        with self.lock:
            return self.backend.running(engine) if engine in self._state.engines else None

    # Engines -------------------------------------------------------------------------------------------------

    def add_engines(self, count: int) -> None:
        """Begin to bring up more engines."""
        self.check_usable()
        with self.lock:
            self.backend.add_engines(count)
        self._settle()

    def stop_engine(self, engine: EngineId) -> None:
        """Stop an engine once it has ended what it runs; what waits there goes to others."""
        self.check_usable()
        with self.lock:
            self._carry_out(machine.on_engine_leaving(self._state, engine, time.monotonic()))
        self._settle()

    def kill_engine(self, engine: EngineId, reason: str = "killed on request") -> None:
        """End an engine at once by force."""
        self.check_usable()
        with self.lock:
            if engine in self._state.engines:
                self.backend.kill(engine, reason)

    def signal_engine(self, engine: EngineId, signum: int) -> None:
        """Send a signal to an engine's process."""
        self.check_usable()
        with self.lock:
            self.backend.signal_engine(engine, signum)

    def add_engine_listener(self, listener: EngineListener) -> None:
        """Call `listener(event)` for each engine that joins or is lost from now on."""
        with self.lock:
            self._engine_listeners.append(listener)

    # The inbox of the backend --------------------------------------------------------------------------------

    def put(self, event: BackendEvent) -> None:
        """Take an event from the backend."""
        self._loop.put(event)

    def watch(self, fd: int, on_readable: OnReady) -> None:
        """Watch a descriptor for the backend."""
        self._loop.poller.watch(fd, on_readable)

    def watch_writable(self, fd: int, on_writable: OnReady) -> None:
        """Tell the backend when a descriptor can be written."""
        self._loop.poller.watch_writable(fd, on_writable)

    def unwatch(self, fd: int) -> None:
        """Watch a descriptor no more."""
        self._loop.poller.unwatch(fd)

    def unwatch_writable(self, fd: int) -> None:
        """Do not ask any more whether a descriptor can be written."""
        self._loop.poller.unwatch_writable(fd)

    def new_engine_id(self) -> EngineId:
        """A number for an engine that is about to join."""
        with self.lock:
            self._next_engine += 1
            return EngineId(self._next_engine - 1)

    # The loop's owner ----------------------------------------------------------------------------------------

    def take_in(self, ready: list[OnReady], events: list[BackendEvent]) -> None:
        """Let the core have what has happened."""
        with self.lock:
            for on_ready in ready:
                events.extend(on_ready())
            for event in events:
                self._on_event(event)
            wake_at = self._state.timers.next_at()
            if wake_at is not None and wake_at <= (now := time.monotonic()):
                self._carry_out(machine.on_tick(self._state, now))
            self._news = False
        if self._inline is not None:
            self._turn_inline()
        if self._resolved or self._engine_events:
            self._call_listeners()

    def next_wake(self) -> float | None:
        """When the core has something to do by itself."""
        return self._state.timers.next_at()

    def in_critical_section(self) -> bool:
        """Whether the calling thread changes the session's state, so that it must not be interrupted."""
        return self.lock._is_owned() or self._loop.turned_by_me()  # type: ignore[attr-defined]

    # Ending --------------------------------------------------------------------------------------------------

    def check_usable(self) -> None:
        """Make sure that the session can be used here and now.

        Raises:
            SessionClosed: it is closed, or this is a fork of the process that it belongs to.
        """
        if self._unusable is not None:
            raise SessionClosed(self._unusable)

    def close(self) -> None:
        """Stop the engines. What has not ended is cancelled. Closing again does nothing."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
            forked = self._unusable is not None
            self._unusable = self._unusable or "the client is closed; make a new one"
            _live.discard(self)
        if forked:
            return
        self.backend.stop(_STOP_TIMEOUT_S)
        with self.lock:
            for task in list(self._state.tasks.values()):
                assert isinstance(task, Handle)
                error = TaskCancelled(f"task {self._state.name(task.id)} was cancelled: its client was closed")
                self._resolve(Resolve(task, None, error))
            self._state.tasks.clear()
        self._call_listeners()
        self._loop.close()

    def disown(self) -> None:
        """This process is a fork of the one that the session belongs to: here it is of no use."""
        self._unusable = (
            "this client belongs to the parent process; a forked child must make its own "
            "(gangline.Client() after the fork)"
        )
        self.lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Inside --------------------------------------------------------------------------------------------------

    def _new_handle(self, payload: Payload, terms: Terms, expected_s: float | None, name: str, now: float) -> Handle:
        task_id = TaskId(self._next_task)
        self._next_task += 1
        handle = Handle(self, task_id, payload, terms, expected_s, name, now + self._epoch)
        self._retained.add(handle)
        return handle

    def _on_event(self, event: BackendEvent) -> None:
        state, now = self._state, time.monotonic()
        if isinstance(event, Finished):
            commands = machine.on_finished(state, event.engine, event.attempts, now)
        elif isinstance(event, Returned):
            commands = machine.on_returned(state, event.engine, event.tasks, now)
        elif isinstance(event, Output):
            handle = self._retained.get(event.task)
            if handle is not None:
                handle.write(event.stream, event.content)
            return
        elif isinstance(event, EngineJoined):
            self._news = True
            self._infos[event.engine] = event.info
            self._engine_events.append(event)
            commands = machine.on_engine_joined(state, event.engine, event.info, now)
        else:
            self._news = True
            self._engine_events.append(event)
            commands = machine.on_engine_lost(state, event.engine, event.reason, event.running, now)
        self._carry_out(commands)

    def _carry_out(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if type(command) is Resolve:
                self._resolve(command)
            elif type(command) is Dispatch:
                self.backend.send(command.engine, [(task.id, task.payload) for task in command.tasks])
            else:
                self._carry_out_rare(command)

    def _carry_out_rare(self, command: Command) -> None:
        match command:
            case Recall(engine):
                returned = self.backend.recall(engine)
                if returned:
                    self._carry_out(machine.on_returned(self._state, engine, returned, time.monotonic()))
            case Interrupt(engine, task):
                self.backend.interrupt(engine, task.id)
            case Kill(engine, reason):
                self.backend.kill(engine, reason)
            case Dismiss(engine):
                self.backend.stop_engine(engine)

    def _resolve(self, command: Resolve) -> None:
        handle, attempt, error = command
        assert isinstance(handle, Handle)
        received_at = time.monotonic() + self._epoch
        if attempt is not None and attempt.status is Status.OK:
            handle.succeed(attempt, received_at)
        elif attempt is not None:
            handle.fail(attempt.value, attempt, received_at)
        else:
            assert error is not None
            handle.fail(_failure_of(error), None, received_at)
        self._retained.finish(handle)
        self._news = True
        if handle.listened_to:
            self._resolved.append(handle)

    def _settle(self) -> None:
        """What has to be done after the lock was released, by a thread that did not turn the loop."""
        if self._inline is not None:
            self._turn_inline()
        if self._news:
            self._news = False
            self._call_listeners()
            self._loop.notify()
        if self.interrupted:
            self._raise_interrupt()

    def _call_listeners(self) -> None:
        while self._resolved or self._engine_events:
            with self.lock:
                resolved, self._resolved = self._resolved, []
                events, self._engine_events = self._engine_events, []
                listeners = list(self._engine_listeners)
            for event in events:
                for listener in listeners:
                    listener(event)
            for handle in resolved:
                for each in handle.take_listeners():
                    each(handle)

    def _turn_inline(self) -> None:
        """Run on this thread what an inline backend has to do, unless another thread is at it and will do this too."""
        assert self._inline is not None
        if not self._inline.acquire(blocking=False):
            return
        try:
            while events := self.backend.turn():
                with self.lock:
                    for event in events:
                        self._on_event(event)
        finally:
            self._inline.release()

    def _raise_interrupt(self) -> None:
        if self.interrupted and threading.current_thread() is threading.main_thread():
            self.interrupted = False
            raise KeyboardInterrupt


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", None) or type(function).__name__


def _failure_of(error: TaskError) -> Failure:
    return Failure(error, type(error).__name__, str(error), "")


_live: weakref.WeakSet[Session] = weakref.WeakSet()


def _close_all() -> None:
    for session in list(_live):
        session.close()


def _disown_all() -> None:
    for session in list(_live):
        session.disown()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)
