"""What becomes of one task: it is released, comes back, fails, is tried again, ends; and whom that concerns.

Rules:
- Every change of state goes through `step`.
- A task that ends is resolved, entered in the ledger, and told to those that wait for it, in this order.
"""

from __future__ import annotations

from gangline._core import dependency
from gangline._core.commands import Resolve
from gangline._core.dependency import Verdict
from gangline._core.engines import Engine
from gangline._core.lanes import LaneKey
from gangline._core.ledger import Ending
from gangline._core.scheduling import lane_key, place
from gangline._core.state import CoreState
from gangline._core.task import NO_ENGINES, Task, detail_of
from gangline._core.timers import Timer
from gangline._core.transitions import State, Step, step
from gangline.errors import DependencyTimeout, TaskCancelled, TaskError, TaskTimedOut
from gangline.messages import Attempt, EngineId, Failure, Status, TaskId, Terms

DELAY_MAX_S = 365 * 86400.0
"""The longest delay before a retry, however often it was multiplied."""


def follow_verdict(state: CoreState, task: Task, verdict: Verdict) -> None:
    """What the dependencies of a task that was not released yet say is done."""
    if verdict is Verdict.IMPOSSIBLE:
        end(state, task, Step.FAIL, error=dependency.impossible(state, task))
    elif verdict is Verdict.MET:
        detail = task.detail
        if detail is not None and detail.follow is not None and detail.follow.dependency.ids:
            detail.places = detail.follow.places
        release(state, task, Step.RELEASE)


def release(state: CoreState, task: Task, how: Step) -> None:
    """The task may run, if there is anywhere it can."""
    detail = task.detail
    if detail is not None and detail.expired and not detail.failures:
        end(state, task, Step.FAIL, error=expired(state, task))
        return
    key = lane_key(state, task)
    if isinstance(key, TaskError):
        end(state, task, Step.FAIL, error=key)
        return
    task.state = step(task.state, how)
    place(state, task, key)


def give_back(state: CoreState, task: Task) -> None:
    """The task comes back unstarted and waits again, in the place of its age, if it is still wanted."""
    if is_cancelled(task):
        end(state, task, Step.CANCEL, error=cancelled(state, task))
        return
    if task.detail is not None:
        task.detail.attempts = max(0, task.detail.attempts - 1)
    release(state, task, Step.RETURN)


def settle_failure(state: CoreState, task: Task, attempt: Attempt, now: float) -> None:
    """An attempt has ended with an error or a refusal."""
    failure: Failure = attempt.value
    if attempt.status is Status.UNMET and not task.terms.pinned:
        detail = detail_of(task)
        assert task.engine is not None
        if detail.cancelled:
            end(state, task, Step.CANCEL, error=cancelled(state, task), ran_on=task.engine)
            return
        detail.refused |= {task.engine}
        detail.refusal = failure.evalue
        detail.attempts = max(0, detail.attempts - 1)
        release(state, task, Step.REFUSE)
    else:
        attempt_failed(state, task, failure, now, attempt)


def attempt_failed(state: CoreState, task: Task, failure: Failure, now: float, attempt: Attempt | None = None) -> None:
    """An attempt has failed, or its engine has died under it: try again if that is allowed, else it is over."""
    detail, where = task.detail, task.engine
    assert where is not None
    error: TaskError | None = failure.error if attempt is None and isinstance(failure.error, TaskError) else None
    if detail is not None and detail.cancelled:
        if attempt is None or detail.interrupted:
            end(state, task, Step.CANCEL, error=cancelled(state, task), ran_on=where)
        else:  # it had begun before it could be called back: its failure stands, as a result would
            end(state, task, Step.FAIL, attempt=attempt, ran_on=where)
        return
    if detail is not None and detail.overdue:
        error = _overdue(state, task)
        failure = failure_of(error, state.name(task.id))
    without_place = task.terms.pinned and where not in state.engines
    if not task.terms.retries or detail is None or detail.attempts > task.terms.retries or without_place:
        end(state, task, Step.FAIL, attempt=attempt, error=error, ran_on=where)
        return
    detail.failures.append(failure)
    detail.failed_on |= {where}
    detail.ran_on = where
    delay_s = _retry_delay_s(task.terms, detail.attempts)
    if delay_s > 0:
        task.state = step(task.state, Step.RETRY_LATER)
        state.timers.set(now + delay_s, Timer.RESUME, task.id)
    else:
        release(state, task, Step.RETRY_NOW)


