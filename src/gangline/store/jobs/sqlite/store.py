"""The store of a queue in an SQLite file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

from gangline.errors import StoreError, UsageError
from gangline.store.jobs.asking import Asking
from gangline.store.jobs.base import Work
from gangline.store.jobs.beside import Beside
from gangline.store.jobs.leases import Leases
from gangline.store.jobs.orders import Orders
from gangline.store.jobs.pool import Pool
from gangline.store.jobs.port import Ending, Lane
from gangline.store.jobs.sqlite.opening import connect, explained, migrate, patiently, warn_of_network
from gangline.store.jobs.sqlite.statements import STATEMENTS, SqliteDialect, SqliteWork
from gangline.store.jobs.sqlite.turning import Turning
from gangline.store.jobs.waking import Bell

__all__ = ["SqliteStore"]

_LOOK_EVERY_S = 0.008
"""Between two looks whether the file has changed."""


class SqliteStore(Turning, Leases, Orders, Asking, Beside):
    """A queue in an SQLite file. See `JobStore`.

    Args:
        path: The file; it is made if it does not exist, with its folder.
        full: A power cut loses nothing that was done. Without, it may lose the last moments; a crash of programs loses
            nothing in either case.
    """

    _dialect = SqliteDialect()

    def __init__(self, path: str, *, full: bool = False) -> None:
        self._path = os.path.abspath(path)
        self._full = full
        self.url = f"sqlite:///{self._path}"
        self._lane_ids: dict[Lane, int] = {}
        self._lanes: dict[int, Lane] = {}
        self._pool = Pool(self._connect)
        self._watchers = Pool(lambda: _Watcher(self._connect()))
        self._bell = Bell()
        _make_folder(os.path.dirname(self._path))
        try:
            with explained(self._path), self._pool.connection() as connection:
                migrate(connection, self._path)
        except BaseException:
            self.close()
            raise
        warn_of_network(self._path)

    def finish_within(self, connection: Any, ending: Ending) -> bool:
        """See `JobStore.finish_within`."""
        if not isinstance(connection, sqlite3.Connection):
            raise UsageError(f"this queue lies in an SQLite file; {type(connection).__name__} is no connection to it")
        with explained(self._path):
            if not connection.in_transaction:
                patiently(connection, "BEGIN IMMEDIATE")
            return not self._end(SqliteWork(connection), [ending])

    def connect(self) -> sqlite3.Connection:
        """See `JobStore.connect`."""
        with explained(self._path):
            connection = sqlite3.connect(self._path, timeout=60.0, check_same_thread=False)
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._full else 'NORMAL'}")
        return connection

    def wait_for_change(self, timeout_s: float, *, ends: bool = False) -> bool:
        """See `JobStore.wait_for_change`."""
        until = time.monotonic() + timeout_s
        with explained(self._path), self._bell.beside() as sleep, self._watchers.connection() as watcher:
            while True:
                if watcher.has_changed():
                    return True
                left = until - time.monotonic()
                if left <= 0:
                    return self._bell.heard()
                if sleep.sleep(min(left, _LOOK_EVERY_S)):
                    return True

    def wake(self) -> None:
        """See `JobStore.wake`."""
        self._bell.ring()

    def close(self) -> None:
        """See `JobStore.close`."""
        self._watchers.close()
        self._pool.close()

    def reopen(self) -> None:
        """See `JobStore.reopen`."""
        self._pool.forget()
        self._watchers.forget()

    def _words(self, name: str) -> str:
        return STATEMENTS[name]

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Work]:
        with self._connection() as connection:
            patiently(connection, "BEGIN")
            try:
                yield SqliteWork(connection)
            finally:
                connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Work]:
        with self._connection() as connection:
            patiently(connection, "BEGIN IMMEDIATE")
            work = SqliteWork(connection)
            try:
                yield work
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, OverflowError | UnicodeEncodeError):
                    raise UsageError(f"a value cannot be kept: {error}") from error
                raise
            if work.new_lanes:
                self._lane_ids |= work.new_lanes

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection, which an error in a transaction does not hurt."""
        with explained(self._path):
            connection = self._pool.take()
            try:
                yield connection
            finally:
                self._pool.give(connection)

    def _connect(self) -> sqlite3.Connection:
        return connect(self._path, full=self._full)


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} for the queue cannot be made: {error.strerror}") from error


class _Watcher:
    """A connection that sees whether the file has changed: SQLite counts the transactions of others for each."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._seen = -1

    def has_changed(self) -> bool:
        """Whether there was a transaction since this was last asked; the first time nobody knows, so there was."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        before, self._seen = self._seen, int(version)
        return self._seen != before

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
