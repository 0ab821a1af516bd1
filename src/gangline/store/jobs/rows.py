"""What goes through the port between a queue and its database: jobs as they are entered, claimed, ended and read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol

__all__ = [
    "FINAL", "Alike", "Claim", "CookieAction", "Ending", "EndingKind", "JobRow", "Lane", "NewJob", "Order",
    "OutputLine", "Pause", "ScheduleRow", "State", "TurnResult", "WorkerRow",
]  # fmt: skip


class State(StrEnum):
    """Where a job stands."""

    PENDING = "pending"
    RUNNING = "running"
    DEFERRED = "deferred"
    FAILED = "failed"
    COMPLETE = "complete"
    ERROR = "error"
    INACTIVE = "inactive"
    KILLED = "killed"


FINAL = frozenset({State.COMPLETE, State.ERROR, State.INACTIVE, State.KILLED})


class Lane(NamedTuple):
    """Jobs that are alike in everything that says who may take them.

    Attributes:
        name: The job's class, as "module.Class".
        workers: The names of the workers that may take it; none is any.
        python: The interpreter that it needs; empty is the worker's own.
        folder: The folder that its module is found in; empty where it is installed.
        force: It runs whatever the host's load is.
        max_parallel: How many jobs of this class run at once on one host at most.
        max_parallel_total: The same over all hosts.
    """

    name: str
    workers: tuple[str, ...] = ()
    python: str = ""
    folder: str = ""
    force: bool = False
    max_parallel: int | None = None
    max_parallel_total: int | None = None


class NewJob(NamedTuple):
    """A job to enter.

    Attributes:
        lane: Who may take it.
        args: Its arguments, a JSON object.
        digest: What is the same for jobs of the same class with the same arguments; all are of one length.
        unique: Refuse it while an equal one that is unique, too, is not final.
        priority: The higher, the sooner.
        attempts: How often it may fail before it is an error.
        properties: What else was said of it, a JSON object; the store does not look into it.
        wait_s: Seconds until it may start; 0 is now.
        parent: The job that entered it.
        needs: Jobs that must be complete before.
        needs_classes: Classes whose newest job must be complete before; where there is none yet, it is waited for.
        host: Where it was entered.
        user: By whom.
        tag: For people.
        author: For people.
        hidden: Left out of lists unless asked for.
    """

    lane: Lane
    args: str
    digest: bytes
    unique: bool = True
    priority: int = 0
    attempts: int = 1
    properties: str = "{}"
    wait_s: float = 0.0
    parent: int | None = None
    needs: tuple[int, ...] = ()
    needs_classes: tuple[str, ...] = ()
    host: str = ""
    user: str = ""
    tag: str = ""
    author: str = ""
    hidden: bool = False


class Alike(Protocol):
    """Jobs that differ in their arguments only. They are gone through while they are entered, and may be so again.

    Attributes:
        like: One of them, but for its arguments and its digest.
    """

    like: NewJob

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """The arguments and the digest of each."""


class Claim(NamedTuple):
    """A job that a worker has taken.

    Attributes:
        trial: Which run of it this is, from 1; deferring and failing both lead to the next.
        attempts_left: This one included.
        fence: Names this claim.
    """

    id: int
    fence: int
    lane: Lane
    args: str
    properties: str
    priority: int
    trial: int
    attempts_left: int
    enqueued_at: float
    parent: int | None


EndingKind = Literal["complete", "deferred", "failed", "killed", "released", "refused"]
"""How a claim ends: well; to run again after a while; badly; killed on order; handed back without a fault of the job
(it had not begun, or its worker stops); badly with no use in another attempt (its class cannot be imported)."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a claim.

    Attributes:
        job: The job.
        fence: The claim.
        kind: What happened. A deferred job becomes inactive when it has been deferring for longer than `defer_max_s`; a
            failed one an error when no attempt is left; a job that was ordered to be killed is killed, whatever its
            ending is, unless it is complete.
        wait_s: Seconds until a deferred or failed job may run again.
        defer_max_s: How long a job may keep deferring.
        message: What was said on deferring, or the last progress message.
        error: The traceback, or what ended the process; all of a job's errors are kept.
        result: What it returned, as JSON; empty for nothing.
        runtime_s: How long it took.
        sources: What it worked on.
        output: What it wrote and logged that is not in the store yet.
        next: Jobs that are entered with it, if it is complete; those of which an equal one is not final are left out.
    """

    job: int
    fence: int
    kind: EndingKind
    wait_s: float = 0.0
    defer_max_s: float | None = None
    message: str = ""
    error: str = ""
    result: str = ""
    runtime_s: float = 0.0
    sources: tuple[str, ...] = ()
    output: tuple[OutputLine, ...] = ()
    next: tuple[NewJob, ...] = ()


class OutputLine(NamedTuple):
    """A piece of what a job wrote or logged.

    Attributes:
        stream: "stdout", "stderr", "output" (of child processes), or a level of `logging` in small letters.
        at: Seconds since the epoch, by the clock of the host where it was written.
        text: One line or several.
    """

    stream: str
    at: float
    text: str


class Order(NamedTuple):
    """A running job of this worker that is to be ended now."""

    job: int
    fence: int
    kind: Literal["kill"]


class TurnResult(NamedTuple):
    """What a turn of a worker has brought.

    Attributes:
        claimed: Jobs that are now this worker's, by priority and age.
        lost: Endings whose claim was not held any more, and jobs of the worker whose lease was lost: (job, fence).
        orders: Running jobs of this worker that are to be ended; told again at every turn until they have ended.
        next_in_s: Seconds until a waiting job or a schedule may come due; None when nothing waits.
        halt: The worker was ordered to stop.
    """

    claimed: list[Claim]
    lost: list[tuple[int, int]]
    orders: list[Order]
    next_in_s: float | None
    halt: bool


class JobRow(NamedTuple):
    """A job, as it stands in the database. Times are seconds since the epoch; None where it did not happen.

    Attributes:
        journaled: It is in the journal and not in the queue.
        needs: Jobs that it still waits for, and classes ("module.Class") whose newest job it waits for.
        errors: All tracebacks, each as {"trial", "at", "error", "worker", "host"}.
        lost: How often its worker died over it.
        worker: Who has it, or had it last; `pid` is the worker's process.
        heartbeat: When its progress was last told.
    """

    id: int
    lane: Lane
    args: dict[str, Any]
    digest: bytes
    state: State
    journaled: bool
    priority: int
    trial: int
    attempts: int
    attempts_left: int
    properties: dict[str, Any]
    enqueued_at: float
    enqueued_host: str
    enqueued_user: str
    parent: int | None
    needs: tuple[int | str, ...]
    query_at: float | None
    started_at: float | None
    finished_at: float | None
    runtime_s: float | None
    worker: str
    host: str
    pid: int | None
    locked_at: float | None
    lease_until: float | None
    heartbeat: float | None
    progress: float | None
    message: str
    result: Any
    errors: list[dict[str, Any]]
    sources: list[str]
    lost: int
    first_deferred_at: float | None
    wall_at: float | None
    zombie_at: float | None
    inactive_at: float | None
    killed_at: float | None
    removed_at: float | None
    tag: str
    author: str
    hidden: bool
    unique: bool


class WorkerRow(NamedTuple):
    """A worker. `alive`: it was heard of within its lease."""

    uid: str
    name: str
    host: str
    pid: int
    slots: int
    started_at: float
    heartbeat: float
    lease_s: float
    alive: bool
    halting: bool
    running: int


class Pause(NamedTuple):
    """Something of which nothing new is started: the whole queue (""), a class, or a host."""

    scope: Literal["queue", "class", "host"]
    name: str
    since: float
    reason: str


class ScheduleRow(NamedTuple):
    """Jobs that are entered at certain times. The store keeps it; who reads the line is the queue.

    Attributes:
        line: A crontab line.
        timezone: By which clock it is read; empty is UTC.
        missed: What happens with times that went by while nobody was there.
        next_at: When it is due.
    """

    id: int
    name: str
    line: str
    timezone: str
    missed: Literal["one", "all", "none"]
    job: NewJob
    next_at: float
    last_at: float | None


CookieAction = Literal["set", "inc", "max", "min"]
