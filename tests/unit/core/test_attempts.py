"""Retries, refusals, timeouts, time limits and cancellation."""

from __future__ import annotations

import pytest

from gangline._core.timers import Timer, Timers
from gangline.errors import DependencyTimeout, EngineError, ImpossibleDependency, TaskCancelled, TaskTimedOut
from gangline.messages import PLAIN, Dependency, EngineId, Status, TaskId, Terms
from gangline.testing import Simulator, Work


@pytest.fixture
def simulator() -> Simulator:
    simulator = Simulator(checked=True)
    simulator.add_engines(3)
    return simulator


# Retries --------------------------------------------------------------------------------------------------------


def test_retries_go_to_other_engines_first_and_then_to_the_same(simulator: Simulator) -> None:
    task = simulator.submit(Work(1.0, fails=9), Terms(retries=4))
    simulator.run()
    engines = [run.engine for run in simulator.runs]
    assert len(engines) == 5
    assert len(set(engines[:3])) == 3
    assert simulator.outcomes[task.id].name == "error"
    assert task.detail is not None
    assert len(task.detail.failures) == 4


def test_more_retries_than_engines_do_not_hang() -> None:
    simulator = Simulator(checked=True)
    simulator.add_engine()
    task = simulator.submit(Work(1.0, fails=3), Terms(retries=3))
    simulator.run()
    assert simulator.outcomes[task.id].name == "ok"
    assert len(simulator.runs) == 4


def test_without_retries_the_first_error_is_the_answer(simulator: Simulator) -> None:
    task = simulator.submit(Work(fails=1))
    simulator.run()
    attempt = simulator.outcomes[task.id].attempt
    assert attempt is not None
    assert attempt.status is Status.ERROR


def test_delay_and_back_off(simulator: Simulator) -> None:
    simulator.submit(Work(0.0, fails=3), Terms(retries=3, retry_delay_s=1.0, retry_backoff=3.0))
    simulator.run()
    assert [run.started_at for run in simulator.runs] == pytest.approx([0.0, 1.0, 4.0, 13.0])


def test_a_delay_that_grows_without_bound_is_cut(simulator: Simulator) -> None:
    simulator.submit(Work(0.0, fails=9), Terms(retries=9, retry_delay_s=1e300, retry_backoff=1e300))
    simulator.run()
    assert simulator.clock.monotonic() == pytest.approx(9 * 365 * 86400)


# Refusals -------------------------------------------------------------------------------------------------------


def test_a_refused_task_goes_on_and_never_twice_to_one_engine(simulator: Simulator) -> None:
    refusing = frozenset({EngineId(0), EngineId(1)})
    tasks = [simulator.submit(Work(refused_by=refusing, fails=1), Terms(retries=1)) for _ in range(5)]
    simulator.run()
    assert {simulator.outcomes[task.id].name for task in tasks} == {"ok"}, "a refusal costs no retry"
    for task in tasks:
        refused = [run.engine for run in simulator.runs if run.task == task.id and run.engine in refusing]
        assert len(refused) == len(set(refused))


def test_refused_by_all(simulator: Simulator) -> None:
    everywhere = frozenset(EngineId(number) for number in range(3))
    plain = simulator.submit(Work(refused_by=everywhere))
    timed = simulator.submit(Work(refused_by=everywhere), Terms(timeout_s=5.0))
    patient = simulator.submit(Work(refused_by=everywhere), Terms(patient=True))
    aimed = simulator.submit(Work(refused_by=everywhere), Terms(targets=frozenset({EngineId(1)}), patient=True))
    simulator.run()
    for task in (plain, aimed):
        assert isinstance(simulator.outcomes[task.id].error, ImpossibleDependency)
        assert "refused" in str(simulator.outcomes[task.id].error)
    assert isinstance(simulator.outcomes[timed.id].error, DependencyTimeout)
    assert simulator.outcomes[timed.id].at == pytest.approx(5.0)
    assert patient.id not in simulator.outcomes
    simulator.add_engine()
    simulator.run()
    assert simulator.outcomes[patient.id].name == "ok"


def test_the_last_engine_that_did_not_refuse_dies(simulator: Simulator) -> None:
    simulator.submit(Work(100.0), Terms(targets=frozenset({EngineId(2)})))
    task = simulator.submit(Work(refused_by=frozenset({EngineId(0), EngineId(1)})))
    simulator.run(until=1.0)
    assert not simulator.outcomes
    simulator.lose_engine(EngineId(2))
    assert isinstance(simulator.outcomes[task.id].error, ImpossibleDependency)


