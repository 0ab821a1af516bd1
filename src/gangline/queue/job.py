"""The base class of durable jobs: what users write subclasses of."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn, Self

from gangline.errors import StoreError, UsageError
from gangline.queue.compatibility import Config
from gangline.queue.cookies import Cookie
from gangline.queue.current import running
from gangline.queue.deferral import Deferred
from gangline.queue.described import Described
from gangline.queue.facade import Queue
from gangline.queue.link import ClaimInfo, Link
from gangline.queue.properties import CHECKS, check_property
from gangline.queue.values import Values
from gangline.store.jobs.port import Ending, NewJob

if TYPE_CHECKING:
    from contextvars import Token

__all__ = ["CoreJob", "CoreLoadJob", "DurableJob"]


class DurableJob(Described):
    """A job that lives in a queue until it is done, whatever dies meanwhile.

    A subclass defines `execute`, whose arguments are those that the job was entered with, and sets the properties that
    are to differ from their defaults; `gangline.queue.Properties` has all of them with their meaning.

        class Primes(DurableJob):
            max_parallel = 5

            def execute(self, start, end):
                return sum(is_prime(n) for n in range(start, end))

    What `execute` returns is kept in the record if JSON can say it. An exception is a failure.
    """

    _claim: ClaimInfo | None = None
    _link: Link | None = None
    _queue: Queue | None = None
    _token: Token[DurableJob | None] | None = None
    _sources: tuple[str, ...] = ()
    _began: float = 0.0

    # What they are told -------------------------------------------------------------------------------------------

    @property
    def id(self) -> int | None:
        """The job's number in its queue; None if it runs without one."""
        return self._about.id

    @property
    def _id(self) -> int | None:
        return self.id

    @property
    def name(self) -> str:
        """The class, as "module.Class"."""
        return self._about.name

    @property
    def args(self) -> dict[str, Any]:
        """The arguments that it was entered with."""
        return dict(self._about.args)

    @property
    def trial(self) -> int:
        """Which run of this job this is, from 1; after deferring and after failing comes the next."""
        return self._about.trial

    @property
    def attempts_left(self) -> int:
        """How often it may fail, this run included."""
        return self._about.attempts_left

    @property
    def parent(self) -> int | None:
        """The job that entered this one."""
        return self._about.parent

    @property
    def enqueued_at(self) -> datetime | None:
        """When it was entered."""
        return _as_time(self._about.enqueued_at)

    @property
    def due_at(self) -> datetime | None:
        """The time of its schedule that it was entered for; None if a schedule did not enter it."""
        return _as_time(self._about.properties.get("due_at"))

    @property
    def logger(self) -> logging.Logger:
        """Its log, which is kept with the job: from INFO on, unless the level of this logger is set."""
        logger = logging.getLogger(self._about.name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
        return logger

    @property
    def queue(self) -> Queue:
        """The queue that it is in. Jobs that are entered by it get this job as their parent."""
        if self._queue is None:
            self._queue = Queue.of_job(self._about.url, self.id) if self._about.url else Queue()
        return self._queue

    @property
    def cookie(self) -> Cookie:
        """A small document for this class of jobs, which lasts between runs."""
        return self.queue.cookie(self._about.name)

    @property
    def store(self) -> Values:
        """Data that all jobs of the queue share."""
        return self.queue.store

    @property
    def config(self) -> Config:
        """`config.sys.queue` and `config.sys.journal`, asked as core4's jobs ask them."""
        return Config(self.queue)

    # What they say ------------------------------------------------------------------------------------------------

    def defer(self, message: str = "", *args: Any, seconds: float | None = None) -> NoReturn:
        """End this run here; the job runs again after a while, in its next trial. Uses up no attempt.

        Args:
            message: Why, for people; filled with `args` as by `logging`.
            args: What is filled in.
            seconds: How long it waits; its `defer_time` if not given.

        Raises:
            Deferred: Always; this is how the run ends.
        """
        if seconds is not None:
            seconds = check_property("defer_time", seconds, f"{type(self).__qualname__}.defer")
        raise Deferred(_fill(message, args), self.defer_time if seconds is None else seconds)

    def progress(self, value: float | None = None, message: str = "", *args: Any) -> None:
        """Tell how far it is. It is written every `progress_interval` seconds at most, and shows that the job lives.

        Args:
            value: From 0 to 1; None if only something is said.
            message: For people; filled with `args` as by `logging`.
            args: What is filled in.

        Raises:
            UsageError: The value is no number from 0 to 1.
        """
        if value is not None:
            try:
                value = float(value)
            except (TypeError, ValueError):
                raise UsageError(f"progress({value!r}): the value is a number from 0 to 1, or None") from None
            if not -1e-6 <= value <= 1 + 1e-6:
                part = " (a percentage is to be divided by 100)" if math.isfinite(value) else ""
                raise UsageError(f"progress({value!r}): the value goes from 0 to 1{part}")
            value = min(max(value, 0.0), 1.0)
        text = _fill(message, args)
        if self._link is not None:
            self._link.progress(value, text)

    def set_source(self, name: str) -> None:
        """Keep in the record what this job works on, such as the name of a file. Several are kept."""
        name = str(name)
        if name not in self._sources:
            self._sources = (*self._sources, name)
            if self._link is not None:
                self._link.source(name)

    @contextlib.contextmanager
    def completion(self, result: Any = None) -> Iterator[Any]:
        """A transaction in the queue's own database, valid together with the job's completion or not at all.

        So work that is done in this database is done exactly once. After it the job is complete: `execute` should end.

            with self.completion() as connection:
                connection.execute("INSERT INTO totals VALUES (...)")

        Args:
            result: What is kept as the job's result.

        Yields:
            A connection with an open transaction: psycopg's, or `sqlite3.Connection`. It is committed and closed here.

        Raises:
            StoreError: The job is not this worker's any more; nothing was written.
            UsageError: The result is no JSON.
        """
        text = _result_text(result, self._about.name)
        store = self.queue.database
        connection = store.connect()
        try:
            yield connection
            if self.id is not None and not store.finish_within(connection, self._ending(text)):
                raise StoreError(
                    f"job {self.id} was not completed by this, and its work was taken back: "
                    "it is another worker's meanwhile, or complete already"
                )
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        finally:
            connection.close()
        if self._link is not None:
            self._link.completed()

    # For whoever runs it ------------------------------------------------------------------------------------------

    @classmethod
    def _begin(cls, claim: ClaimInfo, link: Link | None) -> Self:
        """An instance for one run of a job; `_end` must be called after it."""
        job = cls.__new__(cls)
        job._claim, job._link, job._began = claim, link, time.monotonic()
        for name, value in claim.properties.items():
            if name in CHECKS and name != "chain":  # which is kept in a form of its own
                setattr(job, name, value)
        job._token = running.set(job)
        try:
            job.__init__()  # type: ignore[misc]  # a user's constructor may already ask who the job is
        except BaseException:
            job._end()
            raise
        return job

    def _end(self) -> None:
        """The run is over."""
        if self._token is not None:
            running.reset(self._token)
            self._token = None
        if self._queue is not None:
            self._queue.close()
            self._queue = None

    def _following(self) -> tuple[NewJob, ...]:
        """What is entered when this job is complete."""
        kept = self._about.properties
        return self.queue.chained(kept, self.id) if kept.get("chain") else ()

    @property
    def _about(self) -> ClaimInfo:
        claim = self._claim
        if claim is None:
            # Made by hand, to be tried out: it is in no queue.
            cls = type(self)
            claim = self._claim = ClaimInfo(None, f"{cls.__module__}.{cls.__qualname__}")
        return claim

    def _ending(self, result: str) -> Ending:
        assert self._claim is not None
        assert self._claim.id is not None
        return Ending(
            self._claim.id, self._claim.fence, "complete",
            result=result, runtime_s=time.monotonic() - self._began, sources=self._sources, next=self._following(),
        )  # fmt: skip

    def __repr__(self) -> str:
        number = "" if self.id is None else f" {self.id}"
        return f"<job{number}: {self._about.name}>"


CoreJob = DurableJob
CoreLoadJob = DurableJob


def _fill(message: Any, args: tuple[Any, ...]) -> str:
    text = str(message)
    if not args:
        return text
    try:
        return text % args
    except (TypeError, ValueError):
        # As with `logging`: a slip in a message is no reason to lose the work.
        return " ".join([text, *map(str, args)])


def _result_text(result: Any, name: str) -> str:
    if result is None:
        return ""
    try:
        return json.dumps(result, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name}: the result is no JSON: {error}") from error


def _as_time(moment: float | None) -> datetime | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC)
