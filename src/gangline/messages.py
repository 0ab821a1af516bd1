"""The nouns that every layer speaks of: ids, terms, attempts, events from backends.

A leaf: plain immutable data, no behaviour beyond validation. `NamedTuple` where one is made per task, because it
is built several times faster than a frozen dataclass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, ClassVar, NamedTuple, NewType, Protocol, TypeVar

from gangline.errors import UsageError

TaskId = NewType("TaskId", int)
"""A task's number in its session, counted from 0 in the order of submission."""

EngineId = NewType("EngineId", int)
"""An engine's number in its session; never used twice, so a replacement has a new one."""


class Scheme(Enum):
    """How an engine is chosen among those that may run a task. Names and meaning as in IPython parallel."""

    LRU = "lru"
    PLAINRANDOM = "plainrandom"
    TWOBIN = "twobin"
    LEASTLOAD = "leastload"
    WEIGHTED = "weighted"
    PURE = "pure"


class _Conditions:
    """A value with named parts, which nobody changes.

    What a dataclass does, written out: to import `dataclasses` and to make the two classes below with it takes longer
    than anything else at the start of a program with a pipeline.
    """

    __slots__ = ()
    _parts: ClassVar[tuple[str, ...]]

    def _as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._parts}

    def __eq__(self, other: object) -> bool:
        return self._as_dict() == other._as_dict() if isinstance(other, type(self)) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._as_dict().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._as_dict().items())})"


_AnyConditions = TypeVar("_AnyConditions", bound=_Conditions)


def replace(conditions: _AnyConditions, **changes: Any) -> _AnyConditions:
    """The same terms, or the same dependency, with other values for some parts."""
    return type(conditions)(**(conditions._as_dict() | changes))


class Dependency(_Conditions):
    """A set of tasks and the rule that says when it counts as met.

    Args:
        ids: The tasks. Empty: met at once.
        all: All of them, or any one.
        success: A task that succeeded counts.
        failure: A task that failed counts.
    """

    _parts = __slots__ = ("ids", "all", "success", "failure")

    def __init__(self, ids: frozenset[TaskId], all: bool = True, success: bool = True, failure: bool = False) -> None:
        if not (success or failure):
            raise UsageError("a dependency must count success, failure or both; with neither it can never be met")
        self.ids = ids
        self.all = all
        self.success = success
        self.failure = failure


class Terms(_Conditions):
    """The conditions under which a task may run. Tasks submitted alike share one object.

    Args:
        after: Tasks that must have ended before (time).
        follow: Tasks whose engine it must run on (place).
        targets: Engines it may run on; None is any.
        timeout_s: How long it may wait to be started, from submission on; None or 0 is for ever.
        retries: How often it is attempted again after a failure.
        retry_delay_s: Wait before the first retry.
        retry_backoff: Factor on the delay from one retry to the next.
        time_limit_s: How long one attempt may run; None is for ever.
        priority: Higher runs first; equal: first submitted first.
        limits: Names of limits that it counts against while it runs.
        resources: Name and amount that it needs of its engine's pool, e.g. ``(("cores", 2.0),)``.
        patient: When every live engine has refused or is excluded, wait for new ones instead of failing.
        pinned: The one target is part of what was asked (a direct view): a refusal (`UnmetDependency`) is the task's
            answer, and the task ends with its engine.
        label: For people.

    Attributes:
        prompt: Derived: being sent must mean being started, so the task goes to an idle engine only.
        plain: Derived: nothing here restricts when or where the task runs, so it takes the short way.
    """

    _parts = (
        "after", "follow", "targets", "timeout_s", "retries", "retry_delay_s", "retry_backoff", "time_limit_s",
        "priority", "limits", "resources", "patient", "pinned", "label",
    )  # fmt: skip
    __slots__ = (*_parts, "plain", "prompt")

    def __init__(
        self,
        after: Dependency | None = None,
        follow: Dependency | None = None,
        targets: frozenset[EngineId] | None = None,
        timeout_s: float | None = None,
        retries: int = 0,
        retry_delay_s: float = 0.0,
        retry_backoff: float = 1.0,
        time_limit_s: float | None = None,
        priority: int = 0,
        limits: tuple[str, ...] = (),
        resources: tuple[tuple[str, float], ...] = (),
        patient: bool = False,
        pinned: bool = False,
        label: str = "",
    ) -> None:
        _check_duration("timeout_s", timeout_s)
        _check_duration("time_limit_s", time_limit_s)
        _check_duration("retry_delay_s", retry_delay_s)
        _check_duration("retry_backoff", retry_backoff)
        if retries < 0:
            raise UsageError(f"retries must be 0 or more, not {retries}")
        for resource, amount in resources:
            if not (amount > 0 and math.isfinite(amount)):
                raise UsageError(f"resource {resource!r} must be a positive number, not {amount!r}")
        self.after = after
        self.follow = follow
        self.targets = targets
        self.timeout_s = timeout_s
        self.retries = retries
        self.retry_delay_s = retry_delay_s
        self.retry_backoff = retry_backoff
        self.time_limit_s = time_limit_s
        self.priority = priority
        self.limits = limits
        self.resources = resources
        self.patient = patient
        self.pinned = pinned
        self.label = label
        self.prompt = bool(timeout_s or time_limit_s or limits or resources)
        self.plain = not (self.prompt or after or follow or targets is not None or priority)


