"""Engines join, leave, die, and are relieved of what waits behind a long task."""

from __future__ import annotations

import pytest

from gangline.errors import EngineError
from gangline.messages import PLAIN, EngineId, Terms
from gangline.testing import Simulator, Work


def test_tasks_wait_for_the_first_engine() -> None:
    simulator = Simulator(checked=True)
    task = simulator.submit()
    simulator.run()
    assert not simulator.outcomes
    simulator.add_engine()
    simulator.run()
    assert simulator.outcomes[task.id].name == "ok"


def test_a_new_engine_gets_what_waits() -> None:
    simulator = Simulator(checked=True)
    simulator.add_engine()
    simulator.submit_many([(Work(1.0), PLAIN)] * 6)
    simulator.run(until=0.5)
    simulator.add_engines(2)
    simulator.run()
    assert simulator.clock.monotonic() == pytest.approx(2.5)


def test_forty_tasks_on_two_engines_of_which_one_dies() -> None:
    simulator = Simulator(checked=True)
    first, _ = simulator.add_engines(2)
    simulator.submit_many([(Work(0.1), PLAIN)] * 40)
    simulator.run(until=0.55)
    simulator.lose_engine(first)
    simulator.run()
    assert simulator.endings == {"ok": 39, "EngineError": 1}
    assert len({run.task for run in simulator.runs}) == len(simulator.runs) == 39, "none twice"


def test_what_an_engine_had_not_started_goes_elsewhere() -> None:
    simulator = Simulator(checked=True)
    first, second = simulator.add_engines(2)
    tasks = simulator.submit_many([(Work(1.0), Terms(targets=frozenset({first, second})))] * 20, expected_s=0.0001)
    simulator.run(until=0.5)
    simulator.lose_engine(first)
    simulator.run()
    assert simulator.endings == {"ok": 19, "EngineError": 1}
    assert {task.engine for task in tasks if simulator.outcomes[task.id].name == "ok"} == {second}


def test_all_engines_die_and_one_comes() -> None:
    simulator = Simulator(checked=True)
    engines = simulator.add_engines(3)
    simulator.submit_many([(Work(1.0), Terms(retries=3))] * 9)
    simulator.run(until=0.5)
    for engine in engines:
        simulator.lose_engine(engine)
    simulator.run()
    assert not simulator.outcomes
    simulator.add_engine()
    simulator.run()
    assert simulator.endings == {"ok": 9}


def test_pinned_tasks_end_with_their_engine_and_others_do_not_take_them() -> None:
    simulator = Simulator(checked=True)
    first, _ = simulator.add_engines(2)
    pinned = Terms(targets=frozenset({first}), pinned=True, retries=2)
    tasks = simulator.submit_many([(Work(1.0), pinned)] * 20, expected_s=0.001)
    simulator.run(until=1.5)
    simulator.lose_engine(first, "exited with code 3")
    simulator.run()
    assert simulator.endings == {"ok": 1, "EngineError": 19}
    assert {type(simulator.outcomes[task.id].error) for task in tasks[1:]} == {EngineError}


def test_a_leaving_engine_ends_what_it_runs_and_gives_back_the_rest() -> None:
    simulator = Simulator(checked=True)
    first, second = simulator.add_engines(2)
    simulator.submit_many([(Work(1.0), PLAIN)] * 20, expected_s=0.0001)
    simulator.run(until=0.5)
    simulator.leave(first)
    simulator.run()
    assert simulator.endings == {"ok": 20}
    assert simulator.started == {first: 1, second: 19}
    assert list(simulator.state.engines) == [second]


def test_an_idle_engine_leaves_at_once() -> None:
    simulator = Simulator(checked=True)
    first, second = simulator.add_engines(2)
    simulator.leave(first)
    assert list(simulator.state.engines) == [second]
    simulator.leave(first)


def test_idle_engines_relieve_one_that_is_held_up() -> None:
    """Tasks of a kind that was short so far were sent ahead; one takes long; the others must not wait for it."""
    simulator = Simulator(checked=True)
    simulator.add_engines(4)
    simulator.submit_many([(Work(0.0001, kind=1), PLAIN)] * 50)
    simulator.run()
    long, *short = simulator.submit_many(
        [(Work(60.0 if number == 0 else 0.0001, kind=1), PLAIN) for number in range(40)]
    )
    simulator.run()
    assert simulator.outcomes[long.id].at > 60
    assert max(simulator.outcomes[task.id].at for task in short) < 0.1


def test_an_engine_that_gave_everything_back_gets_what_waits_for_it() -> None:
    simulator = Simulator(checked=True)
    engine = simulator.add_engine()
    cancelled = simulator.submit(Work(1.0))
    simulator.submit(Work(1.0), Terms(limits=("one",)))
    # The engine has not begun: it gives the task back as soon as it is asked.
    queue = simulator._engines[engine]
    queue.queue.extendleft(task for task, _, _ in queue.group)
    queue.group = []
    simulator.cancel(cancelled)
    simulator.run()
    assert simulator.endings == {"ok": 1, "TaskCancelled": 1}


def test_reports_of_engines_that_are_gone_are_dropped() -> None:
    simulator = Simulator(checked=True)
    engine = simulator.add_engine()
    task = simulator.submit(Work(1.0), Terms(retries=1))
    simulator.lose_engine(engine)
    simulator.lose_engine(engine)
    simulator.lose_engine(EngineId(77))
    simulator.add_engine()
    simulator.run()
    assert simulator.outcomes[task.id].name == "ok"


def test_a_clock_that_is_set_back_on_an_engine_does_not_make_its_tasks_free() -> None:
    simulator = Simulator(checked=True)
    simulator.add_engines(2)
    pace = simulator.state.pace
    pace.learn(1, 0.001)
    pace.learn(1, -3600.0)
    assert pace.cost(1, None) > 0.001
    assert pace.cost(1, -1.0) > 0
