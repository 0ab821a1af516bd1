"""A task as the core sees it. The runtime's handle is a subclass, so that a task is one object, not two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gangline._core.transitions import State
from gangline.messages import Dependency, EngineId, Failure, Payload, TaskId, Terms

if TYPE_CHECKING:
    from gangline._core.lanes import Lane


class Task:
    """One unit of work, scheduled once.

    Attributes:
        id: Its number.
        terms: Under which conditions it may run.
        payload: What is carried to the engine; the core looks at its `kind` only.
        expected_s: How long it is expected to run, if the submitter knows.
        state: Where it stands.
        engine: The engine that it is assigned to, or ran on last.
        cost_s: What it adds to its engine's backlog while it is assigned.
        detail: What only few tasks need; None for the others.
    """

    __slots__ = ("cost_s", "detail", "engine", "expected_s", "id", "payload", "state", "terms")

    def __init__(self, task_id: TaskId, payload: Payload, terms: Terms, expected_s: float | None = None) -> None:
        self.id = task_id
        self.payload = payload
        self.terms = terms
        self.expected_s = expected_s
        self.state = State.NEW
        self.engine: EngineId | None = None
        self.cost_s = 0.0
        self.detail: Detail | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.state.name}>"


class Watch:
    """How far one dependency of one task is.

    Attributes:
        dependency: The rule.
        left: Ids that have not ended.
        met: The rule holds.
        places: Engines on which ids that count have run.
        deciding: Ids that made it impossible.
        unknown: Those of its ids that name no task.
    """

    __slots__ = ("deciding", "dependency", "left", "met", "places", "unknown")

    def __init__(self, dependency: Dependency) -> None:
        self.dependency = dependency
        self.left = 0
        self.met = not dependency.ids
        self.places: frozenset[EngineId] = frozenset()
        self.deciding: Sequence[TaskId] = ()
        self.unknown: frozenset[TaskId] = frozenset()


NO_ENGINES: frozenset[EngineId] = frozenset()


class Detail:
    """What only some tasks need: dependencies, a history of attempts, a place in a lane that is not the plain one.

    Attributes:
        after, follow: How far the dependencies are.
        lane: Where it waits when READY.
        places: Engines that `follow` leaves; None is any.
        refused: Engines that it raised `UnmetDependency` on; never tried again.
        failed_on: Engines that an attempt failed on; tried again only when there is no other.
        refusal: What the last refusal said.
        attempts: How many attempts have begun; one that was given back or refused is not counted.
        starts: How often it was sent to an engine.
        ran_on: The engine of the last attempt that failed.
        failures: Why earlier attempts failed.
        cancelled: Its cancellation was asked for while it was assigned; if it has begun by then, what becomes of it
            stands, unless it was `interrupted` for it.
        overdue: Its attempt has passed its time limit and is being ended.
        expired: Its timeout passed while it was assigned, so it may not wait again.
    """

    __slots__ = (
        "after",
        "attempts",
        "cancelled",
        "expired",
        "failed_on",
        "failures",
        "follow",
        "interrupted",
        "lane",
        "overdue",
        "places",
        "ran_on",
        "refusal",
        "refused",
        "starts",
    )

    def __init__(self) -> None:
        self.after: Watch | None = None
        self.follow: Watch | None = None
        self.lane: Lane | None = None
        self.places: frozenset[EngineId] | None = None
        self.refused = NO_ENGINES
        self.refusal = ""
        self.failed_on = NO_ENGINES
        self.attempts = 0
        self.starts = 0
        self.ran_on: EngineId | None = None
        self.failures: list[Failure] = []
        self.cancelled = False
        self.interrupted = False
        self.overdue = False
        self.expired = False


def detail_of(task: Task) -> Detail:
    """The task's detail, made if it has none yet."""
    if task.detail is None:
        task.detail = Detail()
    return task.detail