def _check_duration(name: str, value: float | None) -> None:
    if value is not None and not (value >= 0 and math.isfinite(value)):
        raise UsageError(f"{name} must be a finite number of seconds, 0 or more, not {value!r}")


PLAIN = Terms()
"""The terms of a task that may run any time, anywhere."""


class Payload(Protocol):
    """What a backend carries to an engine for one task. Opaque to everyone else but for these."""

    @property
    def kind(self) -> int:
        """Tasks of one kind are expected to take about equally long."""

    @property
    def size_bytes(self) -> int:
        """About how much memory it holds."""


class Status(Enum):
    """How an attempt ended, as its engine reports it."""

    OK = "ok"
    ERROR = "error"
    UNMET = "unmet"
    """It refused to run on this engine (`UnmetDependency`)."""


class Failure(NamedTuple):
    """Why an attempt failed.

    `error` is the exception itself, or a stand-in (`ResultUnreadable`) where it could not travel.
    """

    error: BaseException
    ename: str
    evalue: str
    traceback: str


class Attempt(NamedTuple):
    """One finished run of a task, as an engine reports it.

    `value` is the result or, with ERROR and UNMET, a `Failure`; `started_at` and `completed_at` are seconds since the
    epoch; `extras` is None or what else came back: stdout, stderr, outputs, data, logs.
    """

    task: TaskId
    status: Status
    value: Any
    started_at: float
    completed_at: float
    extras: Mapping[str, Any] | None


class EngineInfo(NamedTuple):
    """An engine as its backend announces it.

    `pool` names what its resources are shared with (engines on one host share the host's); `offers` is the whole pool's
    capacity, e.g. ``{"cores": 8.0, "memory_bytes": 3.2e10}``.
    """

    uuid: str
    host: str
    pid: int
    pool: str
    offers: Mapping[str, float]


# What backends tell the runtime -------------------------------------------------------------------------------


class EngineJoined(NamedTuple):
    """A new engine is ready for tasks."""

    engine: EngineId
    info: EngineInfo


class EngineLost(NamedTuple):
    """An engine is gone. `running` are tasks that it had started and not reported; `reason` is for people."""

    engine: EngineId
    reason: str
    running: frozenset[TaskId]


class Finished(NamedTuple):
    """Attempts that ended on one engine, in the order in which they ended."""

    engine: EngineId
    attempts: list[Attempt]


class Returned(NamedTuple):
    """Tasks that an engine gives back unstarted."""

    engine: EngineId
    tasks: Iterable[TaskId]


class Output(NamedTuple):
    """Text or data that a running task has written. `stream` is stdout, stderr, output, display, data or log."""

    engine: EngineId
    task: TaskId
    stream: str
    content: Any


BackendEvent = EngineJoined | EngineLost | Finished | Returned | Output
