"""Jobs as they are read: every field of the record, with times in UTC."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from gangline.store.jobs.port import FINAL, JobRow, OutputLine, Pause, ScheduleRow, State, WorkerRow

__all__ = [
    "Counts",
    "Enqueued",
    "JobRecord",
    "Lock",
    "LogLine",
    "Paused",
    "Progress",
    "Scheduled",
    "WorkerRecord",
    "plain",
]


class Enqueued(NamedTuple):
    """Who entered a job, and when. `parent` is the job that did it, if one did."""

    at: datetime
    host: str
    user: str
    parent: int | None


class Lock(NamedTuple):
    """Who has a job, or had it last. `heartbeat`: when it was last heard of."""

    worker: str
    host: str
    pid: int | None
    at: datetime | None
    heartbeat: datetime | None


class Progress(NamedTuple):
    """How far a job is: from 0 to 1, None if it did not say; and what it said last."""

    value: float | None
    message: str


class LogLine(NamedTuple):
    """A piece of what a job wrote or logged.

    Attributes:
        number: Rises; later pieces of the same job have higher ones.
        trial: The run that wrote it.
        stream: "stdout", "stderr", "output" (what its child processes wrote to either), or a level of `logging` in
            small letters.
        at: When, by the clock of the host.
        text: One line or several.
    """

    number: int
    trial: int
    stream: str
    at: datetime
    text: str

    @classmethod
    def of(cls, number: int, trial: int, line: OutputLine) -> LogLine:
        """What a store has read."""
        return cls(number, trial, line.stream, datetime.fromtimestamp(line.at, UTC), line.text)


class WorkerRecord(NamedTuple):
    """A worker.

    Attributes:
        name: What it is called.
        host: Where it runs, `pid` being its process.
        slots: How many jobs it runs at once.
        running: How many it has now.
        alive: It was heard of within its lease.
        halting: It takes no more jobs.
        started_at: Since when it is there.
        heartbeat: When it was heard of last.
    """

    name: str
    host: str
    pid: int
    slots: int
    running: int
    alive: bool
    halting: bool
    started_at: datetime
    heartbeat: datetime

    @classmethod
    def of(cls, row: WorkerRow) -> WorkerRecord:
        """What a store has read."""
        return cls(
            row.name, row.host, row.pid, row.slots, row.running, row.alive, row.halting,
            datetime.fromtimestamp(row.started_at, UTC), datetime.fromtimestamp(row.heartbeat, UTC),
        )  # fmt: skip


class Paused(NamedTuple):
    """What is paused: the whole queue ("queue", without a name), a class of jobs ("class") or a host ("host")."""

    scope: str
    name: str
    since: datetime
    reason: str

    @classmethod
    def of(cls, row: Pause) -> Paused:
        """What a store has read."""
        return cls(row.scope, row.name, datetime.fromtimestamp(row.since, UTC), row.reason)


class Scheduled(NamedTuple):
    """Jobs that are entered at certain times.

    Attributes:
        name: What the schedule is called; the class, if nothing else was said.
        job: The class, as "module.Class".
        args: The arguments of the jobs.
        line: The crontab line.
        timezone: By which clock it is read; empty is UTC.
        missed: What becomes of times that went by without a worker: "one", "all" or "none".
        next_at: When it is due.
        last_at: When it was due last; None if it never was.
    """

    name: str
    job: str
    args: dict[str, Any]
    line: str
    timezone: str
    missed: str
    next_at: datetime
    last_at: datetime | None

    @classmethod
    def of(cls, row: ScheduleRow) -> Scheduled:
        """What a store has read."""
        return cls(
            row.name, row.job.lane.name, json.loads(row.job.args), row.line, row.timezone, row.missed,
            datetime.fromtimestamp(row.next_at, UTC), _time(row.last_at),
        )  # fmt: skip


class Counts(Counter[State]):
    """How many jobs are in which state; a state's name will do (`counts["error"]`), and is 0 where there is none."""

    @property
    def unfinished(self) -> int:
        """Those that are not final."""
        return sum(number for state, number in self.items() if state not in FINAL)

    @property
    def unsuccessful(self) -> int:
        """Those that are final and not complete."""
        return sum(number for state, number in self.items() if state in FINAL and state is not State.COMPLETE)

    def __repr__(self) -> str:
        return f"Counts({', '.join(f'{state}={self[state]}' for state in State if self[state])})"