def _retry_delay_s(terms: Terms, attempts: int) -> float:
    delay_s = terms.retry_delay_s
    for _ in range(attempts - 1):
        if not 0 < delay_s < DELAY_MAX_S:
            break
        delay_s *= terms.retry_backoff
    return min(delay_s, DELAY_MAX_S)


def end(
    state: CoreState,
    task: Task,
    how: Step,
    *,
    attempt: Attempt | None = None,
    error: TaskError | None = None,
    ran_on: EngineId | None = None,
) -> None:
    """The task is over, not with success; `ran_on` is the engine of the attempt that has just ended, if one has."""
    waited = task.state is State.READY
    task.state = step(task.state, how)
    if waited:
        state.lanes.withdraw(task)
    del state.tasks[task.id]
    if ran_on is None and task.detail is not None:
        ran_on = task.detail.ran_on
    state.ledger.close(task.id, Ending.FAILURE, ran_on)
    state.commands.append(Resolve(task, attempt if error is None else None, error))
    if task.id in state.dependents:
        tell_dependents(state, task.id)


def tell_dependents(state: CoreState, task_id: TaskId) -> None:
    """Tell the tasks that wait for this one, in the order in which they were submitted.

    Iterative: one that becomes impossible ends too, and its own dependents are told in turn.
    """
    if state.telling is not None:
        state.telling.append(task_id)
        return
    state.telling = [task_id]
    try:
        for ended in state.telling:
            ending, where = state.ledger.ending(ended), state.ledger.place(ended)
            for task in state.dependents.pop(ended, ()):
                if task.state is State.BLOCKED:
                    follow_verdict(state, task, dependency.ended(state, task, ended, ending, where))
    finally:
        state.telling = None


def resettle(state: CoreState, lost: Engine) -> None:
    """Ready tasks that an engine's end leaves without a place move to another lane, or fail."""
    for lane in [lane for lane in state.lanes.all.values() if _concerned(lane.key, lost)]:
        for task in list(lane):
            key = lane_key(state, task)
            if isinstance(key, TaskError):
                end(state, task, Step.FAIL, error=key)
            elif key != lane.key:
                state.lanes.leave(lane)
                place(state, task, key)
        lane.drop_stale()


def _concerned(key: LaneKey, lost: Engine) -> bool:
    """Whether a lane's tasks may have lost their last engine, or name one that is gone."""
    if key.excluded or lost.id in (key.allowed or NO_ENGINES):
        return True
    return bool(key.resources) and not lost.pool.engines and lost.pool.could_ever_fit(key.resources)


def failure_of(error: TaskError, name: str) -> Failure:
    """An error of the core's, in the form in which engines report theirs."""
    return Failure(error, type(error).__name__, f"task {name}: {error}", "")


def is_cancelled(task: Task) -> bool:
    """Whether a task's cancellation was asked for while it was assigned."""
    return task.detail is not None and task.detail.cancelled


def is_interrupted(task: Task) -> bool:
    """Whether a task's cancellation was asked for in such a way that it is to end even if it has begun."""
    return task.detail is not None and task.detail.interrupted


def cancelled(state: CoreState, task: Task) -> TaskCancelled:
    """The error of a task that was cancelled."""
    return TaskCancelled(f"task {state.name(task.id)} was cancelled")


def _overdue(state: CoreState, task: Task) -> TaskTimedOut:
    return TaskTimedOut(f"task {state.name(task.id)} ran longer than its time limit of {task.terms.time_limit_s:g} s")


def expired(state: CoreState, task: Task) -> DependencyTimeout:
    """The error of a task that has waited too long."""
    waited_for = "its dependencies" if task.state is State.BLOCKED else "an engine that may run it"
    return DependencyTimeout(
        f"task {state.name(task.id)} waited {task.terms.timeout_s:g} s for {waited_for}, which was its timeout"
    )