def test_a_refusal_is_the_answer_of_a_pinned_task(simulator: Simulator) -> None:
    target = frozenset({EngineId(0)})
    task = simulator.submit(Work(refused_by=target), Terms(targets=target, pinned=True))
    simulator.run()
    attempt = simulator.outcomes[task.id].attempt
    assert attempt is not None
    assert attempt.status is Status.UNMET


# Timeouts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["dependency", "target", "busy", "limit", "nothing"])
def test_a_timeout_covers_all_waiting(what: str) -> None:
    simulator = Simulator(checked=True)
    engines = simulator.add_engines(0 if what == "nothing" else 2)
    simulator.set_limit("one", 1)
    first = simulator.submit(Work(100.0), Terms(limits=("one",)))
    terms = {
        "dependency": Terms(timeout_s=2.5, after=Dependency(frozenset({first.id}))),
        "target": Terms(timeout_s=2.5, targets=frozenset(engines[:1])),
        "busy": Terms(timeout_s=2.5),
        "limit": Terms(timeout_s=2.5, limits=("one",)),
        "nothing": Terms(timeout_s=2.5),
    }[what]
    if what == "busy":
        simulator.submit(Work(100.0))
    task = simulator.submit(Work(1.0), terms)
    simulator.run()
    assert isinstance(simulator.outcomes[task.id].error, DependencyTimeout)
    assert simulator.outcomes[task.id].at == pytest.approx(2.5)
    assert "waited 2.5 s" in str(simulator.outcomes[task.id].error)


@pytest.mark.parametrize("timeout_s", [None, 0.0, 2.5])
def test_a_timeout_does_not_limit_running(simulator: Simulator, timeout_s: float | None) -> None:
    task = simulator.submit(Work(100.0), Terms(timeout_s=timeout_s))
    simulator.run()
    assert simulator.outcomes[task.id].name == "ok"


def test_a_timeout_is_not_restarted_by_a_refusal(simulator: Simulator) -> None:
    task = simulator.submit(Work(3.0, refused_by=frozenset(map(EngineId, range(3)))), Terms(timeout_s=2.5))
    simulator.run()
    assert isinstance(simulator.outcomes[task.id].error, DependencyTimeout)
    assert simulator.outcomes[task.id].at == pytest.approx(3.0), "it runs on, and may not wait again"


def test_a_task_that_was_attempted_does_not_time_out(simulator: Simulator) -> None:
    for delay_s in (0.0, 5.0):
        task = simulator.submit(Work(3.0, fails=1), Terms(timeout_s=2.5, retries=1, retry_delay_s=delay_s))
        simulator.run()
        assert simulator.outcomes[task.id].name == "ok"


# Time limits ----------------------------------------------------------------------------------------------------


def test_a_time_limit_interrupts(simulator: Simulator) -> None:
    task = simulator.submit(Work(100.0), Terms(time_limit_s=2.0))
    simulator.run()
    assert isinstance(simulator.outcomes[task.id].error, TaskTimedOut)
    assert simulator.outcomes[task.id].at == pytest.approx(2.0)
    assert len(simulator.state.engines) == 3


def test_a_task_that_is_not_to_be_interrupted_costs_its_engine(simulator: Simulator) -> None:
    task = simulator.submit(Work(100.0, stubborn=True), Terms(time_limit_s=2.0, retries=1))
    simulator.run()
    assert isinstance(simulator.outcomes[task.id].error, TaskTimedOut)
    assert len(simulator.state.engines) == 1
    assert simulator.outcomes[task.id].at == pytest.approx(6.0)


def test_each_attempt_has_the_whole_time_limit(simulator: Simulator) -> None:
    refusing = frozenset({EngineId(0), EngineId(1)})
    task = simulator.submit(Work(1.5, refused_by=refusing), Terms(time_limit_s=2.0))
    simulator.run()
    assert simulator.outcomes[task.id].name == "ok", "the limit of a refused attempt does not hit the next one"
    assert simulator.outcomes[task.id].at == pytest.approx(4.5)


def test_timers_of_ended_tasks_do_not_pile_up(simulator: Simulator) -> None:
    simulator._checked = False
    for _ in range(5000):
        simulator.submit(Work(0.0), Terms(timeout_s=1e6))
        simulator.run(until=simulator.clock.monotonic())
    assert len(simulator.state.timers) < 2100


