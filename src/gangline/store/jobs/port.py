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
from typing import Any, Literal, Protocol

from gangline.store.jobs.rows import (
    FINAL,
    Alike,
    Claim,
    CookieAction,
    Ending,
    EndingKind,
    JobRow,
    Lane,
    NewJob,
    Order,
    OutputLine,
    Pause,
    ScheduleRow,
    State,
    TurnResult,
    WorkerRow,
)  # fmt: skip

__all__ = [
    "FINAL", "Alike", "Claim", "CookieAction", "Ending", "EndingKind", "JobRow", "JobStore", "Lane", "NewJob", "Order",
    "OutputLine", "Pause", "ScheduleRow", "State", "TurnResult", "WorkerRow",
]  # fmt: skip


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

    def add_alike(self, jobs: Alike) -> list[int]:
        """As `add`, for many jobs that are alike: several times as fast.

        Raises:
            Exception: Besides, whatever going through them raises.
        """

    # A worker's side ----------------------------------------------------------------------------------------------

    def register(self, name: str, host: str, pid: int, slots: int, lease_s: float) -> str:
        """Announce a worker; returns its uid.

        Raises:
            UsageError: A living worker has this name; says where.
        """

    def turn(
        self, worker: str, endings: Sequence[Ending] = (), *, room: int = 0, ahead: Mapping[str, int] | None = None,
        forced_only: bool = False, hasty: bool = False,
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
            hasty: Do not wait until what is claimed would outlast a crash of the database's server. The caller starts
                the jobs and calls `confirm` at once. Turns with endings are never hasty.

        Raises:
            UsageError: No such worker is registered (any more).
        """

    def confirm(self, claims: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Wait until claims of a hasty turn would outlast a crash of the database's server.

        After StoreUnavailable they may be forgotten, and their jobs be claimed by another worker: they must be ended.

        Args:
            claims: (job, fence) of each.

        Returns:
            Those that are not held: forgotten, or taken back.
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

    def sleep(self, timeout_s: float) -> None:
        """Sleep until `wake` is called, whatever happens in the queue."""

    def wake(self) -> None:
        """End the sleep of this object's `wait_for_change` and `sleep`, from another thread or a signal handler."""

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
