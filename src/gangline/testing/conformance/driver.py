"""Drives a backend through its port alone, and holds it to the protocol while it does."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gangline._runtime.poller import Poller
from gangline.messages import (
    Attempt,
    BackendEvent,
    EngineId,
    EngineInfo,
    EngineJoined,
    EngineLost,
    Finished,
    Output,
    Payload,
    Returned,
    Status,
    TaskId,
)
from gangline.ports import Backend
from gangline.testing.conformance.stage import PATIENCE_S, Gate

__all__ = ["Call", "Driver", "QueueInbox"]

Call = tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]

_LOOK_AGAIN_S = 0.2


class QueueInbox:
    """An inbox that keeps events until they are asked for."""

    def __init__(self) -> None:
        self._poller = Poller()
        self._events: deque[BackendEvent] = deque()
        self._numbers = itertools.count()
        self.watched: set[int] = set()

    def put(self, event: BackendEvent) -> None:
        """Hand in an event, from any thread."""
        self._events.append(event)
        self._poller.wake()

    def watch(self, fd: int, on_readable: Callable[[], Sequence[BackendEvent]]) -> None:
        """Have `on_readable` called while `fd` is readable."""
        self.watched.add(fd)
        self._poller.watch(fd, on_readable)

    def unwatch(self, fd: int) -> None:
        """Stop watching."""
        self.watched.discard(fd)
        self._poller.unwatch(fd)

    def new_engine_id(self) -> EngineId:
        """A number that no engine had before."""
        return EngineId(next(self._numbers))

    def waiting(self) -> int:
        """None: all tasks are sent by hand."""
        return 0

    def events(self, timeout_s: float) -> list[BackendEvent]:
        """What has happened since the last call; waits for something to happen."""
        for on_readable in self._poller.poll(0.0 if self._events else timeout_s):
            self._events.extend(on_readable())
        return [self._events.popleft() for _ in range(len(self._events))]

    def close(self) -> None:
        """Give the descriptors back."""
        self._poller.close()


class Driver:
    """A backend with some engines, driven by hand. Every event is checked against the protocol as it comes in.

    Attributes:
        backend: What is driven.
        inbox: Where it reports.
        engines: The engines that live.
        joined: All that ever joined, in that order.
        lost: What was reported of those that were lost.
        done: Attempts by task.
        finished: Tasks in the order in which they ended.
        returned: Tasks that engines gave back.
        outputs: What running tasks wrote.
        out: Where the tasks are that were sent and of which nothing was heard since.
        resends: Whether tasks that an engine gives back are sent there again at once.
        unstarted: Tasks whose engine was lost before it had started them.
    """

    def __init__(self, backend: Backend, *, engines: int | None, concurrent: bool, host: str) -> None:
        self.backend = backend
        self.inbox = QueueInbox()
        self.engines: dict[EngineId, EngineInfo] = {}
        self.joined: list[EngineId] = []
        self.lost: list[EngineLost] = []
        self.done: dict[TaskId, Attempt] = {}
        self.finished: list[TaskId] = []
        self.returned: list[TaskId] = []
        self.outputs: list[Output] = []
        self.out: dict[TaskId, EngineId] = {}
        self.unstarted: set[TaskId] = set()
        self.resends = True
        self._payloads: dict[TaskId, Payload] = {}
        self._concurrent = concurrent
        self._host = host
        self._numbers = itertools.count()
        self._stopped = False
        self.backend.start(self.inbox, engines)

    # What happens ------------------------------------------------------------------------------------------------

    def until(self, happened: Callable[[], Any]) -> None:
        """Take in events until a condition holds, or the backend was stopped."""
        deadline = time.monotonic() + PATIENCE_S
        while not happened():
            assert time.monotonic() < deadline, f"it never happened; out: {self.out}, lost: {self.lost}"
            events = self.backend.turn()
            if self._stopped:  # by the task that had its turn
                assert not events, "a backend reports after its end"
                return
            for event in (*events, *self.inbox.events(0.0 if events else _LOOK_AGAIN_S)):
                self._on_event(event)

    def _on_event(self, event: BackendEvent) -> None:
        match event:
            case EngineJoined(engine, info):
                assert engine not in self.joined, f"engine {engine} joined twice"
                self.joined.append(engine)
                self.engines[engine] = info
            case EngineLost(engine):
                self._on_lost(event)
            case Finished(engine, attempts):
                for attempt in attempts:
                    self._leaves(attempt.task, engine)
                    del self._payloads[attempt.task]
                    self.done[attempt.task] = attempt
                    self.finished.append(attempt.task)
            case Returned(engine, tasks):
                self._on_returned(engine, list(tasks))
            case Output(engine, task):
                assert self.out.get(task) == engine, f"task {task} writes, but is not on engine {engine}"
                self.outputs.append(event)

    def _on_returned(self, engine: EngineId, tasks: list[TaskId]) -> None:
        for task in tasks:
            self._leaves(task, engine)
        self.returned.extend(tasks)
        if self.resends:
            self.send_again([(task, self._payloads[task]) for task in tasks], engine)

    def _leaves(self, task: TaskId, engine: EngineId) -> None:
        assert engine in self.engines, f"engine {engine} reports and is not there"
        assert self.out.pop(task, None) == engine, f"engine {engine} reports on task {task}, which it does not have"

    def _on_lost(self, event: EngineLost) -> None:
        engine = event.engine
        assert all(lost.engine != engine for lost in self.lost), f"engine {engine} was lost twice"
        assert event.reason, f"engine {engine} was lost for no reason"
        self.engines.pop(engine, None)
        self.lost.append(event)
        there = {task for task, place in self.out.items() if place == engine}
        assert event.running <= there, "an engine was lost with tasks that it did not have"
        self.unstarted |= there - event.running
        for task in there:
            del self.out[task]

    # Engines -----------------------------------------------------------------------------------------------------

    def join(self, count: int = 1) -> list[EngineId]:
        """The engines, as soon as there are that many."""
        self.until(lambda: len(self.engines) >= count)
        return list(self.engines)

    @property
    def engine(self) -> EngineId:
        """The first engine that lives."""
        return self.join()[0]

    def await_loss(self, engine: EngineId) -> EngineLost:
        """What is reported of an engine's end."""
        self.until(lambda: any(lost.engine == engine for lost in self.lost))
        return next(lost for lost in self.lost if lost.engine == engine)

    # Tasks -------------------------------------------------------------------------------------------------------

    def prepare(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Payload:
        """A call made ready to travel."""
        return self.backend.prepare(function, args, kwargs)

    def send_payloads(self, payloads: Sequence[Payload], engine: EngineId | None = None) -> list[TaskId]:
        """Send tasks in one batch, to the first engine unless told otherwise."""
        tasks = [TaskId(next(self._numbers)) for _ in payloads]
        self.send_again(list(zip(tasks, payloads, strict=True)), engine)
        return tasks

    def send_again(self, tasks: Sequence[tuple[TaskId, Payload]], engine: EngineId | None = None) -> None:
        """Send tasks that have a number."""
        target = self.engine if engine is None else engine
        self.out.update((task, target) for task, _ in tasks)
        self._payloads.update(tasks)
        self.backend.send(target, tasks)

    def send_all(self, calls: Sequence[Call], engine: EngineId | None = None) -> list[TaskId]:
        """Prepare and send calls in one batch."""
        return self.send_payloads([self.backend.prepare(*call) for call in calls], engine)

    def send(self, function: Callable[..., Any], *args: Any, engine: EngineId | None = None) -> TaskId:
        """Prepare and send one call."""
        return self.send_all([(function, args, {})], engine)[0]

    def results(self, tasks: Sequence[TaskId]) -> list[Attempt]:
        """What became of tasks, once all have ended."""
        self.until(lambda: all(task in self.done for task in tasks))
        return [self.done[task] for task in tasks]

    def run(self, function: Callable[..., Any], *args: Any, engine: EngineId | None = None) -> Attempt:
        """What becomes of one call."""
        return self.results([self.send(function, *args, engine=engine)])[0]

    def value(self, function: Callable[..., Any], *args: Any, engine: EngineId | None = None) -> Any:
        """The result of one call, which must succeed."""
        return value_of(self.run(function, *args, engine=engine))

    def recall(self, engine: EngineId) -> list[TaskId]:
        """Take back what an engine has not begun."""
        tasks = list(self.backend.recall(engine))
        for task in tasks:
            assert self.out.pop(task, None) == engine, (
                f"task {task} was recalled from engine {engine} without being there"
            )
        return tasks

    @contextlib.contextmanager
    def gate(self) -> Iterator[Gate]:
        """A gate that is looked after while events are taken in."""
        gate = Gate(self._host)
        fd = gate.fileno()

        def on_arrival() -> Sequence[BackendEvent]:
            gate.let_in()
            self.inbox.unwatch(fd)
            return ()

        self.inbox.watch(fd, on_arrival)
        try:
            yield gate
        finally:
            self.inbox.unwatch(fd)
            gate.open()

    def while_running(
        self,
        action: Callable[[TaskId, EngineId], None],
        *,
        before: Sequence[Call] = (),
        behind: Sequence[Call] = (),
        engine: EngineId | None = None,
        circling: bool = False,
    ) -> tuple[list[TaskId], TaskId, list[TaskId]]:
        """Do something while a task runs, and let the task go on afterwards.

        Where tasks run in `turn` only, the task itself does it: then there is nobody else who could.

        Args:
            action: What to do; gets the task and its engine.
            before: Calls that are sent with the task, before it.
            behind: Calls that are sent with the task, behind it.
            engine: Where; None is the first engine.
            circling: Whether the task runs Python code all the time, and does not wait for the system.

        Returns:
            The tasks before it, the task, and those behind it.
        """
        target = self.engine if engine is None else engine
        if not self._concurrent:
            return self._within_task(action, before, behind, target)
        with self.gate() as gate:
            held: Call = (gate.door.circle if circling else gate.door.enter, (), {})
            tasks = self.send_all([*before, held, *behind], target)
            middle = len(before)
            self.until(lambda: gate.entered)
            action(tasks[middle], target)
        return tasks[:middle], tasks[middle], tasks[middle + 1 :]

    def _within_task(
        self,
        action: Callable[[TaskId, EngineId], None],
        before: Sequence[Call],
        behind: Sequence[Call],
        engine: EngineId,
    ) -> tuple[list[TaskId], TaskId, list[TaskId]]:
        errors: list[BaseException | None] = []
        middle = len(before)

        def act() -> str:
            try:
                action(tasks[middle], engine)
            except BaseException as error:
                errors.append(error)
            else:
                errors.append(None)
            return "let go"

        tasks = self.send_all([*before, (act, (), {}), *behind], engine)
        self.until(lambda: errors)
        if errors[0] is not None:
            raise errors[0]
        return tasks[:middle], tasks[middle], tasks[middle + 1 :]

    def stop(self, timeout_s: float = 1.0) -> None:
        """End it all; stopping again does nothing."""
        if self._stopped:
            return
        self._stopped = True
        self.backend.stop(timeout_s)
        self._payloads.clear()  # which hold shared memory of tasks that nobody hears of any more
        watched = set(self.inbox.watched)
        self.inbox.close()
        assert watched == set(), "descriptors are still watched after the end"


def value_of(attempt: Attempt) -> Any:
    """The result of an attempt, which must have succeeded."""
    assert attempt.status is Status.OK, attempt.value.traceback
    return attempt.value
