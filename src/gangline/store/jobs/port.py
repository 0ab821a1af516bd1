"""What a queue of durable jobs asks of the database that holds it.

Two stores answer: SQLite for one host, PostgreSQL for many. Everything here means the same on both.

Rules:
    The database's clock decides. Callers give spans ("in 5 s"), never times; what is read back are seconds since the
    epoch by the database's clock.
    A job that runs belongs to the worker that claimed it until its lease ends. Each claim raises the job's `fence`, and
    what its holder writes names that number; a write with another number is refused, since the job is somebody else's.
    A job is ready when nothing but room on a worker keeps it from running: its time has come and all that it needs is
    complete. Ready jobs are kept per lane, so that a claim never walks over jobs that it may not take.
    What is complete or removed is in the journal; everything else is in the queue. What is in the journal is final.
    What was read from text comes back as it was, but for characters that no database keeps (NUL, halves of surrogate
    pairs): they become U+FFFD. In names and keys they are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Protocol

__all__ = [
    "FINAL", "Claim", "CookieAction", "Ending", "EndingKind", "JobRow", "JobStore", "Lane", "NewJob", "Order",
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
        digest: What is the same for jobs of the same class with the same arguments; 16 bytes.
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


class JobStore(Protocol):
    """A database with one queue in it. Every method may be called from any thread, and from forks after `reopen`.

    Raises:
        StoreError: From all of them: the database cannot be used; says what to do. `StoreUnavailable`, one of its kind:
            it is not there at the moment, and may come back; nothing of the call was done, or all of it.
    """

    url: str
    """As users write it, without a password."""

    # Entering -----------------------------------------------------------------------------------------------------

    def add(self, jobs: Sequence[NewJob]) -> list[int]:
        """Enter jobs, all or none; their ids in the same order, rising.

        Raises:
            JobExists: An equal job is not final; carries its id. With several jobs the first such one.
            UsageError: `parent` or `needs` is no job; names it.
        """

    # A worker's side ----------------------------------------------------------------------------------------------

    def register(self, name: str, host: str, pid: int, slots: int, lease_s: float) -> str:
        """Announce a worker; returns its uid.

        Raises:
            UsageError: A living worker has this name; says where.
        """

    def turn(
        self, worker: str, endings: Sequence[Ending] = (), *, room: int = 0, ahead: Mapping[str, int] | None = None,
        forced_only: bool = False,
    ) -> TurnResult:  # fmt: skip
        """Tell what became of jobs and take new ones, in one transaction and one round trip.

        Claims respect pauses, the worker's name and host, limits of classes (exactly: never more, and as many as there
        is work for), priority and age. Endings with a lost claim are left out and told; all others are done. The lease
        of what is claimed begins. Jobs whose time has come become ready first; schedules are not looked at. An ending
        that was told before is done and no loss, so that a turn may be repeated after `StoreUnavailable`.

        Args:
            worker: The uid.
            endings: What became of jobs.
            room: How many jobs are taken at most: they can start at once.
            ahead: Of these classes so many jobs may be taken instead, to lie at hand; not from lanes with a limit, for
                which `room` holds as for classes that are not named. In all, at most the largest of these numbers and
                `room` are taken.
            forced_only: Take only jobs that ignore the host's load.

        Raises:
            UsageError: No such worker is registered (any more).
        """

    def renew(self, worker: str, held: Sequence[tuple[int, int]]) -> TurnResult:
        """Lengthen the leases of a worker's jobs, and its own; tells orders and losses, claims nothing.

        Args:
            worker: The uid.
            held: All jobs that it knows to be its own: (job, fence). No other lease is lengthened, so that a claim
                whose answer never arrived comes back by itself.
        """

    def recover(self) -> list[int]:
        """Give back jobs whose lease has ended; returns their ids.

        They are ready again at once, attempts untouched; those that were to be killed are killed, and those lost too
        often (10 times) are errors.
        """

    def deregister(self, worker: str) -> None:
        """A worker is gone; jobs that it still holds are given back at once."""

    def tell(
        self, job: int, fence: int, *, progress: float | None = None, message: str | None = None,
        output: Sequence[OutputLine] = (), sources: Sequence[str] = (),
        flag: Literal["", "wall", "zombie"] = "",
    ) -> bool:  # fmt: skip
        """Write something about a running job; False if the claim is not held.

        Progress or a message is a sign of life. Output and sources may follow after the end of the claim.
        """

    def finish_within(self, connection: Any, ending: Ending) -> bool:
        """Write an ending on a connection of the caller's (`connect`), which commits it.

        False if the claim is not held, or has ended before: the caller takes its work back.
        """

    def connect(self) -> Any:
        """A connection to the same database for a user's own transaction: `sqlite3.Connection` or psycopg's.

        The transaction has begun. In an SQLite file nobody else writes until it has ended.
        """

    def wait_for_change(self, timeout_s: float, *, ends: bool = False) -> bool:
        """Sleep until the queue may have changed in a way that matters to workers or waiters.

        Cheap when nothing happens. May wake up for nothing. False when the time was over first.

        Args:
            timeout_s: How long.
            ends: Wake up when jobs end, too.
        """

    def wake(self) -> None:
        """Have `wait_for_change` of this object return, from another thread or a signal handler."""

    # Orders -------------------------------------------------------------------------------------------------------

    def kill(self, job: int) -> State:
        """End a job: at once if it does not run (KILLED), else its worker is told (RUNNING).

        Raises:
            UsageError: There is no such job, or it is final; says its state.
        """

    def remove(self, job: int) -> State:
        """Take a job out of the queue into the journal: now, or when it has ended (then its state is RUNNING).

        One that is not final is killed by that; one that runs ends as it does, but is not tried again.

        Raises:
            UsageError: There is no such job, or it is in the journal already.
        """

    def restart(self, job: int) -> int:
        """Run a job again; returns its id.

        A waiting one (deferred, failed, or pending for later) runs now, and the id stays. Of a final one a copy with
        the old one as its parent is entered, trial and attempts as new, and the old one goes to the journal.

        Raises:
            UsageError: There is no such job, or it runs, or is ready already.
            JobExists: An equal job is not final.
        """

    def pause(self, scope: Literal["queue", "class", "host"], name: str = "", reason: str = "") -> None:
        """Start nothing new of it. Again is no error."""

    def resume(self, scope: Literal["queue", "class", "host"], name: str = "") -> bool:
        """Go on; False if it was not paused."""

    def pauses(self) -> list[Pause]:
        """What is paused."""

    def workers(self) -> list[WorkerRow]:
        """All workers that did not take their leave, dead ones for an hour."""

    def halt(self, worker: str) -> bool:
        """Order the living worker of this name to stop gently; False if there is none."""

    # Asking -------------------------------------------------------------------------------------------------------

    def get(self, job: int) -> JobRow | None:
        """One job, in the queue or in the journal."""

    def find(
        self, where: Mapping[str, Any] | None = None, *, journal: bool | None = False, order: str = "id",
        limit: int | None = None, offset: int = 0,
    ) -> list[JobRow]:  # fmt: skip
        """Jobs that match a filter.

        Args:
            where: The filter, as `filters` describes it.
            journal: Only the queue (False), only the journal (True), or both (None).
            order: A field, with "-" before it for falling.
            limit: At most so many.
            offset: Without the first ones.

        Raises:
            UsageError: The filter or the order is none; says where.
        """

    def count(self, where: Mapping[str, Any] | None = None, *, journal: bool | None = False) -> int:
        """How many match."""

    def count_states(self, where: Mapping[str, Any] | None = None, *, journal: bool | None = None) -> dict[State, int]:
        """How many match, by state; states without jobs are left out."""

    def output(self, job: int, *, after: int = 0, limit: int = 10_000) -> list[tuple[int, int, OutputLine]]:
        """What a job wrote and logged: (number, trial, piece), those with a higher number than `after`."""

    def blockers(self, job: int) -> Mapping[str, Any]:
        """Facts for an explanation: pauses, limits with their counts, needs with their states, workers, jobs before it.

        Keys are documented in `explain`.
        """

    def purge(self, older_than_s: float, *, states: Iterable[State] = (State.COMPLETE,)) -> int:
        """Delete what has been in the journal (or final, for other states) for so long, with its output; how many."""

    # Beside jobs --------------------------------------------------------------------------------------------------

    def cookie(self, name: str) -> dict[str, Any]:
        """The cookie of a class."""

    def change_cookie(self, name: str, action: CookieAction, key: str, value: Any) -> Any:
        """Change one key, atomically; returns its new value.

        Raises:
            UsageError: `inc`, `max` or `min` of what is no number.
        """

    def delete_cookie(self, name: str, key: str | None = None) -> None:
        """Delete one key, or all."""

    def read_value(self, key: str) -> bytes | None:
        """From the key-value store that jobs share."""

    def write_value(self, key: str, value: bytes | None, *, expect: bytes | Literal[False] | None = False) -> bool:
        """Write or (None) delete; with `expect`, only if the old value is that (None: absent). Whether it was done."""

    def keys(self, prefix: str = "") -> list[str]:
        """Keys that begin so, sorted."""

    def schedules(self) -> list[ScheduleRow]:
        """All schedules, by id."""

    def add_schedule(self, name: str, line: str, timezone: str, missed: str, job: NewJob, first_at: float) -> int:
        """Keep a schedule; one of this name is replaced, and stays due when it was if its times are the same.

        Returns:
            Its id.
        """

    def fire_schedule(self, schedule: int, due_at: float, next_at: float, jobs: Sequence[NewJob]) -> list[int] | None:
        """Enter the jobs of a time and set the next one, if it still stands at `due_at`; None if another was faster.

        A job that already exists unfinished is entered all the same.
        """

    def remove_schedule(self, schedule: int) -> bool:
        """Forget a schedule."""

    def now(self) -> float:
        """The database's clock, seconds since the epoch."""

    def close(self) -> None:
        """Close all connections."""

    def reopen(self) -> None:
        """In a child process: forget the parent's connections."""
