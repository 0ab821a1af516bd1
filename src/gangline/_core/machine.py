"""What happens to the scheduler: one function for each thing that can happen.

Each takes the state, the event and `now` (monotonic seconds), changes the state, and returns the commands to carry out.
The same events with the same seed bring the same commands. Nothing here reads a clock or does any input or output.

Rules:
- A task is in `state.tasks` until it ends; it then leaves with one `Resolve`, and the ledger knows how it ended.
- An engine's report on a task counts only while the task is assigned to that engine; anything else is late and dropped.
- The cost of an event does not depend on how many tasks or engines there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gangline._core import dependency
from gangline._core.commands import Command, Interrupt, Kill, Recall, Succeed
from gangline._core.dependency import Verdict
from gangline._core.engines import Engine
from gangline._core.ledger import Ending
from gangline._core.lifecycle import (
    attempt_failed,
    cancelled,
    end,
    expired,
    failure_of,
    follow_verdict,
    give_back,
    is_cancelled,
    is_interrupted,
    release,
    resettle,
    settle_failure,
    tell_dependents,
)
from gangline._core.limits import Pool
from gangline._core.pacing import CORK, STEAL_AFTER_S
from gangline._core.scheduling import classify, fill, forget, release_engine, spread
from gangline._core.state import CoreState
from gangline._core.task import Task, detail_of
from gangline._core.timers import Timer
from gangline._core.transitions import State, Step, step
from gangline.errors import EngineError, InvalidDependency
from gangline.messages import Attempt, EngineId, EngineInfo, Status, TaskId

INTERRUPT_GRACE_S = 1.0
"""How long an attempt that passed its time limit has to end after it was interrupted, before its engine is killed."""

# Steps of the shortest way through the table, taken so often that they are looked up once.
_RELEASED = step(State.NEW, Step.RELEASE)
_SUCCEEDED = step(State.ASSIGNED, Step.SUCCEED)


def on_submitted(state: CoreState, tasks: Sequence[Task], now: float) -> Sequence[Command]:
    """New tasks, numbered in order. Within one call they may depend on one another, whatever their order."""
    plain, special = state.lanes.plain, []
    for task in tasks:
        state.tasks[task.id] = task
        if task.terms.plain:
            task.state = _RELEASED
            plain.tasks.append(task)
            plain.ready += 1
        else:
            special.append(task)
    if special:
        _admit_all(state, special, now)
    if state.idle.members or state.touched:
        spread(state, now)
    elif plain.ready >= CORK and state.slack.members:
        fill(state, state.slack.choose(), now)
    return state.take_commands()


def on_engine_joined(state: CoreState, engine_id: EngineId, info: EngineInfo, now: float) -> Sequence[Command]:
    """An engine is ready for tasks."""
    pool = state.pools.get(info.pool)
    if pool is None:
        pool = state.pools[info.pool] = Pool(info.pool, info.offers)
    pool.engines += 1
    engine = state.engines[engine_id] = Engine(engine_id, info, pool, now)
    fill(state, engine, now)
    spread(state, now)
    return state.take_commands()


def on_engine_leaving(state: CoreState, engine_id: EngineId, now: float) -> Sequence[Command]:
    """An engine is to be stopped: it ends what it runs, gives back the rest and gets nothing new."""
    engine = state.engines.get(engine_id)
    if engine is not None and not engine.leaving:
        engine.leaving = True
        if len(engine.assigned) > 1:
            state.commands.append(Recall(engine_id))
        classify(state, engine)
        spread(state, now)
    return state.take_commands()


def on_engine_lost(
    state: CoreState, engine_id: EngineId, reason: str, running: frozenset[TaskId], now: float
) -> Sequence[Command]:
    """An engine is gone. What it was running may be attempted again; what it had not started goes elsewhere."""
    engine = state.engines.pop(engine_id, None)
    if engine is None:
        return state.take_commands()
    forget(state, engine)
    engine.leaving = True
    _drop_pool(state, engine)
    lost = EngineError(
        f"engine {engine_id} on {engine.info.host} {reason}", engine_id=engine_id, host=engine.info.host, reason=reason
    )
    for task in list(engine.assigned.values()):
        release_engine(state, engine, task)
        if task.id in running:
            attempt_failed(state, task, failure_of(lost, state.name(task.id)), now)
        elif task.terms.pinned and not is_cancelled(task):
            end(state, task, Step.FAIL, error=lost)
        else:
            give_back(state, task)
    resettle(state, engine)
    spread(state, now)
    return state.take_commands()


def on_finished(state: CoreState, engine_id: EngineId, attempts: Iterable[Attempt], now: float) -> Sequence[Command]:
    """Attempts have ended on an engine, in this order: with a result, an error, or a refusal."""
    engine = state.engines.get(engine_id)
    if engine is None:
        return state.take_commands()
    assigned, dependents, live, close = engine.assigned, state.dependents, state.tasks, state.ledger.close
    plain = state.lanes.plain
    engine.heard_at = now
    engine.stuck = False
    succeeded = Succeed([], [])
    state.commands.append(succeeded)
    for attempt in attempts:
        task_id, status, _, started_at, completed_at, _ = attempt
        task = assigned.get(task_id)
        if task is None:
            continue
        if status is not Status.UNMET:
            state.pace.learn(task.payload.kind, completed_at - started_at)
        if task.terms.plain:
            del assigned[task_id]
            engine.backlog_s -= task.cost_s
        else:
            release_engine(state, engine, task)
        if status is not Status.OK:
            settle_failure(state, task, attempt, now)
        elif is_interrupted(task):
            end(state, task, Step.CANCEL, error=cancelled(state, task), ran_on=engine_id)
        else:  # also if its cancellation was asked for: it had begun before it could be called back
            task.state = _SUCCEEDED
            del live[task_id]
            close(task_id, Ending.SUCCESS, engine_id)
            succeeded.tasks.append(task)
            succeeded.attempts.append(attempt)
            if task_id in dependents:
                tell_dependents(state, task_id)
    fill(state, engine, now)
    if state.touched or (state.idle.members and (plain.ready or state.freed or state.loaded)):
        spread(state, now)
    return state.take_commands()


def on_returned(state: CoreState, engine_id: EngineId, tasks: Iterable[TaskId], now: float) -> Sequence[Command]:
    """An engine has given back tasks that it had not started."""
    engine = state.engines.get(engine_id)
    if engine is None:
        return state.take_commands()
    for task_id in tasks:
        task = engine.assigned.get(task_id)
        if task is None:
            continue
        release_engine(state, engine, task)
        give_back(state, task)
    if engine.assigned:
        engine.stuck = True
        classify(state, engine)
    else:
        fill(state, engine, now)
    spread(state, now)
    return state.take_commands()


def on_cancelled(state: CoreState, task_id: TaskId, now: float, *, interrupt: bool = False) -> Sequence[Command]:
    """A task is not wanted any more: one that waits ends at once, one that was sent is called back or interrupted."""
    task = state.tasks.get(task_id)
    if task is None:
        return state.take_commands()
    if task.state is not State.ASSIGNED:
        end(state, task, Step.CANCEL, error=cancelled(state, task))
    else:
        assert task.engine is not None
        detail = detail_of(task)
        detail.cancelled = True
        state.commands.append(Recall(task.engine))
        if interrupt:
            detail.interrupted = True
            state.commands.append(Interrupt(task.engine, task))
    spread(state, now)
    return state.take_commands()


def on_cancel_withdrawn(state: CoreState, task_id: TaskId) -> None:
    """The task is running and is to run on: its cancellation was refused. One that is interrupted already stays so."""
    task = state.tasks.get(task_id)
    if task is not None and task.detail is not None and not task.detail.interrupted:
        task.detail.cancelled = False


def on_limit_set(state: CoreState, name: str, cap: int, now: float) -> Sequence[Command]:
    """A named limit has got a (new) cap."""
    state.limits.set(name, cap)
    for lane in state.lanes.unpark(name):
        state.touched[id(lane)] = lane
    spread(state, now)
    return state.take_commands()


def on_tick(state: CoreState, now: float) -> Sequence[Command]:
    """Time has passed: do what has come due."""
    while (due := state.timers.pop_due(now)) is not None:
        timer, task_id, start = due
        if task_id is None:
            _steal(state, now)
        elif (task := state.tasks.get(task_id)) is not None:
            _on_timer(state, timer, task, start, now)
    spread(state, now)
    return state.take_commands()


def _admit_all(state: CoreState, tasks: Sequence[Task], now: float) -> None:
    """Let tasks with terms of their own in."""
    circular = dependency.find_cycles(tasks) if len(tasks) > 1 else {}
    for task in tasks:
        if task.id in circular:
            _refuse_cycle(state, task, circular[task.id])
        else:
            _admit(state, task, now)


def _admit(state: CoreState, task: Task, now: float) -> None:
    """Let a task with terms of its own in: it becomes ready, blocked, or impossible."""
    terms = task.terms
    if terms.timeout_s:
        state.timers.set(now + terms.timeout_s, Timer.EXPIRE, task.id)
    verdict = dependency.watch(state, task) if terms.after or terms.follow else Verdict.MET
    follow_verdict(state, task, verdict)
    if task.state is State.NEW:
        task.state = step(State.NEW, Step.BLOCK)


def _on_timer(state: CoreState, timer: Timer, task: Task, start: int, now: float) -> None:
    match timer:
        case Timer.EXPIRE if task.state is State.ASSIGNED:
            detail_of(task).expired = True
        case Timer.EXPIRE if not (task.detail and task.detail.failures):
            end(state, task, Step.FAIL, error=expired(state, task))
        case Timer.RESUME if task.state is State.DELAYED:
            release(state, task, Step.RELEASE)
        case Timer.OVERDUE | Timer.FORCE if task.state is State.ASSIGNED and detail_of(task).starts == start:
            assert task.engine is not None
            if timer is Timer.OVERDUE:
                detail_of(task).overdue = True
                state.commands.append(Interrupt(task.engine, task))
                state.timers.set(now + INTERRUPT_GRACE_S, Timer.FORCE, task.id, start)
            else:
                reason = f"killed because task {state.name(task.id)} passed its time limit"
                state.commands.append(Kill(task.engine, reason))
        case _:
            pass


def _steal(state: CoreState, now: float) -> None:
    """Idle engines get what waits behind a task that takes long."""
    state.stealing = False
    if not state.idle:
        return
    for engine in list(state.loaded.values()):
        if now - engine.heard_at >= STEAL_AFTER_S:
            del state.loaded[engine.id]
            state.commands.append(Recall(engine.id))


def _drop_pool(state: CoreState, engine: Engine) -> None:
    engine.pool.engines -= 1
    if not engine.pool.engines:
        del state.pools[engine.pool.name]


def _refuse_cycle(state: CoreState, task: Task, cycle: Sequence[TaskId]) -> None:
    names = " → ".join(state.name(each) for each in [*cycle, cycle[0]])
    end(state, task, Step.FAIL, error=InvalidDependency(f"task {state.name(task.id)} waits for itself: {names}"))
