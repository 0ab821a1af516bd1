"""The queue as users have it in hand."""

from __future__ import annotations

import contextlib
import os
import time
import weakref
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal, Self, overload
from urllib.parse import quote

from gangline.errors import UsageError, WaitTimeout
from gangline.queue import configuration, entering, naming
from gangline.queue.configuration import Configuration
from gangline.queue.cookies import Cookie
from gangline.queue.current import running
from gangline.queue.described import locate
from gangline.queue.entering import Entrance, JobClass
from gangline.queue.explain import Explanation, explain
from gangline.queue.planning import plan
from gangline.queue.record import Counts, JobRecord, LogLine, Paused, Scheduled, WorkerRecord
from gangline.queue.values import Values
from gangline.store.jobs import open_store
from gangline.store.jobs.port import FINAL, JobStore, NewJob, State

__all__ = ["Queue"]

_open_queues: weakref.WeakSet[Queue] = weakref.WeakSet()


class Queue:
    """A queue of durable jobs. Its methods may be called from any thread, and in child processes after `os.fork`.

    Args:
        url: Where it is: "sqlite:///jobs.db", "postgresql://user@host/database". If it is not given, it is the queue of
            the job that runs here; else what GANGLINE_QUEUE_URL or the configuration says; else a file in `.gangline/`.
        configuration: What files say about classes; by default it is read from the current folder.
        parent: Jobs are entered as children of this one.

    Raises:
        StoreError: The database cannot be used; says what to do.
        UsageError: The URL or the configuration makes no sense.
    """

    def __init__(
        self, url: str | None = None, *, configuration: Configuration | None = None, parent: int | None = None
    ) -> None:
        self._address, self._parent = _place(url, parent, configuration)
        self._configuration = configuration
        self._made_entrance: Entrance | None = None
        self.database: JobStore = open_store(self._address)
        _open_queues.add(self)

    @property
    def url(self) -> str:
        """Where it is, without a password."""
        return self.database.url

    @property
    def _entrance(self) -> Entrance:
        if self._made_entrance is None:
            if self._configuration is None:
                self._configuration = configuration.load()
            self._made_entrance = Entrance(self._configuration)
        return self._made_entrance

    # Entering -----------------------------------------------------------------------------------------------------

    def enqueue(self, job: JobClass, /, **args: Any) -> int:
        """Enter a job.

        Args:
            job: Its class, or "module.Class".
            args: The arguments of its `execute`, which JSON must be able to say; and properties, which hold for this
                job only. Besides: `delay`, seconds until it may start; `parent`, the job that it is a child of; `args`,
                a dict of arguments, for those whose names are properties.

        Returns:
            The job's id.

        Raises:
            JobExists: A job of this class with these arguments is not final; `unique=False` allows it all the same.
            UsageError: The class, an argument or a property is not possible; names it.
        """
        said = self._said(job, args)
        return self.database.add([self._entrance.entry(job, said)])[0]

    def enqueue_many(self, job: JobClass, many: Iterable[Mapping[str, Any]], /, **properties: Any) -> list[int]:
        """Enter many jobs of one class, all or none; much faster than one by one.

        Args:
            job: Their class, or "module.Class".
            many: The arguments of each.
            properties: Properties of all; `delay` and `parent` as for `enqueue`.

        Returns:
            Their ids in the same order.

        Raises:
            JobExists: As `enqueue`; nothing was entered.
            UsageError: As `enqueue`; nothing was entered.
        """
        if isinstance(many, Mapping) or not isinstance(many, Iterable):
            raise UsageError(f"enqueue_many: give a list with the arguments of each job, not {many!r:.100}")
        said = self._said(job, properties)
        if said.args:
            name = next(iter(said.args))
            raise UsageError(f"enqueue_many: {name!r} is no property of jobs; arguments belong into the list")
        return self.database.add(self._entrance.entries(job, many, said))

    def _said(self, job: JobClass, given: dict[str, Any]) -> entering.Said:
        said = entering.split(_called(job), given)
        return said if said.parent is not None or self._parent is None else said._replace(parent=self._parent)

    def chained(self, kept: Mapping[str, Any], parent: int | None) -> tuple[NewJob, ...]:
        """The jobs that are entered when a job is complete.

        Args:
            kept: What its row keeps of its properties.
            parent: The job.
        """
        return self._entrance.chained(kept, parent)

    # Asking -------------------------------------------------------------------------------------------------------

    def get(self, job: int) -> JobRecord:
        """A job, in the queue or in the journal.

        Raises:
            UsageError: There is none with this id.
        """
        row = self.database.get(_id(job))
        if row is None:
            raise UsageError(f"there is no job {job} in {self.url}")
        return JobRecord(row)

    def find(
        self, filter: Mapping[str, Any] | None = None, *, journal: bool | None = False, order: str = "id",
        limit: int | None = None, offset: int = 0,
    ) -> list[JobRecord]:  # fmt: skip
        """Jobs that match a filter, such as `{"state": "error", "args.year": {"$gte": 2020}}`.

        Args:
            filter: Fields (nested ones with dots) and their values, or operators: `$in $nin $ne $gt $gte $lt $lte
                $exists`; `$and` and `$or` take lists of filters.
            journal: Those in the queue (False), in the journal (True), or both (None). What is complete or removed is
                in the journal.
            order: The field that they are sorted by, with "-" before it for falling.
            limit: At most so many.
            offset: Without the first ones.

        Raises:
            UsageError: The filter makes no sense; says where.
        """
        rows = self.database.find(filter, journal=journal, order=order, limit=limit, offset=offset)
        return [JobRecord(row) for row in rows]

    def journal(self, filter: Mapping[str, Any] | None = None, **options: Any) -> list[JobRecord]:
        """Jobs in the journal that match; the options are those of `find`."""
        return self.find(filter, journal=True, **options)

    def count(self, filter: Mapping[str, Any] | None = None, *, journal: bool | None = False) -> int:
        """How many jobs match; the arguments are those of `find`."""
        return self.database.count(filter, journal=journal)

    def counts(self, filter: Mapping[str, Any] | None = None, *, journal: bool | None = None) -> Counts:
        """How many jobs are in which state, in the queue and the journal; the arguments are those of `find`."""
        return Counts(self.database.count_states(filter, journal=journal))

    def children(self, job: int) -> Counts:
        """How many of the jobs that a job has entered are in which state, the finished ones included."""
        return self.counts({"parent": _id(job)})

    def logs(self, job: int, *, after: int = 0, limit: int = 10_000) -> list[LogLine]:
        """What a job wrote and logged so far.

        Args:
            job: Its id.
            after: Only what came after the piece of this number.
            limit: At most so many pieces.

        Raises:
            UsageError: There is no such job.
        """
        found = [LogLine.of(*piece) for piece in self.database.output(_id(job), after=after, limit=limit)]
        if not found and not after:
            self.get(job)
        return found

    def explain(self, job: int) -> Explanation:
        """Why a job is not running, or what became of it; printed as sentences.

        Raises:
            UsageError: There is no such job.
        """
        return explain(self.database, _id(job))

    @overload
    def wait(self, job: int, timeout: float | None = None) -> JobRecord: ...

    @overload
    def wait(self, job: Iterable[int], timeout: float | None = None) -> list[JobRecord]: ...

    def wait(self, job: int | Iterable[int], timeout: float | None = None) -> JobRecord | list[JobRecord]:
        """Wait until a job, or each of several, is final.

        Args:
            job: An id, or several.
            timeout: How long, in seconds; for ever if it is not given.

        Returns:
            The record; for several ids a list in the same order.

        Raises:
            WaitTimeout: It is not final yet; says in which state it is.
            UsageError: There is no such job.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if isinstance(job, int):
            return self._wait(job, timeout, deadline)
        return [self._wait(one, timeout, deadline) for one in list(job)]

    def _wait(self, job: int, timeout: float | None, deadline: float | None) -> JobRecord:
        while not (record := self.get(job)).final:
            left = _LONGEST_WAIT_S if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeout(f"job {job} ({record.name}) is {record.state} after {timeout:g} s; it goes on")
            self.database.wait_for_change(min(left, _LONGEST_WAIT_S), ends=True)
        return record

    # Orders -------------------------------------------------------------------------------------------------------

    def kill(self, job: int) -> State:
        """End a job: at once if it does not run; else its worker is told, and its processes end within seconds.

        Returns:
            KILLED, or RUNNING if its worker has to end it first.

        Raises:
            UsageError: There is no such job, or it is final; says its state.
        """
        return self.database.kill(_id(job))

    def restart(self, job: int) -> int:
        """Run a job again: one that waits runs now; of a final one a copy is entered, with the old one as its parent.

        Returns:
            The id of the job that runs: the same, or the copy's.

        Raises:
            UsageError: There is no such job, or it runs, or waits for nothing but a worker.
            JobExists: An equal job is not final.
        """
        return self.database.restart(_id(job))

    def remove(self, job: int, *, kill: bool = False) -> State:
        """Take a job out of the queue, into the journal: now, or when it has ended.

        Args:
            job: Its id.
            kill: If it runs, end it.

        Returns:
            Its state; RUNNING if it has to end first.

        Raises:
            UsageError: There is no such job, or it is in the journal already.
        """
        state = self.database.remove(_id(job))
        if kill and state is State.RUNNING:
            with contextlib.suppress(UsageError):  # it has ended meanwhile
                self.database.kill(job)
        return state

    def pause(self, job: JobClass | None = None, *, host: str | None = None, reason: str = "") -> None:
        """Start nothing new: of a class, on a host, or at all. What runs goes on.

        Args:
            job: A class, or "module.Class".
            host: A host.
            reason: For people.
        """
        scope, name = _scope(job, host)
        self.database.pause(scope, name, reason)

    def resume(self, job: JobClass | None = None, *, host: str | None = None) -> bool:
        """Start new jobs again; False if it was not paused."""
        return self.database.resume(*_scope(job, host))

    def paused(self) -> list[Paused]:
        """What is paused."""
        return [Paused.of(row) for row in self.database.pauses()]

    def workers(self) -> list[WorkerRecord]:
        """The workers, those that died within the last hour included."""
        return [WorkerRecord.of(row) for row in self.database.workers()]

    def halt(self, worker: str) -> None:
        """Order a worker to take no more jobs, and to stop when those that run have ended.

        Raises:
            UsageError: No living worker has this name.
        """
        if not self.database.halt(worker):
            names = sorted(row.name for row in self.database.workers() if row.alive)
            raise UsageError(f"no worker called {worker!r} is alive; there are: {', '.join(names) or 'none'}")

    def purge(self, older_than: float | timedelta, *, states: Iterable[State | str] = (State.COMPLETE,)) -> int:
        """Delete the records of jobs that have been over for a while, with what they wrote.

        Args:
            older_than: For how long they must have been over; seconds.
            states: Final states.

        Returns:
            How many were deleted.

        Raises:
            UsageError: A state is not final.
        """
        seconds = older_than.total_seconds() if isinstance(older_than, timedelta) else older_than
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
            raise UsageError(f"older_than is {older_than!r}, but must be a number of seconds, 0 or more")
        return self.database.purge(float(seconds), states=[_final(state) for state in states])

    # Schedules ----------------------------------------------------------------------------------------------------

    def schedule(self, job: JobClass, line: str | None = None, /, *, name: str | None = None, **args: Any) -> Scheduled:
        """Enter jobs at certain times, as long as there is a worker; of several workers one does it.

        Args:
            job: The class, or "module.Class".
            line: A crontab line, such as "*/5 * * * *"; by default what the class or the configuration says.
            name: What the schedule is called, by default as the class; one of this name is replaced.
            args: Arguments and properties of the jobs, as for `enqueue`; with `timezone`, by which clock the line is
                read (UTC), and `missed`, what becomes of times that went by without a worker: "one" job, "all" or
                "none".

        Raises:
            UsageError: There is no line, or it cannot be read; the class, an argument or a property is not possible.
        """
        return plan(self.database, self._entrance, job, line, name, args)

    def schedules(self) -> list[Scheduled]:
        """All schedules."""
        return [Scheduled.of(row) for row in self.database.schedules()]

    def unschedule(self, name: str) -> None:
        """Forget a schedule.

        Raises:
            UsageError: There is none of this name.
        """
        rows = self.database.schedules()
        for row in rows:
            if row.name == name:
                self.database.remove_schedule(row.id)
                return
        names = ", ".join(row.name for row in rows)
        raise UsageError(f"there is no schedule {name!r}; there are: {names or 'none'}")

    def schedule_configured(self) -> list[Scheduled]:
        """Enter the schedules of all classes to which the configuration gives one; workers do it at their start."""
        jobs = (self._configuration or configuration.load()).jobs
        return [self.schedule(name) for name, said in jobs.items() if said.get("schedule")]

    # Beside jobs --------------------------------------------------------------------------------------------------

    @property
    def store(self) -> Values:
        """Data that jobs share: bytes or JSON by key."""
        return Values(self.database)

    def cookie(self, job: JobClass) -> Cookie:
        """The cookie of a class: a small document that lasts between its runs."""
        return Cookie(self.database, naming.check_name(job) if isinstance(job, str) else locate(job).name)

    def close(self) -> None:
        """Close the connections. The queue itself stays as it is."""
        _open_queues.discard(self)
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopened, (self._address, self._parent)

    def __repr__(self) -> str:
        return f"<queue {self.url}>"


_LONGEST_WAIT_S = 30.0
_IN_FILE = "sqlite:///"


def _reopened(address: str, parent: int | None) -> Queue:
    return Queue(address, parent=parent)


def _place(url: str | None, parent: int | None, given: Configuration | None) -> tuple[str, int | None]:
    job = running.get()
    if url is None and job is not None and job._about.url:
        url = job._about.url
    if job is not None and parent is None and url == job._about.url:
        parent = job.id
    if url is None:
        url = os.environ.get(configuration.URL_VARIABLE, "")
        url = url or (given or configuration.load()).url or configuration.default_url()
    if not isinstance(url, str) or not url:
        raise UsageError(f"the queue's URL is {url!r}, but must be a text such as 'sqlite:///jobs.db'")
    return _absolute(url), parent


def _absolute(url: str) -> str:
    """The same for other processes, which may be in another folder."""
    if "://" not in url:
        return os.path.abspath(url)
    path = url.removeprefix(_IN_FILE)
    return url if path == url or not path or path.startswith("/") else f"{_IN_FILE}{quote(os.getcwd())}/{path}"


def _called(job: Any) -> str:
    return job if isinstance(job, str) else getattr(job, "__qualname__", repr(job))


def _id(job: Any) -> int:
    if isinstance(job, bool) or not isinstance(job, int):
        raise UsageError(f"a job's id is a whole number, not {job!r}")
    return job


def _final(state: State | str) -> State:
    if state not in FINAL:
        raise UsageError(f"{str(state)!r} is no final state; those are {', '.join(sorted(FINAL))}")
    return State(state)


def _scope(job: JobClass | None, host: str | None) -> tuple[Literal["queue", "class", "host"], str]:
    if job is not None and host is not None:
        raise UsageError("either a class is paused or a host, not both at once")
    if host is not None:
        return "host", host
    if job is not None:
        return "class", naming.check_name(job) if isinstance(job, str) else locate(job).name
    return "queue", ""


def _reopen_all() -> None:
    for queue in list(_open_queues):
        queue.database.reopen()


os.register_at_fork(after_in_child=_reopen_all)