def test_timers_come_due_in_order() -> None:
    timers = Timers({TaskId(1), TaskId(2)})
    timers.set(2.0, Timer.EXPIRE, TaskId(1))
    timers.set(1.0, Timer.RESUME, TaskId(2))
    timers.set(2.0, Timer.STEAL)
    assert timers.next_at() == 1.0
    assert timers.pop_due(0.5) is None
    due = [timers.pop_due(2.0) for _ in range(4)]
    assert due == [(Timer.RESUME, 2, 0), (Timer.EXPIRE, 1, 0), (Timer.STEAL, None, 0), None]
    assert timers.next_at() is None


# Cancellation ---------------------------------------------------------------------------------------------------


def test_a_waiting_task_is_cancelled_at_once_and_what_is_after_it_is_impossible(simulator: Simulator) -> None:
    busy = simulator.submit_many([(Work(10.0), PLAIN)] * 3)
    ready = simulator.submit(Work(1.0))
    blocked = simulator.submit(terms=Terms(after=Dependency(frozenset({busy[0].id}))))
    after = simulator.submit(terms=Terms(after=Dependency(frozenset({ready.id}))))
    for task in (ready, blocked):
        simulator.cancel(task)
        assert isinstance(simulator.outcomes[task.id].error, TaskCancelled)
    assert isinstance(simulator.outcomes[after.id].error, ImpossibleDependency)


def test_a_delayed_task_is_cancelled(simulator: Simulator) -> None:
    task = simulator.submit(Work(1.0, fails=1), Terms(retries=1, retry_delay_s=10.0))
    simulator.run(until=2.0)
    simulator.cancel(task)
    assert isinstance(simulator.outcomes[task.id].error, TaskCancelled)
    simulator.run()


def test_a_task_that_was_sent_and_not_started_is_called_back() -> None:
    simulator = Simulator(checked=True)
    simulator.add_engine()
    tasks = simulator.submit_many([(Work(1.0), PLAIN)] * 3, expected_s=0.0001)
    simulator.run(until=0.5)
    simulator.cancel(tasks[1])
    assert isinstance(simulator.outcomes[tasks[1].id].error, TaskCancelled)
    simulator.run()
    assert [run.task for run in simulator.runs] == [0, 2]


@pytest.mark.parametrize("stubborn", [True, False])
def test_a_running_task_is_interrupted_if_asked(simulator: Simulator, stubborn: bool) -> None:
    task = simulator.submit(Work(10.0, stubborn=stubborn), Terms(retries=3))
    simulator.run(until=1.0)
    simulator.cancel(task, interrupt=True)
    simulator.run()
    assert isinstance(simulator.outcomes[task.id].error, TaskCancelled)
    assert simulator.outcomes[task.id].at == pytest.approx(10.0 if stubborn else 1.0)


@pytest.mark.parametrize(("fails", "name"), [(9, "error"), (0, "ok")])
def test_what_had_begun_before_it_could_be_called_back_ends_as_it_ends(
    simulator: Simulator, fails: int, name: str
) -> None:
    task = simulator.submit(Work(10.0, fails=fails), Terms(retries=3))
    simulator.run(until=1.0)
    simulator.cancel(task)
    simulator.run()
    assert simulator.outcomes[task.id].name == name
    assert not isinstance(simulator.outcomes[task.id].error, TaskCancelled)
    assert len(simulator.runs) == 1


def test_a_cancelled_task_does_not_run_again_when_its_engine_dies(simulator: Simulator) -> None:
    simulator.submit_many([(Work(10.0), PLAIN)] * 2)
    first, second = simulator.submit_many([(Work(10.0), PLAIN)] * 2, expected_s=0.0001)
    simulator.run(until=1.0)
    simulator.cancel(first, interrupt=False)
    assert first.engine is not None
    simulator.lose_engine(first.engine)
    simulator.run()
    assert isinstance(simulator.outcomes[first.id].error, TaskCancelled)
    assert simulator.outcomes[second.id].name == "ok"
    assert [run.task for run in simulator.runs].count(first.id) == 0


def test_what_has_ended_or_never_was_cannot_be_cancelled(simulator: Simulator) -> None:
    task = simulator.submit()
    simulator.run()
    simulator.cancel(task, interrupt=True)
    assert simulator.outcomes[task.id].name == "ok"


def test_an_engine_error_is_retried(simulator: Simulator) -> None:
    once = simulator.submit(Work(10.0))
    twice = simulator.submit(Work(10.0), Terms(retries=1))
    simulator.run(until=1.0)
    for task in (once, twice):
        assert task.engine is not None
        simulator.lose_engine(task.engine)
    simulator.run()
    error = simulator.outcomes[once.id].error
    assert isinstance(error, EngineError)
    assert "SIGKILL" in str(error)
    assert simulator.outcomes[twice.id].name == "ok"
