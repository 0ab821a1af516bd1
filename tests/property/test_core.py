"""The core against the naive model: random events, every invariant after each."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gangline._core import machine
from gangline._core.check import check
from gangline._core.commands import Dismiss, Dispatch, Interrupt, Kill, Recall, Resolve, Succeed
from gangline._core.explain import explain
from gangline._core.state import CoreState
from gangline._core.task import Task
from gangline.errors import InvalidDependency, TaskFailed
from gangline.messages import Attempt, Dependency, EngineId, EngineInfo, Failure, Scheme, Status, TaskId, Terms
from gangline.testing import Work
from tests.property.model import Host, Known, Machine, Model

CORES = {"small": 2.0, "large": 4.0}
LIMITS = ("one", "two")
FAILURE = Failure(TaskFailed("no"), "TaskFailed", "no", "")


def rarely(strategy: st.SearchStrategy[Any], nothing: Any = None) -> st.SearchStrategy[Any]:
    return st.one_of(*[st.just(nothing)] * 4, strategy)


# Distances back from the task itself: 0 is itself, what is below 0 comes later in the same submission or never.
distances = st.sets(st.sampled_from([1, 1, 1, 2, 2, 3, 4, 5, 7, 0, -1, -2, 99]), max_size=3)
rules = st.tuples(distances, st.booleans(), st.sampled_from([(True, False), (False, True), (True, True)]))
wishes = st.fixed_dictionaries(
    {
        "after": rarely(rules),
        "follow": rarely(rules),
        "targets": rarely(st.sets(st.integers(0, 5), min_size=1, max_size=3)),
        "timeout_s": rarely(st.sampled_from([0.5, 3.0])),
        "retries": rarely(st.integers(1, 3), 0),
        "retry_delay_s": rarely(st.just(0.5), 0.0),
        "retry_backoff": st.sampled_from([1.0, 2.0]),
        "time_limit_s": rarely(st.just(2.0)),
        "priority": rarely(st.sampled_from([-1, 1]), 0),
        "limits": rarely(st.sampled_from([("one",), ("two",), ("one", "two")]), ()),
        "cores": rarely(st.sampled_from([1.0, 2.0, 3.0, 8.0])),
        "patient": rarely(st.just(True), False),
        "pinned": rarely(st.just(True), False),
        "expected_s": st.sampled_from([None, 0.0001, 0.002]),
    }
)


class CoreAgainstModel(RuleBasedStateMachine):
    """Both are told the same; whatever the core commands is carried out on the model, which objects if it is wrong."""

    @initialize(scheme=st.sampled_from([each for each in Scheme if each is not Scheme.PURE]), engines=st.integers(0, 3))
    def begin(self, scheme: Scheme, engines: int) -> None:
        self.state = CoreState(scheme=scheme, seed=1)
        self.model = Model()
        self.now = 0.0
        self.next_engine = 0
        self.hosts: dict[str, Host] = {}
        self.recalled: list[EngineId] = []
        for _ in range(engines):
            self.join("small")

    # Events ---------------------------------------------------------------------------------------------------

    @rule(all_wishes=st.lists(wishes, min_size=1, max_size=5))
    def submit(self, all_wishes: list[dict[str, Any]]) -> None:
        first = len(self.model.tasks)
        tasks = [self.make_task(TaskId(first + index), dict(each)) for index, each in enumerate(all_wishes)]
        commands = machine.on_submitted(self.state, tasks, self.now)
        circular = {
            each.task.id
            for each in commands
            if isinstance(each, Resolve) and isinstance(each.error, InvalidDependency) and "itself: " in str(each.error)
        }
        self.model.submit(tasks, circular, self.now)
        self.carry_out(commands)

    @rule(host=st.sampled_from(list(CORES)))
    def join(self, host: str) -> None:
        engine_id = EngineId(self.next_engine)
        self.next_engine += 1
        if not any(each.host is self.hosts.get(host) for each in self.model.engines.values()):
            self.hosts[host] = Host(CORES[host])
        self.model.engines[engine_id] = Machine(self.hosts[host])
        info = EngineInfo("uuid", host, 1, host, {"cores": CORES[host]})
        self.carry_out(machine.on_engine_joined(self.state, engine_id, info, self.now))

    def engine(self, pick: int) -> EngineId:
        engines = list(self.model.engines)
        return engines[pick % len(engines)]

    def busy(self, pick: int) -> EngineId | None:
        engines = [each for each, its in self.model.engines.items() if its.queue]
        return engines[pick % len(engines)] if engines else None

    @precondition(lambda self: self.model.engines)
    @rule(pick=st.integers(0, 9), started=st.booleans())
    def lose(self, pick: int, started: bool) -> None:
        self.lose_engine(self.engine(pick), started)

    def lose_engine(self, engine_id: EngineId, started: bool) -> None:
        running = {each.id for each in self.model.engines[engine_id].queue[: int(started)]}
        commands = machine.on_engine_lost(self.state, engine_id, "was killed", frozenset(running), self.now)
        order = {each.task.id: place for place, each in enumerate(commands) if isinstance(each, Resolve)}
        self.model.lose(engine_id, running, order, self.now)
        self.carry_out(commands)

    @precondition(lambda self: self.model.engines)
    @rule(pick=st.integers(0, 9))
    def leave(self, pick: int) -> None:
        engine_id = self.engine(pick)
        self.model.engines[engine_id].leaving = True
        self.carry_out(machine.on_engine_leaving(self.state, engine_id, self.now))

    @rule(
        pick=st.integers(0, 9),
        statuses=st.lists(st.sampled_from([Status.OK, Status.OK, Status.ERROR, Status.UNMET]), min_size=1, max_size=4),
        took_s=st.sampled_from([0.0001, 0.002, 0.5, -1.0]),
    )
    def finish(self, pick: int, statuses: list[Status], took_s: float) -> None:
        engine_id = self.busy(pick)
        if engine_id is not None:
            self.finish_some(engine_id, statuses, took_s)

    def finish_some(self, engine_id: EngineId, statuses: list[Status], took_s: float) -> None:
        queue = self.model.engines[engine_id].queue
        ended = [(known.id, status) for known, status in zip(queue, statuses, strict=False)]
        attempts = [
            Attempt(task_id, status, None if status is Status.OK else FAILURE, 1.0, 1.0 + took_s, None)
            for task_id, status in ended
        ]
        late = Attempt(TaskId(0), Status.OK, None, 0.0, 0.0, None)
        if all(known.id for known in queue):
            attempts.append(late)
        commands = machine.on_finished(self.state, engine_id, attempts, self.now)
        self.model.finish(engine_id, ended, self.now)
        self.carry_out(commands)

    @precondition(lambda self: self.recalled)
    @rule(kept=st.integers(0, 2))
    def give_back(self, kept: int) -> None:
        engine_id = self.recalled.pop()
        if engine_id in self.model.engines:
            tasks = [known.id for known in self.model.engines[engine_id].queue[kept:]]
            commands = machine.on_returned(self.state, engine_id, tasks, self.now)
            self.model.give_back(engine_id, tasks)
            self.carry_out(commands)

    @rule(back=st.integers(1, 12), interrupt=st.booleans())
    def cancel(self, back: int, interrupt: bool) -> None:
        known = self.model.tasks.get(TaskId(len(self.model.tasks) - back))
        commands = machine.on_cancelled(self.state, TaskId(len(self.model.tasks) - back), self.now, interrupt=interrupt)
        if known is None or known.outcome is not None:
            assert not commands
            return
        if known.engine is not None:
            assert Recall(known.engine) in commands
            self.model.interrupted |= {known.id} if interrupt else set()
        self.model.cancel(known, interrupt)
        self.carry_out(commands)

    @rule(back=st.integers(1, 12))
    def withdraw_cancellation(self, back: int) -> None:
        known = self.model.tasks.get(TaskId(len(self.model.tasks) - back))
        machine.on_cancel_withdrawn(self.state, TaskId(len(self.model.tasks) - back))
        if known is not None:
            self.model.withdraw_cancellation(known)

    @rule(name=st.sampled_from(LIMITS), cap=st.integers(1, 3))
    def set_limit(self, name: str, cap: int) -> None:
        self.model.caps[name] = cap
        self.carry_out(machine.on_limit_set(self.state, name, cap, self.now))

    @rule(seconds=st.sampled_from([0.02, 0.6, 1.0, 5.0]))
    def tick(self, seconds: float) -> None:
        self.now += seconds
        commands = machine.on_tick(self.state, self.now)
        self.model.tick(self.now)
        self.carry_out(commands)

    # What comes of it -----------------------------------------------------------------------------------------

    def make_task(self, task_id: TaskId, wish: dict[str, Any]) -> Task:
        expected_s, cores = wish.pop("expected_s"), wish.pop("cores")
        for name in ("after", "follow"):
            if wish[name] is not None:
                ids, all_, (success, failure) = wish[name]
                ids = frozenset(TaskId(task_id - each) for each in ids)
                wish[name] = Dependency(ids, all=all_, success=success, failure=failure)
        if wish["targets"] is not None and self.next_engine:
            # Engines that live or have lived: nobody knows the number of one that is to come.
            wish["targets"] = frozenset(EngineId(each % self.next_engine) for each in wish["targets"])
            wish["pinned"] = wish["pinned"] and len(wish["targets"]) == 1
        else:
            wish["targets"], wish["pinned"] = None, False
        terms = Terms(**wish, resources=(("cores", cores),) if cores else ())
        return Task(task_id, Work(kind=task_id % 3), terms, expected_s)

    def carry_out(self, commands: Any) -> None:
        """Compare what the event ended with what it should have, and judge what it sends."""
        ended: dict[TaskId, str] = {}
        for command in commands:
            match command:
                case Succeed(tasks, attempts):
                    assert [task.id for task in tasks] == [attempt.task for attempt in attempts]
                    assert not ended.keys() & {task.id for task in tasks}
                    ended.update({task.id: "ok" for task in tasks})
                case Resolve(task, attempt, error):
                    assert task.id not in ended
                    ended[task.id] = self.name(attempt, error)
        assert ended == self.model.ended, f"ended {ended}, and should have ended {self.model.ended}"
        self.model.ended.clear()
        self.model.note_fallbacks()
        for command in commands:
            match command:
                case Dispatch(engine_id, tasks):
                    assert tasks
                    for task in tasks:
                        self.model.send(self.model.tasks[task.id], engine_id, self.now)
                case Recall(engine_id):
                    self.recalled.append(engine_id)
                case Interrupt(engine_id, task):
                    assert self.model.tasks[task.id].engine == engine_id
                    self.model.interrupted.remove(task.id)
                case Kill(engine_id):
                    self.model.killed.remove(engine_id)
                case Dismiss(engine_id):
                    assert self.model.engines[engine_id].leaving
                    assert not self.model.engines[engine_id].queue
        assert not self.model.interrupted, "not interrupted"
        assert not self.model.killed, "not killed"

    def name(self, attempt: Attempt | None, error: BaseException | None) -> str:
        if error is None:
            assert attempt is not None
            return attempt.status.value.replace("unmet", "error")
        return "ImpossibleDependency" if isinstance(error, InvalidDependency) else type(error).__name__

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "model"):
            return
        check(self.state)
        self.model.assert_none_idles()
        for known in self.model.tasks.values():
            self.compare(known)

    def compare(self, known: Known) -> None:
        task = self.state.tasks.get(known.id)
        assert (task is None) == (known.outcome is not None)
        assert explain(self.state, known.id), f"nothing explains task {known.id}"
        assert all(str(reason) for reason in explain(self.state, known.id))
        if task is None:
            assert self.state.ledger.place(known.id) == known.ran_on
        else:
            assert known.engine is None or task.engine == known.engine

    def teardown(self) -> None:
        """Whatever has happened: with an engine that can do anything, every task ends."""
        if not hasattr(self, "model"):
            return
        self.hosts["huge"] = Host(64.0)
        for turn in range(200):
            if not self.state.tasks:
                return
            if turn % 20 == 0:
                engine_id = EngineId(self.next_engine)
                self.next_engine += 1
                self.model.engines[engine_id] = Machine(self.hosts["huge"])
                info = EngineInfo("uuid", "huge", 1, "huge", {"cores": 64.0})
                self.carry_out(machine.on_engine_joined(self.state, engine_id, info, self.now))
            for engine_id in list(self.model.engines):
                if self.model.engines[engine_id].queue:
                    self.finish_some(engine_id, [Status.OK] * 99, 0.001)
                elif self.model.engines[engine_id].leaving:
                    self.lose_engine(engine_id, started=False)
            self.tick(1.0)
            check(self.state)
        raise AssertionError(f"never ended: {list(self.state.tasks.values())}")


TestCoreAgainstModel = CoreAgainstModel.TestCase
TestCoreAgainstModel.settings = settings(max_examples=300, stateful_step_count=40)
# Finding the smallest example of a failure takes its time.
TestCoreAgainstModel = pytest.mark.timeout(600)(TestCoreAgainstModel)
