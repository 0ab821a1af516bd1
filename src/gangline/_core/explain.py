"""Why a task is not running, in typed reasons that people can read.

Nothing here changes the state. An explanation walks all tasks: it is asked for by people, not by the scheduler.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gangline._core.engines import Engine
from gangline._core.lanes import LaneKey
from gangline._core.ledger import Ending
from gangline._core.state import CoreState
from gangline._core.task import Task, Watch, detail_of
from gangline._core.transitions import State
from gangline.errors import UsageError
from gangline.messages import Dependency, EngineId, TaskId

_NAMED_MAX = 5
"""How many tasks or engines a reason names at most when it is printed."""


@dataclass(frozen=True, slots=True)
class DependencyPending:
    """Tasks that it is to run after, or to follow, have not ended.

    Attributes:
        in_place: It is to follow them, not only to run after them.
        tasks: The names of those that have not ended.
        rule: What is asked of them.
    """

    in_place: bool
    tasks: tuple[str, ...]
    rule: Dependency

    def __str__(self) -> str:
        asked = "end" if self.rule.success and self.rule.failure else "succeed" if self.rule.success else "fail"
        number = "all" if self.rule.all else "any"
        verb = "follow" if self.in_place else "run after"
        return f"it is to {verb} {number} of its dependencies that {asked}; pending: {_listed(self.tasks)}"


@dataclass(frozen=True, slots=True)
class RetryDelayed:
    """An attempt has failed, and the delay before the next one is not over."""

    failed_attempts: int

    def __str__(self) -> str:
        return f"it waits before attempt {self.failed_attempts + 1}, since attempt {self.failed_attempts} failed"


@dataclass(frozen=True, slots=True)
class LimitReached:
    """As many tasks as a named limit allows are running; `holders` names them."""

    limit: str
    cap: int
    holders: tuple[str, ...]

    def __str__(self) -> str:
        return f"limit {self.limit!r} allows {self.cap} at once, held by {_listed(self.holders)}"


@dataclass(frozen=True, slots=True)
class ResourceShort:
    """A host has the resource, but not enough of it is free now."""

    resource: str
    needed: float
    free: float
    pool: str

    def __str__(self) -> str:
        return f"it needs {self.resource}={self.needed:g}, and {self.pool} has {self.free:g} free"


@dataclass(frozen=True, slots=True)
class NoEngines:
    """No engine has joined yet, or all are gone."""

    def __str__(self) -> str:
        return "there is no engine"


@dataclass(frozen=True, slots=True)
class NoUsableEngine:
    """Engines live, but it may run on none of them: they refused it, are about to leave, or lack a resource."""

    refused: tuple[EngineId, ...]
    leaving: tuple[EngineId, ...]

    def __str__(self) -> str:
        reasons = []
        if self.refused:
            reasons.append(f"engine {_listed(self.refused)} refused it")
        if self.leaving:
            reasons.append(f"engine {_listed(self.leaving)} is leaving")
        why = f" ({' and '.join(reasons)})" if reasons else ""
        return f"no live engine can run it{why}; it waits for a new one"


@dataclass(frozen=True, slots=True)
class EnginesBusy:
    """Every engine that it may run on has work; `ahead` tasks are before it in line."""

    engines: int
    ahead: int

    def __str__(self) -> str:
        number = "the engine that it may run on is" if self.engines == 1 else f"all {self.engines} engines are"
        return f"{number} busy, and {self.ahead or 'no'} other {'task is' if self.ahead == 1 else 'tasks are'} first"


@dataclass(frozen=True, slots=True)
class WaitsOnEngine:
    """It was sent to an engine, and `ahead` tasks are before it there."""

    engine: EngineId
    ahead: int

    def __str__(self) -> str:
        return f"it was sent to engine {self.engine}, where {self.ahead} {_tasks(self.ahead)} to end first"


@dataclass(frozen=True, slots=True)
class Running:
    """It is the first on its engine, so it runs, or is about to."""

    engine: EngineId
    cancelled: bool

    def __str__(self) -> str:
        return f"it is running on engine {self.engine}" + (", and is asked to stop" if self.cancelled else "")


@dataclass(frozen=True, slots=True)
class Ended:
    """It is not running because it has ended."""

    succeeded: bool
    engine: EngineId | None

    def __str__(self) -> str:
        how = "succeeded" if self.succeeded else "failed"
        return f"it has {how}" + (f" on engine {self.engine}" if self.engine is not None else " without being run")


Reason = (
    DependencyPending
    | RetryDelayed
    | LimitReached
    | ResourceShort
    | NoEngines
    | NoUsableEngine
    | EnginesBusy
    | WaitsOnEngine
    | Running
    | Ended
)


def explain(state: CoreState, task_id: TaskId) -> list[Reason]:
    """Every reason why a task is not running at this moment; that it is running counts as one.

    Raises:
        UsageError: there is no such task.
    """
    task = state.tasks.get(task_id)
    if task is None:
        ending = state.ledger.ending(task_id)
        if ending is Ending.UNKNOWN:
            raise UsageError(f"there is no task {state.name(task_id)}")
        return [Ended(ending is Ending.SUCCESS, state.ledger.place(task_id))]
    match task.state:
        case State.BLOCKED:
            return list(_pending(state, task))
        case State.DELAYED:
            return [RetryDelayed(len(detail_of(task).failures))]
        case State.ASSIGNED:
            return [_sent(state, task)]
        case _:
            return list(_waiting(state, task))


def _pending(state: CoreState, task: Task) -> Iterator[Reason]:
    detail = detail_of(task)
    watches: Sequence[tuple[bool, Watch | None]] = ((False, detail.after), (True, detail.follow))
    for in_place, each in watches:
        if each is not None and not each.met:
            names = tuple(state.name(which) for which in sorted(each.dependency.ids) if which in state.tasks)
            yield DependencyPending(in_place, names, each.dependency)


def _sent(state: CoreState, task: Task) -> Reason:
    assert task.engine is not None
    ahead = list(state.engines[task.engine].assigned).index(task.id)
    if ahead:
        return WaitsOnEngine(task.engine, ahead)
    return Running(task.engine, task.detail is not None and task.detail.cancelled)


def _waiting(state: CoreState, task: Task) -> Iterator[Reason]:
    """Why a ready task has no engine."""
    lane = task.detail.lane if task.detail is not None else None
    key = (lane or state.lanes.plain).key
    usage = state.limits.usage()
    for name in key.limits:
        in_use, cap = usage.get(name, (0, 1))
        if in_use >= cap:
            yield LimitReached(name, cap, tuple(_holders(state, name)))
    if not state.engines:
        yield NoEngines()
        return
    usable = [engine for engine in state.engines.values() if _may_run(key, engine)]
    if not usable:
        refused = sorted(task.detail.refused & state.engines.keys()) if task.detail is not None else ()
        leaving = [engine.id for engine in state.engines.values() if engine.leaving]
        yield NoUsableEngine(tuple(refused), tuple(leaving))
        return
    for pool in {engine.pool.name: engine.pool for engine in usable}.values():
        for resource, amount in key.resources:
            if not pool.fits(((resource, amount),)):
                free = pool.capacity.get(resource, 0.0) - pool.used.get(resource, 0.0)
                yield ResourceShort(resource, amount, free, pool.name)
    if all(engine.assigned for engine in usable):
        yield EnginesBusy(len(usable), _ahead(state, task))


def _may_run(key: LaneKey, engine: Engine) -> bool:
    if engine.leaving or engine.id in key.excluded or (key.allowed is not None and engine.id not in key.allowed):
        return False
    return engine.pool.could_ever_fit(key.resources)


def _holders(state: CoreState, limit: str) -> Iterator[str]:
    for engine in state.engines.values():
        for task in engine.assigned.values():
            if limit in task.terms.limits:
                yield state.name(task.id)


def _ahead(state: CoreState, task: Task) -> int:
    rank = (-task.terms.priority, task.id)
    return sum(each.state is State.READY and (-each.terms.priority, each.id) < rank for each in state.tasks.values())


def _tasks(number: int) -> str:
    return "task has" if number == 1 else "tasks have"


def _listed(names: Sequence[object]) -> str:
    shown = ", ".join(map(str, names[:_NAMED_MAX]))
    return shown + (f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else "")
