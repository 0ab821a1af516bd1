"""Every invariant of the state, walked and asserted: what tests call after each event.

Each function checks one part; all of it costs time in proportion to the whole state.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from gangline._core.dependency import Verdict, judge
from gangline._core.engines import Engine
from gangline._core.lanes import PLAIN_KEY, Lane
from gangline._core.ledger import Ending
from gangline._core.pacing import LOW_WATER_S
from gangline._core.state import CoreState
from gangline._core.task import NO_ENGINES, Task, detail_of
from gangline._core.timers import Timer
from gangline._core.transitions import FINAL, State
from gangline.messages import EngineId, TaskId

_ROUNDING = 1e-6


def check(state: CoreState) -> None:
    """Assert that all parts of the state agree, as they must between two events.

    Raises:
        AssertionError: they do not.
    """
    assert not state.touched, f"lanes left to look at: {state.touched}"
    assert not state.freed, f"pools left to look at: {state.freed}"
    assert not state.commands, f"commands left to carry out: {state.commands}"
    assert state.telling is None, "dependents are still being told"
    _check_tasks(state)
    _check_lanes(state)
    _check_engines(state)
    _check_openings(state)
    _check_limits(state)
    _check_pools(state)
    _check_dependents(state)
    _check_timers(state)
    _check_nothing_idles(state)


def _check_tasks(state: CoreState) -> None:
    for task_id, task in state.tasks.items():
        assert task.id == task_id, f"{task} is kept as {task_id}"
        assert task.state is not State.NEW, f"{task} was never admitted"
        assert task.state not in FINAL, f"{task} has ended and is still kept"
        assert state.ledger.ending(task_id) is Ending.UNKNOWN, f"{task} lives and the ledger says that it has ended"
        if task.state in (State.BLOCKED, State.DELAYED):
            assert task.detail is not None, f"{task} has nothing to wait for"


def _check_lanes(state: CoreState) -> None:
    lanes = state.lanes
    assert lanes.plain.key == PLAIN_KEY
    assert PLAIN_KEY not in lanes.all
    waiting: list[Task] = []
    for lane in (lanes.plain, *lanes.all.values()):
        held = list(lane)
        assert lane.ready == len(held), f"{lane} holds {held}"
        stale = [task for task in (*lane.tasks, *lane.late_tasks()) if not lane.holds(task)]
        assert all(task.state in FINAL for task in stale), f"{lane} has entries of tasks that may come back: {stale}"
        assert all(earlier.id < later.id for earlier, later in pairwise(lane.tasks)), f"{lane} is out of order"
        for task in held:
            assert state.tasks.get(task.id) is task, f"{task} waits in {lane} and is not kept"
            _check_place(state, lane, task)
        waiting += held
    ready = [task for task in state.tasks.values() if task.state is State.READY]
    assert Counter(task.id for task in waiting) == Counter(task.id for task in ready), "READY tasks and lanes differ"
    unnamed = sum(lane.ready for lane in lanes.all.values() if lane.key.allowed is None)
    assert lanes.unnamed == unnamed, f"{lanes.unnamed} tasks are counted in lanes that name no engines, not {unnamed}"
    _check_registry(state)


def _check_place(state: CoreState, lane: Lane, task: Task) -> None:
    terms, key = task.terms, lane.key
    refused = task.detail.refused if task.detail is not None else NO_ENGINES
    assert (key.priority, key.limits, key.resources) == (terms.priority, terms.limits, terms.resources)
    assert key.prompt == terms.prompt
    if key.allowed is None:
        assert terms.targets is None
        assert {engine for engine in refused if engine in state.engines} <= key.excluded
        assert key.excluded <= state.engines.keys(), f"{lane} names engines that are gone"
    else:
        assert key.allowed, f"{lane} is open to nobody"
        assert not key.allowed & refused, f"{task} waits for engines that it refused"
        assert key.allowed <= state.engines.keys(), f"{lane} waits for engines that are gone"
        assert terms.targets is None or key.allowed <= terms.targets, f"{task} waits for engines that are no targets"


def _check_registry(state: CoreState) -> None:
    """Each lane is shown to just those engines that may take from it, or parked with a limit."""
    lanes = state.lanes
    parked = {(limit, key) for limit, kept in lanes.parked.items() for key in kept}
    shown = {(engine, key) for engine, kept in lanes.by_engine.items() for key in kept}
    assert all(lanes.parked.values())
    assert all(lanes.by_engine.values())
    for key, lane in lanes.all.items():
        assert lane.key == key
        assert lane.ready, f"{lane} is registered and empty"
        if lane.parked_on is not None:
            parked.remove((lane.parked_on, key))
            assert lane.parked_on in key.limits
            assert state.limits.exhausted((lane.parked_on,)), f"{lane} is parked on {lane.parked_on}, which has room"
        elif key.allowed is None:
            assert lanes.open.get(key) is lane, f"{lane} is not open"
        else:
            shown -= {(engine, key) for engine in key.allowed}
            assert all(lanes.by_engine[engine].get(key) is lane for engine in key.allowed)
    assert not parked, f"lanes that hold nothing are parked: {parked}"
    assert not shown, f"lanes that hold nothing are shown: {shown}"
    open_ = [key for key, lane in lanes.all.items() if lane.parked_on is None and key.allowed is None]
    assert len(open_) == len(lanes.open), "lanes that hold nothing are open"


def _check_engines(state: CoreState) -> None:
    seen: dict[TaskId, EngineId] = {}
    for engine_id, engine in state.engines.items():
        assert engine.id == engine_id
        for task_id, task in engine.assigned.items():
            assert task_id == task.id
            assert task_id not in seen, f"{task} is on engine {engine_id} and on {seen[task_id]}"
            assert state.tasks.get(task_id) is task, f"{task} is assigned and not kept"
            assert task.state is State.ASSIGNED, f"{task} is assigned to {engine}"
            assert task.engine == engine_id, f"{task} thinks that it is on {task.engine}, not on {engine_id}"
            seen[task_id] = engine_id
        backlog_s = sum(task.cost_s for task in engine.assigned.values())
        assert abs(backlog_s - engine.backlog_s) < _ROUNDING, f"{engine} has {engine.backlog_s}, not {backlog_s}"
    lost = [task for task in state.tasks.values() if task.state is State.ASSIGNED and task.id not in seen]
    assert not lost, f"assigned to no engine: {lost}"


def _check_openings(state: CoreState) -> None:
    engines = [engine for engine in state.engines.values() if not engine.leaving]
    idle = {engine.id for engine in engines if not engine.assigned}
    assert {engine.id for engine in state.idle} == idle, "idle engines"
    slack = {
        engine.id
        for engine in engines
        if engine.assigned and not engine.stuck and engine.backlog_s < LOW_WATER_S - _ROUNDING
    }
    kept = {engine.id for engine in state.slack}
    assert slack <= kept, "engines with room are not known"
    assert all(state.engines[each].backlog_s < LOW_WATER_S + _ROUNDING for each in kept), "engines with room are full"
    assert not kept & idle
    loaded = {engine.id for engine in engines if len(engine.assigned) > 1 and not engine.stuck}
    assert state.loaded.keys() <= loaded, "engines with waiting tasks"
    for openings in (state.idle, state.slack):
        assert len(openings) == len(list(openings))
        if openings:
            assert openings.choose().id in openings, "a scheme picks an engine that has no room"


def _check_limits(state: CoreState) -> None:
    used = Counter(
        name for engine in state.engines.values() for task in engine.assigned.values() for name in task.terms.limits
    )
    for name, (in_use, cap) in state.limits.usage().items():
        assert in_use == used.pop(name, 0), f"limit {name}: {in_use} in use"
        assert cap >= 1
    assert not used, f"limits that are not counted: {used}"


def _check_pools(state: CoreState) -> None:
    members: dict[str, list[Engine]] = {}
    for engine in state.engines.values():
        members.setdefault(engine.pool.name, []).append(engine)
    assert state.pools.keys() == members.keys()
    for name, engines in members.items():
        pool = state.pools[name]
        assert all(engine.pool is pool for engine in engines)
        assert pool.engines == len(engines)
        assert pool.idle.keys() == {engine.id for engine in engines if engine.id in state.idle}
        used: Counter[str] = Counter()
        for engine in engines:
            for task in engine.assigned.values():
                used.update(dict(task.terms.resources))
        for resource in used.keys() | pool.used.keys():
            amount, limit = pool.used.get(resource, 0.0), pool.capacity.get(resource, 0.0)
            assert abs(amount - used[resource]) < _ROUNDING, f"{resource} of {name}: {amount} in use"
            assert amount <= limit + _ROUNDING, f"{resource} of {name}: {amount} in use of {limit}"


def _check_dependents(state: CoreState) -> None:
    assert state.dependents.keys() <= state.tasks.keys(), "somebody waits for tasks that have ended"
    for task in state.tasks.values():
        if task.state is not State.BLOCKED:
            continue
        detail = detail_of(task)
        assert judge(detail) is Verdict.WAIT, f"{task} waits, and its dependencies are {judge(detail).value}"
        for each in (detail.after, detail.follow):
            if each is None:
                continue
            pending = [which for which in each.dependency.ids - each.unknown if which in state.tasks]
            assert each.left == len(pending), f"{task} counts {each.left} pending, not {pending}"
            told = [which for which in pending if any(other is task for other in state.dependents.get(which, ()))]
            assert told == pending, f"{task} would not be told when one of {pending} ends"


def _check_timers(state: CoreState) -> None:
    timers = {(timer, task_id, start) for _, timer, task_id, start in state.timers}
    for task in state.tasks.values():
        detail = task.detail
        if task.state is State.DELAYED:
            assert (Timer.RESUME, task.id, 0) in timers, f"{task} would be delayed for ever"
        if task.terms.timeout_s and not (detail is not None and (detail.failures or detail.expired)):
            assert (Timer.EXPIRE, task.id, 0) in timers, f"{task} would never time out"
        if task.state is State.ASSIGNED and task.terms.time_limit_s:
            assert detail is not None
            assert detail.overdue or (Timer.OVERDUE, task.id, detail.starts) in timers, f"{task} might run for ever"
    assert state.stealing == ((Timer.STEAL, None, 0) in timers)
    assert state.stealing or not (state.idle and state.loaded), "idle engines do not look for work of others"


def _check_nothing_idles(state: CoreState) -> None:
    """No engine is idle while a ready task may run on it."""
    assert not (state.idle and state.lanes.plain.ready), "plain tasks wait and engines are idle"
    for lane in state.lanes.all.values():
        if state.limits.exhausted(lane.key.limits):
            continue
        for engine in state.idle:
            suits = lane.key.allowed is None or engine.id in lane.key.allowed
            if suits and engine.id not in lane.key.excluded:
                assert not engine.pool.fits(lane.key.resources), f"{engine} is idle, and {lane} could run there"
