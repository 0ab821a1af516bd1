"""What may happen to a task in which state, as one table.

The machine changes a task's state only by `step`; the diagram in the documentation is drawn from `TABLE`.
A pair that is not listed is illegal: reaching it is a bug.
"""

from __future__ import annotations

from enum import IntEnum

from gangline.errors import InternalError


class State(IntEnum):
    """Where a task stands. The last three are final."""

    NEW = 0
    BLOCKED = 1
    """Waits for the tasks that it is to run after or to follow."""
    DELAYED = 2
    """Waits before its next attempt."""
    READY = 3
    """May run; waits in a lane for an engine, a limit or a resource."""
    ASSIGNED = 4
    """Sent to an engine, which runs it or has it next."""
    SUCCEEDED = 5
    FAILED = 6
    CANCELLED = 7


class Step(IntEnum):
    """What happens to a task."""

    BLOCK = 0
    RELEASE = 1
    DISPATCH = 2
    SUCCEED = 3
    RETRY_NOW = 4
    RETRY_LATER = 5
    REFUSE = 6
    """It raised `UnmetDependency` and is to be tried elsewhere."""
    RETURN = 7
    """It was taken back from an engine unstarted."""
    FAIL = 8
    """An attempt failed for good, or its conditions cannot be met, or its time is over."""
    CANCEL = 9


TABLE: dict[tuple[State, Step], State] = {
    (State.NEW, Step.BLOCK): State.BLOCKED,
    (State.NEW, Step.RELEASE): State.READY,
    (State.NEW, Step.FAIL): State.FAILED,
    (State.BLOCKED, Step.RELEASE): State.READY,
    (State.BLOCKED, Step.FAIL): State.FAILED,
    (State.BLOCKED, Step.CANCEL): State.CANCELLED,
    (State.DELAYED, Step.RELEASE): State.READY,
    (State.DELAYED, Step.FAIL): State.FAILED,
    (State.DELAYED, Step.CANCEL): State.CANCELLED,
    (State.READY, Step.DISPATCH): State.ASSIGNED,
    (State.READY, Step.FAIL): State.FAILED,
    (State.READY, Step.CANCEL): State.CANCELLED,
    (State.ASSIGNED, Step.SUCCEED): State.SUCCEEDED,
    (State.ASSIGNED, Step.RETRY_NOW): State.READY,
    (State.ASSIGNED, Step.RETRY_LATER): State.DELAYED,
    (State.ASSIGNED, Step.REFUSE): State.READY,
    (State.ASSIGNED, Step.RETURN): State.READY,
    (State.ASSIGNED, Step.FAIL): State.FAILED,
    (State.ASSIGNED, Step.CANCEL): State.CANCELLED,
}

FINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})

_NEXT: tuple[tuple[State | None, ...], ...] = tuple(tuple(TABLE.get((state, step)) for step in Step) for state in State)


def step(state: State, what: Step) -> State:
    """The state that follows.

    Raises:
        InternalError: the pair is not in the table.
    """
    following = _NEXT[state][what]
    if following is None:
        raise InternalError(f"a task that is {state.name} cannot {what.name}")
    return following
