"""The queue as users have it in hand."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Iterable, Mapping
from typing import Any, Self, overload

from gangline.errors import StoreUnavailable, UsageError, WaitTimeout
from gangline.queue import configuration, entering, naming
from gangline.queue.configuration import Configuration
from gangline.queue.cookies import Cookie
from gangline.queue.described import locate
from gangline.queue.entering import Entrance, JobClass
from gangline.queue.explain import Explanation, explain
from gangline.queue.orders import Orders, checked_id
from gangline.queue.place import find_place
from gangline.queue.planning import plan
from gangline.queue.record import Counts, JobRecord, LogLine, Scheduled
from gangline.queue.values import Values
from gangline.store.jobs import open_store
from gangline.store.jobs.port import JobStore, NewJob

__all__ = ["Queue"]

_open_queues: weakref.WeakSet[Queue] = weakref.WeakSet()
_shared: dict[str, JobStore] = {}
_sharing = threading.Lock()


class Queue(Orders):
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
        self._address, self._parent = find_place(url, parent, configuration)
        self._configuration = configuration
        self._made_entrance: Entrance | None = None
        self._is_shared = False
        self.database: JobStore = open_store(self._address)
        _open_queues.add(self)

    @classmethod
    def of_job(cls, url: str, parent: int | None) -> Self:
        """The queue of a job that runs in an engine. Its connections stay open for the engine's next jobs.

        Args:
            url: Where it is.
            parent: The job.
        """
        queue = cls.__new__(cls)
        queue._address, queue._parent = url, parent
        queue._configuration = queue._made_entrance = None
        queue._is_shared = True
        with _sharing:
            database = _shared.get(url)
            if database is None:
                database = _shared[url] = open_store(url)
        queue.database = database
        return queue

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
        args = many if isinstance(many, list | tuple) else list(many)
        return self.database.add_alike(self._entrance.many(job, args, said))

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
        row = self.database.get(checked_id(job))
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
        return self.counts({"parent": checked_id(job)})

    def logs(self, job: int, *, after: int = 0, limit: int = 10_000) -> list[LogLine]:
        """What a job wrote and logged so far.

        Args:
            job: Its id.
            after: Only what came after the piece of this number.
            limit: At most so many pieces.

        Raises:
            UsageError: There is no such job.
        """
        found = [LogLine.of(*piece) for piece in self.database.output(checked_id(job), after=after, limit=limit)]
        if not found and not after:
            self.get(job)
        return found

    def explain(self, job: int) -> Explanation:
        """Why a job is not running, or what became of it; printed as sentences.

        Raises:
            UsageError: There is no such job.
        """
        return explain(self.database, checked_id(job))

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
            StoreUnavailable: The database has been away for a minute, or when the time was over.
            UsageError: There is no such job.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if isinstance(job, int):
            return self._wait(job, timeout, deadline)
        return [self._wait(one, timeout, deadline) for one in list(job)]

    def _wait(self, job: int, timeout: float | None, deadline: float | None) -> JobRecord:
        gone_since: float | None = None
        while True:
            left = _LONGEST_WAIT_S if deadline is None else deadline - time.monotonic()
            try:
                record = self.get(job)
                if record.final:
                    return record
                if left <= 0:
                    raise WaitTimeout(f"job {job} ({record.name}) is {record.state} after {timeout:g} s; it goes on")
                self.database.wait_for_change(min(left, _LONGEST_WAIT_S), ends=True)
                gone_since = None
            except StoreUnavailable:
                # The job goes on meanwhile; a database that is started again is no reason to give up.
                now = time.monotonic()
                gone_since = gone_since or now
                if left <= 0 or now - gone_since > _PATIENCE_S:
                    raise
                time.sleep(_LOOK_AGAIN_S)

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
        if not self._is_shared:
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
_PATIENCE_S = 60.0
_LOOK_AGAIN_S = 0.25


def _reopened(address: str, parent: int | None) -> Queue:
    return Queue(address, parent=parent)


def _called(job: Any) -> str:
    return job if isinstance(job, str) else getattr(job, "__qualname__", repr(job))


def _reopen_all() -> None:
    global _sharing
    _sharing = threading.Lock()
    for database in [*_shared.values(), *(queue.database for queue in list(_open_queues))]:
        database.reopen()


os.register_at_fork(after_in_child=_reopen_all)
