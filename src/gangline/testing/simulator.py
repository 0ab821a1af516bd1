"""Simulated engines on a fake clock: the scheduler at work without a process, a thread or a second of waiting.

A `Simulator` owns a core and carries out its commands. Its engines take time by the clock only, report in groups as
real ones do, give back what they have not started, and can be made to die at any moment.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from gangline._core import machine
from gangline._core.check import check
from gangline._core.commands import Command, Dismiss, Dispatch, Interrupt, Kill, Recall, Resolve, Succeed
from gangline._core.state import CoreState
from gangline._core.task import Task
from gangline.errors import GanglineError, InternalError, TaskFailed
from gangline.messages import PLAIN, Attempt, EngineId, EngineInfo, Failure, Scheme, Status, TaskId, Terms
from gangline.testing.clock import FakeClock

REPORT_S = 0.002
"""An engine reports what it has done at least this often; a longer task is reported when it ends."""


class Work(NamedTuple):
    """What a simulated task does: the payload of its task.

    Attributes:
        duration_s: How long an attempt takes.
        kind: Tasks of one kind are expected to take about equally long.
        fails: How many of its attempts end with an error before one succeeds.
        refused_by: Engines on which it raises `UnmetDependency`.
        stubborn: It does not end when it is interrupted.
        size_bytes: About how much memory it holds.
    """

    duration_s: float = 0.001
    kind: int = 0
    fails: int = 0
    refused_by: frozenset[EngineId] = frozenset()
    stubborn: bool = False
    size_bytes: int = 0


_WORK = Work()


class Outcome(NamedTuple):
    """How a task ended: with the attempt that decided, or with an error of the core's."""

    attempt: Attempt | None
    error: GanglineError | None
    at: float

    @property
    def name(self) -> str:
        """In one word: "ok", "error", or the name of the core's error."""
        if self.error is not None:
            return type(self.error).__name__
        assert self.attempt is not None
        return self.attempt.status.value


class Run(NamedTuple):
    """One attempt on an engine, by the clock."""

    task: TaskId
    engine: EngineId
    started_at: float
    ended_at: float


class Span(NamedTuple):
    """A task on an engine, from when to when."""

    task: Task
    start: float
    end: float


class SimulatedEngine:
    """One simulated engine.

    Attributes:
        id: Its number.
        queue: Sent to it and not under way.
        group: Under way, with the times at which each begins and ends; reported together.
        turn: Counts groups, so that the end of one that was changed meanwhile is recognized as stale.
    """

    __slots__ = ("group", "id", "queue", "turn")

    def __init__(self, engine_id: EngineId) -> None:
        self.id = engine_id
        self.queue: deque[Task] = deque()
        self.group: list[Span] = []
        self.turn = 0


_Event = tuple[float, int, "SimulatedEngine | Callable[[], None]", int]


