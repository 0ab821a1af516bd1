"""The store of a queue in PostgreSQL."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from gangline.errors import UsageError
from gangline.store.jobs.asking import Asking
from gangline.store.jobs.base import Work
from gangline.store.jobs.beside import Beside
from gangline.store.jobs.leases import Leases
from gangline.store.jobs.orders import Orders
from gangline.store.jobs.pool import Pool
from gangline.store.jobs.port import Ending, Lane
from gangline.store.jobs.postgres.ear import Ear
from gangline.store.jobs.postgres.opening import connect, explained, migrate, parse_url
from gangline.store.jobs.postgres.statements import STATEMENTS, PostgresDialect, PostgresWork
from gangline.store.jobs.postgres.tidying import Tidier
from gangline.store.jobs.postgres.turning import Turning
from gangline.store.jobs.waking import Bell, Waking

__all__ = ["PostgresStore"]


class PostgresStore(Turning, Leases, Orders, Asking, Beside, Waking):
    """A queue in PostgreSQL. See `JobStore`.

    Args:
        url: As libpq takes it, and `schema`: the queue's place in the database, which is made if need be.
    """

    _dialect = PostgresDialect()

    def __init__(self, url: str) -> None:
        self._address = parse_url(url)
        self.url = self._address.shown
        self._lane_ids: dict[Lane, int] = {}
        self._lanes: dict[int, Lane] = {}
        self._pool = Pool(lambda: Ear(self._connect(), self._address.schema))
        self._bell = Bell()
        self._tidier = Tidier(self._connect, self._address.schema)
        try:
            with self._connection() as connection:
                migrate(connection, self._address)
        except BaseException:
            self.close()
            raise

    def finish_within(self, connection: Any, ending: Ending) -> bool:
        """See `JobStore.finish_within`."""
        if not isinstance(connection, psycopg.Connection):
            raise UsageError(f"this queue lies in PostgreSQL; {type(connection).__name__} is no connection to it")
        completed, endings = self._endings([ending])
        with explained(self._address):
            work = PostgresWork(connection, self._address.schema)
            # An ending that was told before will not do here: the caller's work would be written twice.
            if not work.run("hold_claim", job=ending.job, fence=ending.fence):
                return False
            ((held,),) = work.run("end_within", completed=completed, endings=endings)
        return bool(held)

    def connect(self) -> psycopg.Connection[Any]:
        """See `JobStore.connect`."""
        with explained(self._address):
            return connect(self._address)

    def recover(self) -> list[int]:
        """See `JobStore.recover`. Workers call it every few seconds: a good time to look after the tables."""
        self._tidier.remind()
        return super().recover()

    def wait_for_change(self, timeout_s: float, *, ends: bool = False) -> bool:
        """See `JobStore.wait_for_change`."""
        until = time.monotonic() + timeout_s
        with explained(self._address), self._bell.beside() as sleep, self._pool.connection() as ear:
            if ear.listen(ends=ends):
                return True
            sleep.watch(ear.fileno())
            while True:
                if ear.heard(ends=ends):
                    return True
                left = until - time.monotonic()
                if left <= 0:
                    return self._bell.heard()
                if sleep.sleep(left) and not ear.has_something():
                    return True

    def close(self) -> None:
        """See `JobStore.close`."""
        self._tidier.close()
        self._pool.close()

    def reopen(self) -> None:
        """See `JobStore.reopen`."""
        self._tidier = Tidier(self._connect, self._address.schema)
        self._pool.forget()

    def _words(self, name: str) -> str:
        return STATEMENTS[name]

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Work]:
        with self._connection() as connection:
            yield PostgresWork(connection, self._address.schema)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Work]:
        with self._connection() as connection, connection.transaction():
            work = PostgresWork(connection, self._address.schema)
            yield work
            work.finish()

    @contextlib.contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        with explained(self._address):
            ear = self._pool.take()
            while ear.has_gone():
                ear.close()
                ear = self._pool.take()
            connection = ear.connection
            try:
                yield connection
            except (OverflowError, UnicodeEncodeError) as error:
                raise UsageError(f"a value cannot be kept: {error}") from error
            finally:
                if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
                    ear.close()
                else:
                    self._pool.give(ear)

    def _connect(self) -> psycopg.Connection[Any]:
        return connect(self._address, autocommit=True)
