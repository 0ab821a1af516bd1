"""The check finds what it is there to find: each part of the state is damaged in turn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gangline._core.check import check
from gangline._core.commands import Dismiss
from gangline._core.state import CoreState
from gangline._core.task import detail_of
from gangline._core.transitions import State
from gangline.messages import PLAIN, Dependency, EngineId, TaskId, Terms
from gangline.testing import Simulator, Work


def busy_state() -> CoreState:
    """Tasks 0 and 2 run, 1 is parked with its limit, 3 waits in the plain lane, 4 is blocked, 5 waits for engine 1."""
    simulator = Simulator(checked=True)
    simulator.add_engines(2, "host", {"cores": 2.0})
    simulator.set_limit("one", 1)
    simulator.submit(Work(100.0), Terms(limits=("one",), resources=(("cores", 1.0),), time_limit_s=500.0))
    simulator.submit(Work(), Terms(limits=("one",)))
    simulator.submit_many([(Work(100.0), PLAIN)] * 2)
    simulator.submit(Work(), Terms(after=Dependency(frozenset({TaskId(0)}))))
    simulator.submit(Work(), Terms(targets=frozenset({EngineId(1)}), timeout_s=900.0))
    return simulator.state


DAMAGE: dict[str, Callable[[CoreState], object]] = {
    "a command is left": lambda state: state.commands.append(Dismiss(EngineId(0))),
    "a lane is left to look at": lambda state: state.touched.update({1: state.lanes.plain}),
    "a pool is left to look at": lambda state: state.freed.update(state.pools),
    "dependents are being told": lambda state: setattr(state, "telling", []),
    "a task under a wrong number": lambda state: state.tasks.update({TaskId(77): state.tasks[TaskId(3)]}),
    "an ended task is kept": lambda state: setattr(state.tasks[TaskId(3)], "state", State.FAILED),
    "a ready task in no lane": lambda state: state.lanes.plain.tasks.clear(),
    "a task twice in a lane": lambda state: state.lanes.plain.tasks.append(state.tasks[TaskId(3)]),
    "a lane counts wrongly": lambda state: setattr(state.lanes.plain, "ready", 7),
    "shared lanes are counted wrongly": lambda state: setattr(state.lanes, "unnamed", 7),
    "a lane is not shown": lambda state: state.lanes.by_engine.clear(),
    "a lane is not parked": lambda state: state.lanes.parked.clear(),
    "a lane is parked in vain": lambda state: state.limits.set("one", 5),
    "a limit counts wrongly": lambda state: state.limits.take(("one",)),
    "a limit counts nobody": lambda state: state.limits.give(("one",)),
    "an unknown limit is held": lambda state: state.limits.take(("two",)),
    "a pool counts wrongly": lambda state: state.pools["host"].take((("cores", 1.0),)),
    "a pool misses an engine": lambda state: setattr(state.pools["host"], "engines", 1),
    "a pool has an idle engine too many": lambda state: state.pools["host"].idle.update(state.engines),
    "an engine has lost a task": lambda state: state.engines[EngineId(0)].assigned.clear(),
    "two engines have a task": lambda state: state.engines[EngineId(1)].assigned.update(
        state.engines[EngineId(0)].assigned
    ),
    "a task thinks that it is elsewhere": lambda state: setattr(state.tasks[TaskId(0)], "engine", EngineId(1)),
    "a backlog is wrong": lambda state: setattr(state.engines[EngineId(0)], "backlog_s", 9.0),
    "a busy engine counts as idle": lambda state: state.idle.add(state.engines[EngineId(0)]),
    "a full engine counts as open": lambda state: state.slack.add(state.engines[EngineId(0)]),
    "an engine with one task counts as loaded": lambda state: state.loaded.update(state.engines),
    "nobody would be told": lambda state: state.dependents.clear(),
    "somebody waits for a task that has ended": lambda state: state.dependents.update({TaskId(99): []}),
    "a dependency counts wrongly": lambda state: setattr(detail_of(state.tasks[TaskId(4)]).after, "left", 2),
    "a dependency is met and the task waits": lambda state: setattr(
        detail_of(state.tasks[TaskId(4)]).after, "met", True
    ),
    "a timer is missing": lambda state: state.timers._heap.clear(),
    "a steal is not set": lambda state: setattr(state, "stealing", True),
    "a refusing engine is waited for": lambda state: setattr(
        detail_of(state.tasks[TaskId(5)]), "refused", frozenset({EngineId(1)})
    ),
}


def test_a_sound_state_passes() -> None:
    state = busy_state()
    states = [state.tasks[TaskId(number)].state for number in range(6)]
    ready, sent = State.READY, State.ASSIGNED
    assert states == [sent, ready, sent, ready, State.BLOCKED, ready]
    check(state)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found(damage: Callable[[CoreState], object]) -> None:
    state = busy_state()
    damage(state)
    with pytest.raises((AssertionError, KeyError)):
        check(state)