class JobRecord:
    """A job as it was when it was read. Fields are attributes, and keys as well: `record["prog"]["value"]`.

    Attributes:
        id: Its number; `_id` is the same.
        name: Its class, as "module.Class".
        args: Its arguments.
        hash: The same for jobs of the same class with the same arguments.
        state: Where it stands.
        journaled: It is in the journal, and not in the queue any more.
        priority: The higher, the sooner.
        trial: How many runs of it began.
        attempts: How often it may fail.
        attempts_left: What is left of that.
        properties: What else was said of it.
        enqueued: When and by whom it was entered.
        query_at: When it may run, if that is still to come.
        started_at: When its last run began.
        finished_at: When its last run ended.
        runtime: How long its last run took, in seconds.
        locked: Who has it, or had it last; None if nobody had.
        prog: How far it is.
        result: What it returned.
        last_error: The last traceback; empty for none.
        errors: All of them, each as a dict of trial, at, error, worker and host.
        sources: What it worked on.
        needs: Jobs (ids) and classes that it waits for.
        lost: How often its worker died over it.
        wall_at: When it was found to run for too long.
        zombie_at: When it was found to show no progress.
        inactive_at: When it had deferred for too long.
        killed_at: When it was killed.
        removed_at: When it was removed.
        worker: The names of the workers that may take it; empty for any.
        max_parallel: How many of its class run at once on one host.
        max_parallel_total: The same over all hosts.
        force: It runs whatever the load of the host is.
        python: The interpreter that runs it; empty for the worker's own.
        folder: Where its module is found; empty if it is installed.
        tag: For people.
        author: For people.
        hidden: It is left out of lists.
        unique: It keeps equal ones out while it is not final.
    """

    def __init__(self, row: JobRow) -> None:
        lane = row.lane
        self.id = row.id
        self.name = lane.name
        self.args = row.args
        self.hash = row.digest.hex()
        self.state = row.state
        self.journaled = row.journaled
        self.priority = row.priority
        self.trial = row.trial
        self.attempts = row.attempts
        self.attempts_left = row.attempts_left
        self.properties = row.properties
        self.enqueued = Enqueued(
            datetime.fromtimestamp(row.enqueued_at, UTC), row.enqueued_host, row.enqueued_user, row.parent
        )
        self.query_at = _time(row.query_at)
        self.started_at = _time(row.started_at)
        self.finished_at = _time(row.finished_at)
        self.runtime = row.runtime_s
        self.locked = (
            Lock(row.worker, row.host, row.pid, _time(row.locked_at), _time(row.heartbeat)) if row.worker else None
        )
        self.prog = Progress(row.progress, row.message)
        self.result = row.result
        self.errors = row.errors
        self.last_error: str = row.errors[-1]["error"] if row.errors else ""
        self.sources = row.sources
        self.needs = row.needs
        self.lost = row.lost
        self.wall_at = _time(row.wall_at)
        self.zombie_at = _time(row.zombie_at)
        self.inactive_at = _time(row.inactive_at)
        self.killed_at = _time(row.killed_at)
        self.removed_at = _time(row.removed_at)
        self.worker = lane.workers
        self.max_parallel = lane.max_parallel
        self.max_parallel_total = lane.max_parallel_total
        self.force = lane.force
        self.python = lane.python
        self.folder = lane.folder
        self.tag = row.tag
        self.author = row.author
        self.hidden = row.hidden
        self.unique = row.unique

    @property
    def _id(self) -> int:
        return self.id

    @property
    def parent(self) -> int | None:
        """The job that entered it."""
        return self.enqueued.parent

    @property
    def final(self) -> bool:
        """It has ended, and does not run again by itself."""
        return self.state in FINAL

    @property
    def flags(self) -> tuple[str, ...]:
        """What was noticed about it: "nonstop" (it ran for too long), "zombie" (it showed no progress)."""
        return ("nonstop",) * (self.wall_at is not None) + ("zombie",) * (self.zombie_at is not None)

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON types; times as ISO 8601 in UTC."""
        return {**{name: plain(value) for name, value in vars(self).items()}, "flags": list(self.flags)}

    def __getitem__(self, key: str) -> Any:
        if key == "_id":
            return self.id
        try:
            value = getattr(self, key)
        except AttributeError:
            raise KeyError(key) from None
        return value._asdict() if isinstance(value, (Enqueued, Lock, Progress)) else value

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobRecord) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<job {self.id}: {self.name}, {self.state}>"


def _time(moment: float | None) -> datetime | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC)


def plain(value: Any) -> Any:
    """A record, or a part of one, as JSON types."""
    match value:
        case datetime():
            return value.isoformat(timespec="milliseconds")
        case tuple() if hasattr(value, "_asdict"):
            return {name: plain(one) for name, one in value._asdict().items()}
        case State():
            return str(value)
        case tuple() | list():
            return [plain(one) for one in value]
        case dict():
            return {name: plain(one) for name, one in value.items()}
        case _:
            return value
