"""Limits, resources, targets and priorities: who waits, for what, and who wakes up."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gangline._core.lanes import Lanes
from gangline.errors import ImpossibleDependency, UsageError
from gangline.messages import PLAIN, EngineId, Terms
from gangline.testing import Run, Simulator, Work


def at_once(runs: list[Run]) -> int:
    """How many of the runs were under way at one time at most."""
    moments = sorted([(run.started_at, 1) for run in runs] + [(run.ended_at, -1) for run in runs])
    most = now = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    return most


@pytest.fixture
def simulator() -> Simulator:
    simulator = Simulator(checked=True)
    simulator.add_engines(4, "host", {"cores": 4.0})
    return simulator


def test_a_limit_holds_and_is_used_to_the_full(simulator: Simulator) -> None:
    simulator.set_limit("database", 2)
    simulator.submit_many([(Work(1.0), Terms(limits=("database",)))] * 10)
    simulator.run()
    assert at_once(simulator.runs) == 2
    assert simulator.clock.monotonic() == pytest.approx(5.0)


def test_a_limit_is_shared_by_tasks_of_all_sorts(simulator: Simulator) -> None:
    simulator.set_limit("database", 1)
    simulator.set_limit("licence", 2)
    sorts = [("database",), ("database", "licence"), ("licence",)]
    simulator.submit_many([(Work(1.0), Terms(limits=sorts[number % 3], priority=number % 2)) for number in range(12)])
    simulator.run()
    both = [run for run in simulator.runs if run.task % 3 == 1]
    assert at_once([run for run in simulator.runs if run.task % 3 != 2]) == 1
    assert at_once([run for run in simulator.runs if run.task % 3 != 0]) == 2
    assert len(both) == 4


def test_a_limited_task_waits_without_holding_an_engine(simulator: Simulator) -> None:
    simulator.set_limit("database", 1)
    simulator.submit_many([(Work(100.0), Terms(limits=("database",)))] * 8)
    others = simulator.submit_many([(Work(1.0), PLAIN)] * 3)
    simulator.run(until=50.0)
    assert [simulator.outcomes[task.id].at for task in others] == pytest.approx([1.0] * 3)


def test_a_limit_that_is_raised_wakes_those_that_wait(simulator: Simulator) -> None:
    simulator.set_limit("database", 1)
    simulator.submit_many([(Work(1.0), Terms(limits=("database",)))] * 8)
    simulator.run(until=0.5)
    assert sum(bool(engine.assigned) for engine in simulator.state.engines.values()) == 1
    simulator.set_limit("database", 3)
    assert sum(bool(engine.assigned) for engine in simulator.state.engines.values()) == 3
    simulator.set_limit("database", 1)
    simulator.run()
    assert simulator.endings == {"ok": 8}


def test_a_name_without_a_cap_does_not_limit(simulator: Simulator) -> None:
    simulator.submit_many([(Work(1.0), Terms(limits=("anything",)))] * 8)
    simulator.run()
    assert at_once(simulator.runs) == 4
    simulator.set_limit("anything", 1)
    assert simulator.state.limits.usage() == {"anything": (0, 1)}


def test_a_limit_below_one_is_refused(simulator: Simulator) -> None:
    with pytest.raises(UsageError, match="'database' must be 1 or more, not 0"):
        simulator.set_limit("database", 0)


def test_a_cancelled_holder_frees_its_limit(simulator: Simulator) -> None:
    simulator.set_limit("database", 1)
    holder, waiting = simulator.submit_many([(Work(100.0), Terms(limits=("database",)))] * 2)
    simulator.cancel(holder, interrupt=True)
    simulator.run(until=1.0)
    assert simulator.outcomes[holder.id].name == "TaskCancelled"
    assert waiting.engine is not None


def test_what_a_host_offers_is_shared_by_its_engines() -> None:
    simulator = Simulator(checked=True)
    simulator.add_engines(4, "host", {"cores": 4.0})
    simulator.submit_many([(Work(1.0), Terms(resources=(("cores", 2.0),)))] * 6)
    simulator.run()
    assert at_once(simulator.runs) == 2


def test_tasks_go_where_the_resource_is() -> None:
    simulator = Simulator(checked=True)
    simulator.add_engines(3, "plain")
    (big,) = simulator.add_engines(1, "big", {"gpus": 1.0})
    tasks = simulator.submit_many([(Work(1.0), Terms(resources=(("gpus", 1.0),)))] * 3)
    simulator.run()
    assert {task.engine for task in tasks} == {big}


def test_a_need_that_no_host_has_is_impossible_and_says_what_is_offered(simulator: Simulator) -> None:
    task = simulator.submit(terms=Terms(resources=(("cores", 8.0),)))
    error = simulator.outcomes[task.id].error
    assert isinstance(error, ImpossibleDependency)
    assert "needs cores=8, and no host has that: host offers cores=4" in str(error)


def test_a_patient_task_waits_for_a_host_that_has_it(simulator: Simulator) -> None:
    task = simulator.submit(terms=Terms(resources=(("cores", 8.0),), patient=True))
    simulator.run()
    assert not simulator.outcomes
    big = simulator.add_engine("big", {"cores": 16.0})
    simulator.run()
    assert task.engine == big


def test_the_last_host_that_has_it_dies(simulator: Simulator) -> None:
    big = simulator.add_engine("big", {"cores": 16.0})
    tasks = simulator.submit_many([(Work(1.0), Terms(resources=(("cores", 8.0),)))] * 4)
    simulator.lose_engine(big)
    assert [simulator.outcomes[task.id].name for task in tasks] == ["EngineError"] + ["ImpossibleDependency"] * 3


def test_targets(simulator: Simulator) -> None:
    targets = frozenset({EngineId(1), EngineId(3)})
    tasks = simulator.submit_many([(Work(1.0), Terms(targets=targets))] * 6)
    simulator.run()
    assert {task.engine for task in tasks} == targets
    gone = simulator.submit(terms=Terms(targets=frozenset({EngineId(9)})))
    assert "engine 9 is gone" in str(simulator.outcomes[gone.id].error)


def test_priority_comes_first_and_order_among_equals() -> None:
    simulator = Simulator(checked=True)
    simulator.add_engine()
    simulator.submit(Work(1.0))
    for priority in (0, 1, 0, 2, -1, 2):
        simulator.submit(Work(1.0), Terms(priority=priority))
    simulator.run()
    assert [run.task for run in simulator.runs] == [0, 4, 6, 2, 1, 3, 5]


def test_tiny_tasks_do_not_keep_a_limited_one_waiting_for_ever() -> None:
    """A limited task needs an idle engine; tiny ones are sent ahead, so that an engine would never be idle."""
    simulator = Simulator(checked=True)
    simulator.add_engines(2)
    tiny = Work(0.0005, kind=1)
    simulator.submit_many([(tiny, PLAIN)] * 200)
    simulator.run(until=0.004)
    limited = simulator.submit(Work(0.001), Terms(limits=("database",)))
    simulator.submit_many([(tiny, PLAIN)] * 2000)
    simulator.run()
    later = sum(outcome.at < simulator.outcomes[limited.id].at for outcome in simulator.outcomes.values())
    assert later < 260, "only what was before it, and what was under way"


def test_tiny_tasks_are_sent_ahead_and_long_ones_are_not(simulator: Simulator) -> None:
    simulator.submit_many([(Work(0.0001, kind=1), PLAIN)] * 40)
    simulator.run()
    simulator.submit_many([(Work(0.0001, kind=1), PLAIN)] * 400)
    assert all(len(engine.assigned) > 10 for engine in simulator.state.engines.values())
    simulator.run()
    simulator.submit_many([(Work(1.0, kind=2), PLAIN)] * 40)
    assert all(len(engine.assigned) == 1 for engine in simulator.state.engines.values())


def test_tiny_tasks_of_a_lane_are_shared_by_all_idle_engines(simulator: Simulator) -> None:
    simulator.submit_many([(Work(0.0001), Terms(priority=1))] * 40, expected_s=0.0001)
    counts = [len(engine.assigned) for engine in simulator.state.engines.values()]
    assert max(counts) - min(counts) <= 1 + 40 // 4


def test_cancelled_tasks_leave_no_trail_of_entries(simulator: Simulator) -> None:
    simulator.submit_many([(Work(1.0), PLAIN)] * 4)
    waiting = simulator.submit_many([(Work(1.0), PLAIN)] * 500)
    for task in waiting[10:]:
        simulator._checked = task.id % 50 == 0
        simulator.cancel(task)
    assert len(simulator.state.lanes.plain.tasks) < 120
    simulator.run()
    assert simulator.endings == {"ok": 14, "TaskCancelled": 490}


def test_tasks_that_come_back_take_their_old_place() -> None:
    simulator = Simulator(checked=True)
    engine = simulator.add_engine()
    simulator.submit_many([(Work(0.5), PLAIN)] * 5, expected_s=0.0001)
    assert len(simulator.state.engines[engine].assigned) == 5
    simulator.submit_many([(Work(0.5), PLAIN)] * 2)
    simulator.lose_engine(engine)
    simulator.add_engine()
    simulator.run()
    order = [run.task for run in simulator.runs]
    assert order == [1, 2, 3, 4, 5, 6]
    assert all(before.ended_at <= after.started_at for before, after in pairwise(simulator.runs))


def test_no_lane_outlives_its_tasks(simulator: Simulator) -> None:
    for priority in range(5):
        simulator.submit(Work(1.0), Terms(priority=priority, targets=frozenset({EngineId(0)}), limits=("a",)))
    simulator.run()
    lanes: Lanes = simulator.state.lanes
    kept = [lanes.all, lanes.open, lanes.by_engine, lanes.parked]
    assert not any(kept)
    assert not lanes.shared


def test_a_task_that_moves_to_another_lane_leaves_no_entry_behind() -> None:
    """Two wait in one lane, one refused by engine 0, one failed there; when 0 is the only one left, their ways part."""
    simulator = Simulator(checked=True)
    simulator.add_engines(3)
    for engine in (1, 2):
        simulator.submit(Work(100.0), Terms(targets=frozenset({EngineId(engine)})))
    refused = simulator.submit(Work(1.0, refused_by=frozenset({EngineId(0)})), Terms(priority=1, patient=True))
    failed = simulator.submit(Work(1.0, fails=1), Terms(priority=1, retries=1))
    simulator.run(until=5.0)
    simulator.submit(Work(100.0))
    for engine in (1, 2):
        simulator.lose_engine(EngineId(engine))
    entries = [[*lane.tasks, *lane.late_tasks()] for lane in simulator.state.lanes.all.values()]
    assert sorted(entries, key=lambda each: each[0].id) == [[refused], [failed]]
