"""A session: one core, one backend, one loop. What every front end submits its tasks to."""

from __future__ import annotations

import atexit
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic
from types import TracebackType
from typing import Any, Self, cast

from gangline._core import machine
from gangline._core.machine import on_submitted
from gangline._core.state import CoreState
from gangline._runtime.conductor import Conductor, EngineListener
from gangline._runtime.handle import Handle
from gangline.errors import SessionClosed, TaskCancelled, UsageError
from gangline.messages import PLAIN, EngineId, EngineInfo, Payload, Scheme, TaskId, Terms
from gangline.ports import Backend

Call = tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]

_NOTHING: Mapping[str, Any] = {}
_STOP_TIMEOUT_S = 0.5
"""How long a task that runs when the session is closed has to end by itself."""


class Session:
    """Takes tasks in, has them run, and says what became of them. Every method may be called from any thread.

    Args:
        backend: What provides the engines. The session starts and stops it.
        engines: How many; None is as many as suit the place.
        scheme: How an engine is chosen among those that may run a task.
        seed: For the schemes that draw; None is a different one each time.
        stepwise: The tasks of an inline backend run when `run_next` is called, not as soon as they can.

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
        stepwise: bool = False,
    ) -> None:
        self.id = os.urandom(6).hex()
        self.backend = backend
        self.closed = False
        if seed is None:
            seed = int.from_bytes(os.urandom(8), "little")
        self._state = CoreState(scheme=scheme, seed=seed, prefix=self.id)
        self._conductor = Conductor(backend, self._state, name=f"gangline-{self.id}")
        self._conductor.stepwise = stepwise
        self.lock = self._conductor.lock
        self._retained = self._conductor.retained
        self._prepare = backend.prepare
        self._epoch = self._conductor.epoch
        _live.add(self)
        self._conductor.start(engines)

    # Tasks ----------------------------------------------------------------------------------------------------

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
        conductor, state = self._conductor, self._state
        if conductor.unusable is not None:
            self.check_usable()
        payload = self._prepare(function, args, kwargs)
        now = monotonic()
        with self.lock:
            task_id, conductor.next_task = conductor.next_task, TaskId(conductor.next_task + 1)
            handle = Handle(self, task_id, payload, terms, expected_s, name or _name_of(function), now + self._epoch)
            commands = on_submitted(state, (handle,), now)
            if commands:
                conductor.carry_out(commands)
            if terms is not PLAIN:
                conductor.loop.wake_by(state.timers.next_at())
        if conductor.unsettled:
            conductor.settle()
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
        prepared = [(self._prepare(*call), _name_of(call[0])) for call in calls]
        return self._enter(prepared, terms, expected_s)

    def submit_prepared(
        self, payload: Payload, name: str, terms: Terms, announce: Callable[[TaskId], None] | None = None
    ) -> Handle:
        """Submit what is ready to travel, or will be when it is sent.

        Args:
            payload: What is carried to the engine.
            name: For people.
            terms: When and where it may run.
            announce: Called with the task's number before it can be sent, with the lock held.

        Raises:
            SessionClosed: as `submit`.
        """
        self.check_usable()
        (handle,) = self._enter([(payload, name)], terms, None, announce)
        return handle

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
        (again,) = self._enter([(handle.payload, handle.name)], handle.terms, handle.expected_s)
        return again

    def run_next(self) -> bool:
        """Run the next task of an inline backend on this thread; whether there was one."""
        return self._conductor.run_next()

    def wait(self, handles: Iterable[Handle], timeout_s: float | None = None) -> bool:
        """Wait until all of these tasks are done.

        Returns:
            Whether they are; False when the time was over first.
        """
        pending = [handle for handle in handles if handle.status is None]
        if not pending:
            return True
        if len(pending) == 1:
            (handle,) = pending
            return self.wait_for(lambda: handle.status is not None, timeout_s)

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

        Raises:
            SessionClosed: it does not hold, and the session is closed.
        """
        if self._conductor.unusable is not None and not condition():
            self.check_usable()
        held = self._conductor.wait(condition, timeout_s)
        self._conductor.raise_interrupt()
        if not held and self._conductor.unusable is not None:
            self.check_usable()
        return held

    def notify(self) -> None:
        """Have those in `wait_for` ask again: a condition may hold for reasons that the session does not know."""
        self._conductor.loop.notify()

    def cancel(self, handle: Handle, *, interrupt: bool = False) -> bool:
        """Take a task back.

        Args:
            handle: The task.
            interrupt: If it runs already, raise KeyboardInterrupt in it.

        Returns:
            Whether it is, or is about to be, cancelled; False if it runs and runs on. A task that ends while it is
            being called back has ended as it has ended.

        Raises:
            UsageError: it has finished.
        """
        self.check_usable()
        with self.lock:
            if handle.status is not None:
                raise UsageError(f"task {self._state.name(handle.id)} has already finished ({handle.status})")
            engine = handle.engine
            now = monotonic()
            self._conductor.carry_out(machine.on_cancelled(self._state, handle.id, now, interrupt=interrupt))
            runs_on = (
                handle.status is None
                and not interrupt
                and engine is not None
                and self.backend.running(engine) == handle.id
            )
            if runs_on:
                machine.on_cancel_withdrawn(self._state, handle.id)
        self._conductor.settle()
        return not runs_on

    def find(self, task: TaskId) -> Handle | None:
        """A task that has not ended, or one of the last that have."""
        with _Looking(self):
            pending = self._state.tasks.get(task)
            return pending if isinstance(pending, Handle) else self._retained.get(task)

    @property
    def handles(self) -> list[Handle]:
        """The tasks that are remembered, in order of submission."""
        with _Looking(self):
            pending = cast(list[Handle], list(self._state.tasks.values()))
            return sorted([*self._retained, *pending], key=lambda handle: handle.id)

    def purge(self, handles: Iterable[Handle] | None = None) -> None:
        """Forget finished tasks; None is all of them.

        Raises:
            UsageError: one of them has not finished; none was forgotten.
        """
        with _Looking(self):
            if handles is None:
                self._retained.forget_all()
                return
            handles = list(handles)
            for handle in handles:
                if handle.status is None:
                    raise UsageError(f"task {self._state.name(handle.id)} has not finished and cannot be purged")
            for handle in handles:
                self._retained.forget(handle.id)

    def explain(self, handle: Handle) -> list[Any]:
        """Why a task is not running, in reasons that can be printed."""
        from gangline._core.explain import explain  # few programs ask, and it takes a tenth of the time to import

        with _Looking(self):
            return list(explain(self._state, handle.id))

    def set_limit(self, name: str, cap: int) -> None:
        """From now on, at most `cap` tasks that name this limit in their terms run at once.

        Raises:
            UsageError: the cap is below 1.
        """
        self.check_usable()
        with self.lock:
            self._conductor.carry_out(machine.on_limit_set(self._state, name, cap, monotonic()))
        self._conductor.settle()

    def unknown_task(self, text: str) -> TaskId:
        """A number to depend on in place of a text that names no task of this session; the error will quote it."""
        with _Looking(self):
            return self._state.unknown(text)

    @property
    def assigned(self) -> dict[EngineId, list[TaskId]]:
        """What each live engine was sent and has not ended."""
        with _Looking(self):
            return {engine.id: list(engine.assigned) for engine in self._state.engines.values()}

    @property
    def waiting(self) -> int:
        """How many tasks have not been sent to an engine."""
        with _Looking(self):
            return len(self._state.tasks) - sum(len(engine.assigned) for engine in self._state.engines.values())

    def running(self, engine: EngineId) -> TaskId | None:
        """The task that an engine runs at this moment, if it can be told."""
        with _Looking(self):
            return self.backend.running(engine) if engine in self._state.engines else None

    # Engines --------------------------------------------------------------------------------------------------

    @property
    def engines(self) -> dict[EngineId, EngineInfo]:
        """The live engines, by number; a copy."""
        with _Looking(self):
            return {engine.id: engine.info for engine in self._state.engines.values()}

    def engine_info(self, engine: EngineId) -> EngineInfo | None:
        """An engine of this session, live or gone."""
        return self._conductor.engine_infos.get(engine)

    def add_engines(self, count: int) -> None:
        """Begin to bring up more engines."""
        self.check_usable()
        with self.lock:
            self.backend.add_engines(count)
        self._conductor.settle()

    def stop_engine(self, engine: EngineId, *, at_once: bool = False) -> None:
        """Stop an engine; what waits there goes to others, and no other engine takes its place.

        Args:
            engine: The engine.
            at_once: Not only when it has ended what it runs; that task fails with `EngineError`.
        """
        self.check_usable()
        with self.lock:
            self._conductor.carry_out(machine.on_engine_leaving(self._state, engine, monotonic()))
            if at_once and engine in self._state.engines:
                self.backend.stop_engine(engine)
        self._conductor.settle()

    def kill_engine(self, engine: EngineId, reason: str = "was killed on request") -> None:
        """End an engine at once by force."""
        self.check_usable()
        with _Looking(self):
            if engine in self._state.engines:
                self.backend.kill(engine, reason)

    def signal_engine(self, engine: EngineId, signum: int) -> None:
        """Send a signal to an engine's process. SIGINT interrupts the task that runs there, on every backend.

        Raises:
            UsageError: the engines are no processes of their own.
        """
        self.check_usable()
        with _Looking(self):
            task = self.backend.running(engine) if signum == signal.SIGINT else None
            if task is not None:
                self.backend.interrupt(engine, task)
            else:
                self.backend.signal_engine(engine, signum)

    def add_engine_listener(self, listener: EngineListener) -> None:
        """Call `listener(event)` for each engine that joins or is lost from now on."""
        with _Looking(self):
            self._conductor.engine_listeners.append(listener)

    # Ending ---------------------------------------------------------------------------------------------------

    def check_usable(self) -> None:
        """Make sure that the session can be used here and now.

        Raises:
            SessionClosed: it is closed, or this is a fork of the process that it belongs to.
        """
        if self._conductor.unusable is not None:
            raise SessionClosed(self._conductor.unusable)

    def close(self) -> None:
        """Stop the engines. What has not ended is cancelled. Closing again does nothing."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
            forked = self._conductor.unusable is not None
            self._conductor.unusable = self._conductor.unusable or "the client is closed; make a new one"
            _live.discard(self)
        if forked:
            return
        self.backend.stop(_STOP_TIMEOUT_S)
        with self.lock:
            self._conductor.resolve_all(
                lambda task: TaskCancelled(f"task {self._state.name(task.id)} was cancelled: its client was closed")
            )
        self._conductor.settle()
        self._conductor.loop.close()

    def disown(self) -> None:
        """This process is a fork of the one that the session belongs to: here it is of no use."""
        self._conductor.unusable = (
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

    def _enter(
        self,
        prepared: Sequence[tuple[Payload, str]],
        terms: Terms,
        expected_s: float | None,
        announce: Callable[[TaskId], None] | None = None,
    ) -> list[Handle]:
        """Submit calls that are ready to travel, each with its name: `submit` without its short cuts for one."""
        conductor = self._conductor
        with self.lock:
            now = monotonic()
            first = conductor.next_task
            if announce is not None:
                announce(first)
            conductor.next_task = TaskId(first + len(prepared))
            handles = [
                Handle(self, TaskId(number), payload, terms, expected_s, name, now + self._epoch)
                for number, (payload, name) in enumerate(prepared, start=first)
            ]
            conductor.carry_out(on_submitted(self._state, handles, now))
            conductor.loop.wake_by(self._state.timers.next_at())
        conductor.settle()
        return handles


class _Looking:
    """The lock of a session for what changes nothing that would have to be settled.

    An interrupt that was held back meanwhile is raised after it: nobody knows when the session will be used again.
    """

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        self._session.lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.lock.release()
        if error is None:
            self._session._conductor.raise_interrupt()


def _name_of(function: Callable[..., Any]) -> str:
    try:
        return function.__name__
    except AttributeError:
        return type(function).__name__


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
