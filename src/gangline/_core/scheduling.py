"""Ready tasks to engines with room: which lane a task waits in, which engine takes it, and how much at once.

Rules, which hold at the end of each event:
- No engine is idle while a ready task may run on it.
- A `prompt` task is sent to an idle engine only, so being sent means being started.
- A busy engine is sent work ahead up to `WINDOW_S`; engines that gave tasks back are not, until they report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from gangline._core.commands import Dismiss, Dispatch
from gangline._core.engines import Engine, Standing
from gangline._core.lanes import PLAIN_KEY, Lane, LaneKey
from gangline._core.limits import Needs
from gangline._core.pacing import BATCH_MAX, LOW_WATER_S, STEAL_AFTER_S, WINDOW_S
from gangline._core.state import CoreState
from gangline._core.task import NO_ENGINES, Task, detail_of
from gangline._core.timers import Timer
from gangline._core.transitions import State, Step, step
from gangline.errors import EngineError, ImpossibleDependency, TaskError
from gangline.messages import EngineId

_DISPATCHED = step(State.READY, Step.DISPATCH)

_NAMED_MAX = 5
"""How many hosts a message names at most."""


def lane_key(state: CoreState, task: Task) -> LaneKey | TaskError:
    """The lane that a task has to wait in as things stand, or why it can wait nowhere."""
    terms, detail = task.terms, task.detail
    if terms.plain and (detail is None or not (detail.refused or detail.failed_on)):
        return PLAIN_KEY
    detail = detail_of(task)
    allowed, excluded = terms.targets, NO_ENGINES
    if detail.places is not None:
        allowed = detail.places if allowed is None else allowed & detail.places
    if allowed is not None:
        usable = _usable(state, allowed, terms.resources) - detail.refused
        if not usable:
            return no_place(state, task, allowed)
        allowed = usable - detail.failed_on or usable
    elif terms.resources or detail.refused or detail.failed_on:
        # Only live engines are named: those that are gone would make lanes differ that are alike.
        refused = _live(state, detail.refused)
        excluded = refused | _live(state, detail.failed_on)
        if not _some_left(state, excluded, terms.resources):
            excluded = refused
        if not (terms.patient or terms.timeout_s or _some_left(state, excluded, terms.resources)):
            return no_place(state, task, None)
    return LaneKey(terms.priority, allowed, excluded, terms.limits, terms.resources, terms.prompt)


def place(state: CoreState, task: Task, key: LaneKey) -> None:
    """Let a ready task wait in its lane; an idle engine takes it before the event is over.

    Where others wait already no engine need look: the tasks of a lane are alike, and none could take the others.
    """
    lane = state.lanes.enter(task, key)
    if lane.ready == 1 and lane is not state.lanes.plain and state.idle:
        state.touched[id(lane)] = lane


def spread(state: CoreState, now: float) -> None:
    """Give idle engines what they may newly run; the last thing that each event does."""
    while state.freed:
        _, pool = state.freed.popitem()
        for idle in list(pool.idle.values()):
            if not (state.lanes.all or state.lanes.plain.ready):
                break
            fill(state, idle, now)
    while state.touched:
        _, lane = state.touched.popitem()
        while lane.ready and lane.parked_on is None:
            engine = _idle_engine_for(state, lane)
            if engine is None:
                break
            fill(state, engine, now)
    plain = state.lanes.plain
    while plain.ready and state.idle.members:
        fill(state, state.idle.choose(), now)
    if state.loaded and state.idle.members and not state.stealing:
        state.stealing = True
        state.timers.set(now + STEAL_AFTER_S, Timer.STEAL)


def fill(state: CoreState, engine: Engine, now: float) -> None:
    """Send an engine what fits into its window."""
    if engine.leaving:
        classify(state, engine)
        return
    if not engine.assigned:
        engine.heard_at = now
        engine.backlog_s = 0.0
        engine.stuck = False
    if state.lanes.plain.ready or state.lanes.all:
        batch = _take_batch(state, engine, now)
        if batch:
            state.uses += 1
            engine.used = state.uses
            state.commands.append(Dispatch(engine.id, batch))
    classify(state, engine)


def _take_batch(state: CoreState, engine: Engine, now: float) -> list[Task]:
    """Assign to the engine what is first in line and fits."""
    batch: list[Task] = []
    most = _share(state)
    if state.lanes.all or state.lanes.plain.late:
        while len(batch) < most:
            lane = _next_lane(state, engine)
            if lane is None or not _take(state, engine, lane, now, batch):
                break
    else:
        _take_plain(state, engine, most, now, batch)
    return batch


def _take_plain(state: CoreState, engine: Engine, most: int, now: float, batch: list[Task]) -> None:
    """The short way when no ready task has terms of its own: `_take` again and again, asking less."""
    lane = state.lanes.plain
    tasks, assigned = lane.tasks, engine.assigned
    backlog_s, taken, kind, cost = engine.backlog_s, 0, None, 0.0
    while tasks and taken < most:
        task = tasks[0]
        if task.state is State.READY:
            if task.payload.kind != kind or task.expected_s is not None:
                kind = task.payload.kind
                cost = state.pace.cost(kind, task.expected_s)
            if backlog_s + cost > WINDOW_S and assigned:
                break
            backlog_s += cost
            taken += 1
            task.state = _DISPATCHED
            task.engine = engine.id
            task.cost_s = cost
            assigned[task.id] = task
            batch.append(task)
            if task.detail is not None or task.terms.retries:
                _begin_attempt(state, task, now)
        tasks.popleft()
    engine.backlog_s = backlog_s
    lane.ready -= taken


def _take(state: CoreState, engine: Engine, lane: Lane, now: float, batch: list[Task]) -> bool:
    """Assign the head of the lane if it fits beside what the engine has."""
    task = lane.head()
    if task is None:
        return False
    assigned = engine.assigned
    cost = state.pace.cost(task.payload.kind, task.expected_s)
    if assigned and engine.backlog_s + cost > WINDOW_S:
        return False
    key = lane.key
    lane.drop_head()
    if lane is state.lanes.plain:
        lane.ready -= 1
    else:
        state.lanes.leave(lane)
        if key.limits:
            state.limits.take(key.limits)
        if key.resources:
            engine.pool.take(key.resources)
    task.state = step(task.state, Step.DISPATCH)
    task.engine = engine.id
    task.cost_s = WINDOW_S if key.prompt else cost
    engine.backlog_s += task.cost_s
    assigned[task.id] = task
    batch.append(task)
    if task.detail is not None or task.terms.retries or task.terms.time_limit_s:
        _begin_attempt(state, task, now)
    return not key.prompt


def _begin_attempt(state: CoreState, task: Task, now: float) -> None:
    detail = detail_of(task)
    detail.lane = None
    detail.attempts += 1
    detail.starts += 1
    detail.overdue = False
    if task.terms.time_limit_s:
        state.timers.set(now + task.terms.time_limit_s, Timer.OVERDUE, task.id, detail.starts)


def release_engine(state: CoreState, engine: Engine, task: Task) -> None:
    """The engine has the task no longer: what it held is given back."""
    del engine.assigned[task.id]
    engine.backlog_s -= task.cost_s
    terms = task.terms
    if terms.resources:
        engine.pool.give(terms.resources)
        if engine.pool.idle:
            state.freed[engine.pool.name] = engine.pool
    if terms.limits:
        state.limits.give(terms.limits)
        for name in terms.limits:
            for lane in state.lanes.unpark(name):
                state.touched[id(lane)] = lane


def classify(state: CoreState, engine: Engine) -> None:
    """Say whether the engine is idle, could be sent more, or has tasks that others could take."""
    waiting = len(engine.assigned)
    if engine.leaving:
        forget(state, engine)
        if not waiting:
            state.commands.append(Dismiss(engine.id))
        return
    if not waiting:
        standing = Standing.IDLE
    elif engine.backlog_s < LOW_WATER_S and not engine.stuck:
        standing = Standing.SLACK
    else:
        standing = Standing.FULL
    before, engine.standing = engine.standing, standing
    if before is not standing:
        _leave_standing(state, engine, before)
    if standing is Standing.IDLE:
        state.idle.add(engine)
        engine.pool.idle[engine.id] = engine
    elif standing is Standing.SLACK:
        state.slack.add(engine)
    if waiting > 1 and not engine.stuck:
        state.loaded[engine.id] = engine
    elif state.loaded:
        state.loaded.pop(engine.id, None)


def _leave_standing(state: CoreState, engine: Engine, standing: Standing) -> None:
    if standing is Standing.IDLE:
        state.idle.discard(engine)
        engine.pool.idle.pop(engine.id, None)
    elif standing is Standing.SLACK:
        state.slack.discard(engine)


def forget(state: CoreState, engine: Engine) -> None:
    """The engine gets nothing any more."""
    _leave_standing(state, engine, engine.standing)
    engine.standing = Standing.FULL
    state.loaded.pop(engine.id, None)


def _share(state: CoreState) -> int:
    """How many tasks one engine takes at once, so that all with room get some."""
    ready = state.lanes.shared
    openings = len(state.idle.members) + len(state.slack.members)
    if openings > 1 and ready:
        return min(BATCH_MAX, max(1, ready // openings))
    return BATCH_MAX


def _next_lane(state: CoreState, engine: Engine) -> Lane | None:
    """The lane whose head is first in line for this engine.

    None if that is a prompt task and the engine is busy: it gets nothing more ahead, so that it becomes idle and can
    take the task. Otherwise tasks that can be sent ahead would keep prompt ones waiting for ever.
    """
    lanes = state.lanes
    plain = lanes.plain
    if not lanes.all:
        return plain if plain.ready else None
    best: Lane | None = None
    best_rank = (0, 0)
    if plain.ready and (head := plain.head()) is not None:
        best, best_rank = plain, (0, head.id)
    for lane in lanes.visible_to(engine.id):
        head = lane.head()
        if head is None:
            continue
        rank = (-lane.key.priority, int(head.id))
        if (best is None or rank < best_rank) and _open_to(state, lane, engine):
            best, best_rank = lane, rank
    return None if best is not None and best.key.prompt and engine.assigned else best


def _open_to(state: CoreState, lane: Lane, engine: Engine) -> bool:
    key = lane.key
    if engine.id in key.excluded:
        return False
    if key.limits and (limit := state.limits.exhausted(key.limits)) is not None:
        state.lanes.park(lane, limit)
        return False
    return not key.resources or engine.pool.fits(key.resources)


def _idle_engine_for(state: CoreState, lane: Lane) -> Engine | None:
    """An idle engine that may take the head of the lane, chosen by the scheme."""
    idle = state.idle
    if not idle:
        return None
    key = lane.key
    if key.allowed is None:
        engine = idle.choose()
        if _open_to(state, lane, engine):
            return engine
        return _first_fit(state, key) if lane.parked_on is None else None
    if len(key.allowed) <= len(idle):
        nearby = [state.engines[engine_id] for engine_id in key.allowed if engine_id in idle]
    else:
        nearby = [engine for engine in idle if engine.id in key.allowed]
    suited = [engine for engine in nearby if lane.parked_on is None and _open_to(state, lane, engine)]
    return idle.choose_from(suited) if suited else None


def _first_fit(state: CoreState, key: LaneKey) -> Engine | None:
    """An idle engine on the first host that has enough free; hosts that have not are asked last from then on."""
    if not (key.excluded or key.resources):
        return None
    for pool in list(state.pools.values()):
        if pool.idle and pool.fits(key.resources):
            suited = [engine for engine in pool.idle.values() if engine.id not in key.excluded]
            if suited:
                return state.idle.choose_from(suited)
        state.pools.move_to_end(pool.name)
    return None


def _live(state: CoreState, engines: frozenset[EngineId]) -> frozenset[EngineId]:
    return frozenset(engine for engine in engines if engine in state.engines) if engines else NO_ENGINES


def _usable(state: CoreState, engines: frozenset[EngineId], needs: Needs) -> frozenset[EngineId]:
    """Those of the engines that live and whose host has what is needed."""
    live = _live(state, engines)
    return frozenset(each for each in live if state.engines[each].pool.could_ever_fit(needs)) if needs else live


def _some_left(state: CoreState, excluded: frozenset[EngineId], needs: Needs) -> bool:
    """Whether a live engine is left that has what is needed; or none lives at all, so that one may yet come."""
    if not state.engines:
        return True
    if not needs:
        return len(excluded) < len(state.engines)
    without = Counter(state.engines[engine].pool.name for engine in excluded)
    return any(pool.engines > without[pool.name] and pool.could_ever_fit(needs) for pool in state.pools.values())


def no_place(state: CoreState, task: Task, allowed: frozenset[EngineId] | None) -> TaskError:
    """Why a task has no engine to run on, now or ever; `allowed` are those that its terms leave, None is any."""
    detail, needs = detail_of(task), task.terms.resources
    name = state.name(task.id)
    if allowed is not None and not allowed:
        return ImpossibleDependency(
            f"task {name} has no engine to run on: its targets and what it follows exclude each other"
        )
    gone = [engine for engine in sorted(allowed or ()) if engine not in state.engines]
    if task.terms.pinned and gone:
        return EngineError(f"engine {gone[0]}, which task {name} was sent to, is gone", engine_id=gone[0])
    reasons = [f"engine {_listed(gone)} is gone"] if gone else []
    refused = _live(state, detail.refused)
    said = f" ({detail.refusal})" if detail.refusal else ""
    reasons += [f"it was refused by engine {_listed(refused)}{said}"] if refused else []
    left = [each for each in (state.engines if allowed is None else allowed) if each in state.engines]
    if needs and not set(left) <= refused:
        reasons += [_lacking(state, needs, {state.engines[each].pool.name for each in left if each not in refused})]
    return ImpossibleDependency(f"task {name} has no engine left to run on: {' and '.join(reasons)}")


def _listed(engines: Collection[EngineId]) -> str:
    return ", ".join(map(str, sorted(engines)))


def _lacking(state: CoreState, needs: Needs, pools: Collection[str]) -> str:
    wanted = ", ".join(f"{resource}={amount:g}" for resource, amount in needs)
    offers = "; ".join(
        f"{pool} offers "
        + ", ".join(f"{resource}={state.pools[pool].capacity.get(resource, 0):g}" for resource, _ in needs)
        for pool in sorted(pools)[:_NAMED_MAX]
    )
    return f"it needs {wanted}, and no host has that: {offers}"
