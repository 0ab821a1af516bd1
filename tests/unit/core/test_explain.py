"""Why a task is not running: every reason, typed and in words."""

from __future__ import annotations

import pytest

from gangline._core.explain import (
    DependencyPending,
    Ended,
    EnginesBusy,
    LimitReached,
    NoEngines,
    NoUsableEngine,
    Reason,
    ResourceShort,
    RetryDelayed,
    Running,
    WaitsOnEngine,
    explain,
)
from gangline._core.task import Task
from gangline.errors import UsageError
from gangline.messages import PLAIN, Dependency, EngineId, TaskId, Terms
from gangline.testing import Simulator, Work


@pytest.fixture
def simulator() -> Simulator:
    simulator = Simulator(checked=True)
    simulator.add_engines(2, "host", {"cores": 2.0})
    return simulator


def reasons(simulator: Simulator, task: Task) -> list[Reason]:
    return explain(simulator.state, task.id)


def test_dependencies(simulator: Simulator) -> None:
    first, second = simulator.submit_many([(Work(10.0), PLAIN)] * 2)
    rule = Dependency(frozenset({first.id, second.id}), all=False)
    task = simulator.submit(terms=Terms(after=rule, follow=Dependency(frozenset({first.id}), failure=True)))
    assert reasons(simulator, task) == [
        DependencyPending(False, ("task_0", "task_1"), rule),
        DependencyPending(True, ("task_0",), Dependency(frozenset({first.id}), failure=True)),
    ]
    after, follow = map(str, reasons(simulator, task))
    assert after == "it is to run after any of its dependencies that succeed; pending: task_0, task_1"
    assert follow == "it is to follow all of its dependencies that end; pending: task_0"


def test_delay(simulator: Simulator) -> None:
    task = simulator.submit(Work(1.0, fails=2), Terms(retries=2, retry_delay_s=5.0))
    simulator.run(until=2.0)
    assert reasons(simulator, task) == [RetryDelayed(1)]
    assert str(RetryDelayed(1)) == "it waits before attempt 2, since attempt 1 failed"


def test_limit(simulator: Simulator) -> None:
    simulator.set_limit("database", 1)
    simulator.submit(Work(10.0), Terms(limits=("database",)))
    task = simulator.submit(Work(10.0), Terms(limits=("database",)))
    assert reasons(simulator, task) == [LimitReached("database", 1, ("task_0",))]
    assert str(reasons(simulator, task)[0]) == "limit 'database' allows 1 at once, held by task_0"


def test_resource(simulator: Simulator) -> None:
    simulator.submit(Work(10.0), Terms(resources=(("cores", 1.5),)))
    task = simulator.submit(Work(10.0), Terms(resources=(("cores", 1.0),)))
    assert reasons(simulator, task) == [ResourceShort("cores", 1.0, 0.5, "host")]
    assert str(reasons(simulator, task)[0]) == "it needs cores=1, and host has 0.5 free"


def test_no_engine() -> None:
    simulator = Simulator(checked=True)
    task = simulator.submit()
    assert reasons(simulator, task) == [NoEngines()]
    assert str(NoEngines()) == "there is no engine"


def test_no_engine_that_it_may_run_on(simulator: Simulator) -> None:
    both = frozenset({EngineId(0), EngineId(1)})
    task = simulator.submit(Work(refused_by=both), Terms(patient=True))
    simulator.run()
    assert reasons(simulator, task) == [NoUsableEngine((EngineId(0), EngineId(1)), ())]
    assert (
        str(reasons(simulator, task)[0]) == "no live engine can run it (engine 0, 1 refused it); it waits for a new one"
    )


def test_an_engine_that_is_leaving(simulator: Simulator) -> None:
    simulator.submit_many([(Work(10.0), PLAIN)] * 2)
    for engine in (EngineId(0), EngineId(1)):
        simulator.leave(engine)
    task = simulator.submit()
    assert reasons(simulator, task) == [NoUsableEngine((), (EngineId(0), EngineId(1)))]
    assert task.detail is None, "explaining changes nothing"


def test_all_busy(simulator: Simulator) -> None:
    simulator.submit_many([(Work(10.0), PLAIN)] * 3)
    task = simulator.submit(Work(10.0))
    aimed = simulator.submit(Work(10.0), Terms(targets=frozenset({EngineId(1)}), priority=-1))
    assert reasons(simulator, task) == [EnginesBusy(2, 1)]
    assert str(EnginesBusy(2, 1)) == "all 2 engines are busy, and 1 other task is first"
    assert reasons(simulator, aimed) == [EnginesBusy(1, 2)]
    assert str(EnginesBusy(1, 0)) == "the engine that it may run on is busy, and no other tasks are first"


def test_sent_and_running(simulator: Simulator) -> None:
    target = Terms(targets=frozenset({EngineId(0)}))
    first, second, third = simulator.submit_many([(Work(10.0), target)] * 3, expected_s=0.0001)
    assert reasons(simulator, first) == [Running(EngineId(0), cancelled=False)]
    assert reasons(simulator, third) == [WaitsOnEngine(EngineId(0), 2)]
    assert str(WaitsOnEngine(EngineId(0), 2)) == "it was sent to engine 0, where 2 tasks have to end first"
    assert str(reasons(simulator, second)[0]) == "it was sent to engine 0, where 1 task has to end first"
    simulator.cancel(first)
    assert str(reasons(simulator, first)[0]) == "it is running on engine 0, and is asked to stop"


def test_ended(simulator: Simulator) -> None:
    done, never = simulator.submit(), simulator.submit(terms=Terms(after=Dependency(frozenset({TaskId(99)}))))
    simulator.run()
    assert reasons(simulator, done) == [Ended(True, EngineId(0))]
    assert str(reasons(simulator, done)[0]) == "it has succeeded on engine 0"
    assert str(reasons(simulator, never)[0]) == "it has failed without being run"


def test_unknown(simulator: Simulator) -> None:
    with pytest.raises(UsageError, match="there is no task task_7"):
        explain(simulator.state, TaskId(7))


def test_long_lists_are_shortened() -> None:
    text = str(LimitReached("database", 7, tuple(f"task_{number}" for number in range(7))))
    assert text.endswith("task_4 and 2 more")