class Simulator:
    """A scheduler whose engines are simulated.

    Args:
        scheme: How engines are chosen.
        seed: For the schemes that draw.
        checked: Check every invariant of the core after each event; slow for many tasks.
        kept: Keep outcomes and runs; without, millions of tasks fit into memory.

    Attributes:
        state: The core's state.
        clock: The time.
        endings: How many tasks have ended in which way: "ok", "error", or the name of the core's error.
        outcomes: How each task that has ended did so.
        runs: Every attempt that was reported.
        started: How many attempts each engine has reported.
    """

    def __init__(
        self, *, scheme: Scheme = Scheme.LEASTLOAD, seed: int = 0, checked: bool = False, kept: bool = True
    ) -> None:
        self.state = CoreState(scheme=scheme, seed=seed)
        self.clock = FakeClock()
        self.endings: Counter[str] = Counter()
        self.outcomes: dict[TaskId, Outcome] = {}
        self.runs: list[Run] = []
        self.started: Counter[EngineId] = Counter()
        self._checked = checked
        self._kept = kept
        self._ended = bytearray()
        self._commands: deque[Command] = deque()
        self._engines: dict[EngineId, SimulatedEngine] = {}
        self._events: list[_Event] = []
        self._count = 0
        self._failed: Counter[TaskId] = Counter()
        self._next_task = 0
        self._next_engine = 0

    @property
    def engines(self) -> Collection[SimulatedEngine]:
        """Those that live."""
        return self._engines.values()

    # What can happen ------------------------------------------------------------------------------------------

    def add_engine(self, pool: str = "host", offers: Mapping[str, float] | None = None) -> EngineId:
        """Let an engine join."""
        engine_id = EngineId(self._next_engine)
        self._next_engine += 1
        self._engines[engine_id] = SimulatedEngine(engine_id)
        info = EngineInfo(f"{engine_id:032x}", pool, 1000 + engine_id, pool, offers or {})
        self._carry_out(machine.on_engine_joined(self.state, engine_id, info, self.clock.monotonic()))
        return engine_id

    def add_engines(self, count: int, pool: str = "host", offers: Mapping[str, float] | None = None) -> list[EngineId]:
        """Let several engines join."""
        return [self.add_engine(pool, offers) for _ in range(count)]

    def lose_engine(self, engine_id: EngineId, reason: str = "was killed (SIGKILL)") -> None:
        """Let an engine die: what it has done is reported, what it runs is lost. Nothing if it is gone already."""
        engine = self._engines.pop(engine_id, None)
        if engine is None:
            return
        now = self.clock.monotonic()
        self.report(engine, [each for each in engine.group if each[2] <= now])
        running = frozenset(task.id for task, start, end in engine.group if start <= now < end)
        self._carry_out(machine.on_engine_lost(self.state, engine_id, reason, running, now))

    def leave(self, engine_id: EngineId) -> None:
        """Ask an engine to end what it runs and go."""
        self._carry_out(machine.on_engine_leaving(self.state, engine_id, self.clock.monotonic()))

    def submit(self, work: Work = _WORK, terms: Terms = PLAIN, expected_s: float | None = None) -> Task:
        """Submit one task."""
        return self.submit_many([(work, terms)], expected_s)[0]

    def submit_many(self, calls: Iterable[tuple[Work, Terms]], expected_s: float | None = None) -> list[Task]:
        """Submit several tasks at once."""
        tasks = []
        for work, terms in calls:
            tasks.append(Task(TaskId(self._next_task), work, terms, expected_s))
            self._next_task += 1
        self._ended.extend(bytes(len(tasks)))
        self._carry_out(machine.on_submitted(self.state, tasks, self.clock.monotonic()))
        return tasks

    def cancel(self, task: Task, *, interrupt: bool = False) -> None:
        """Cancel a task."""
        self._carry_out(machine.on_cancelled(self.state, task.id, self.clock.monotonic(), interrupt=interrupt))

    def set_limit(self, name: str, cap: int) -> None:
        """Give a named limit its cap."""
        self._carry_out(machine.on_limit_set(self.state, name, cap, self.clock.monotonic()))

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Call `what` when the clock stands at `when`."""
        self._count += 1
        heapq.heappush(self._events, (when, self._count, what, 0))

    # Time -----------------------------------------------------------------------------------------------------

    def run(self, until: float | None = None) -> None:
        """Let time pass until nothing more would happen, or until then."""
        while (when := self._next_at()) is not None and (until is None or when <= until):
            self._step(when)
        if until is not None:
            self.clock.advance_to(until)

    def run_while(self, condition: Callable[[], bool]) -> None:
        """Let time pass until this does not hold any more, or nothing more would happen."""
        while condition() and (when := self._next_at()) is not None:
            self._step(when)

    def _step(self, when: float) -> None:
        self.clock.advance_to(when)
        if self._events and self._events[0][0] <= when:
            event = heapq.heappop(self._events)[2]
            if isinstance(event, SimulatedEngine):
                self._end_group(event)
            else:
                event()
        else:
            self._carry_out(machine.on_tick(self.state, when))

    def _next_at(self) -> float | None:
        while self._events and self._is_stale(self._events[0]):
            heapq.heappop(self._events)
        timer_at = self.state.timers.next_at()
        if not self._events:
            return timer_at
        return self._events[0][0] if timer_at is None else min(timer_at, self._events[0][0])

    def _is_stale(self, event: _Event) -> bool:
        """Whether the group that is to end has been changed, or has died with its engine."""
        _, _, what, turn = event
        return isinstance(what, SimulatedEngine) and (what.turn != turn or what.id not in self._engines)

    # Engines --------------------------------------------------------------------------------------------------

    def _begin_group(self, engine: SimulatedEngine, now: float) -> None:
        engine.turn += 1
        engine.group = []
        at = now
        while engine.queue and (not engine.group or at - now < REPORT_S):
            task = engine.queue.popleft()
            ends_at = at + _work(task).duration_s
            engine.group.append(Span(task, at, ends_at))
            at = ends_at
        if engine.group:
            self._count += 1
            heapq.heappush(self._events, (at, self._count, engine, engine.turn))

    def _end_group(self, engine: SimulatedEngine) -> None:
        done, now = engine.group, self.clock.monotonic()
        self._begin_group(engine, now)
        self.report(engine, done)

    def report(self, engine: SimulatedEngine, done: Sequence[Span]) -> None:
        """Let the core have what an engine has done. A subclass may have it come later."""
        attempts = [self._attempt(engine, *each) for each in done]
        if attempts:
            self._carry_out(machine.on_finished(self.state, engine.id, attempts, self.clock.monotonic()))

    def _attempt(
        self, engine: SimulatedEngine, task: Task, start: float, end: float, *, interrupted: bool = False
    ) -> Attempt:
        work = _work(task)
        self.started[engine.id] += 1
        if self._kept:
            self.runs.append(Run(task.id, engine.id, start, end))
        status = Status.OK
        if engine.id in work.refused_by:
            status = Status.UNMET
        elif interrupted or self._failed[task.id] < work.fails:
            self._failed[task.id] += 1
            status = Status.ERROR
        value = None if status is Status.OK else _failure("interrupted" if interrupted else status.value)
        return Attempt(task.id, status, value, start, end, None)

    def _give_back(self, engine_id: EngineId) -> None:
        engine = self._engines.get(engine_id)
        if engine is None:
            return
        now = self.clock.monotonic()
        unstarted = [each for each in engine.group if each[1] > now]
        if unstarted:
            engine.group = engine.group[: -len(unstarted)]
            engine.turn += 1
            self._count += 1
            heapq.heappush(self._events, (engine.group[-1][2], self._count, engine, engine.turn))
        returned = [each[0].id for each in unstarted] + [task.id for task in engine.queue]
        engine.queue.clear()
        if returned:
            self._carry_out(machine.on_returned(self.state, engine_id, returned, now))

    def _interrupt(self, engine_id: EngineId, task: Task) -> None:
        engine, now = self._engines.get(engine_id), self.clock.monotonic()
        if engine is None or _work(task).stubborn:
            return
        for place, (each, start, end) in enumerate(engine.group):
            if each is task and start <= now < end:
                done, rest = engine.group[:place], engine.group[place + 1 :]
                engine.queue.extendleft(later for later, _, _ in reversed(rest))
                self._begin_group(engine, now)
                attempts = [self._attempt(engine, *ended) for ended in done]
                attempts.append(self._attempt(engine, task, start, now, interrupted=True))
                self._carry_out(machine.on_finished(self.state, engine_id, attempts, now))
                return

    # Commands -------------------------------------------------------------------------------------------------

    def _carry_out(self, commands: Sequence[Command]) -> None:
        """Carry out what an event has brought, after what earlier ones have."""
        if self._checked:
            check(self.state)
        begun = bool(self._commands)
        self._commands.extend(commands)
        while self._commands and not begun:
            self._carry_out_one(self._commands[0])
            self._commands.popleft()

    def _carry_out_one(self, command: Command) -> None:
        match command:
            case Succeed(tasks, attempts):
                for task, attempt in zip(tasks, attempts, strict=True):
                    self._resolve(task, attempt, None)
            case Dispatch(engine_id, tasks):
                self.send(engine_id, tasks)
            case Resolve(task, attempt, error):
                self._resolve(task, attempt, error)
            case Recall(engine_id):
                self._give_back(engine_id)
            case Interrupt(engine_id, task):
                self._interrupt(engine_id, task)
            case Kill(engine_id, reason):
                self.lose_engine(engine_id, reason)
            case Dismiss(engine_id):
                self.lose_engine(engine_id, "was stopped")

    def send(self, engine_id: EngineId, tasks: Sequence[Task]) -> None:
        """Let an engine have tasks. A subclass may have them come later, in the order in which they were sent."""
        engine = self._engines.get(engine_id)
        if engine is None:
            return  # It has died, which the core has learned after it decided this: it has taken them back.
        engine.queue.extend(tasks)
        if not engine.group:
            self._begin_group(engine, self.clock.monotonic())

    def _resolve(self, task: Task, attempt: Attempt | None, error: GanglineError | None) -> None:
        if self._ended[task.id]:
            raise InternalError(f"task {task.id} has ended twice")
        self._ended[task.id] = True
        outcome = Outcome(attempt, error, self.clock.monotonic())
        self.endings[outcome.name] += 1
        if self._kept:
            self.outcomes[task.id] = outcome


def _work(task: Task) -> Work:
    assert isinstance(task.payload, Work)
    return task.payload


def _failure(reason: str) -> Failure:
    return Failure(TaskFailed(reason), "TaskFailed", reason, "")
