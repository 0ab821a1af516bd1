"""The store of a queue in an SQLite file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from gangline.errors import StoreError, UsageError
from gangline.store.jobs.asking import Asking
from gangline.store.jobs.base import Work
from gangline.store.jobs.beside import Beside
from gangline.store.jobs.leases import Leases
from gangline.store.jobs.orders import Orders
from gangline.store.jobs.pool import Pool
from gangline.store.jobs.port import Ending, Lane, State
from gangline.store.jobs.sqlite.modified import LogWatch
from gangline.store.jobs.sqlite.opening import connect, explained, explanation, migrate, patiently, warn_of_network
from gangline.store.jobs.sqlite.statements import STATEMENTS, SqliteDialect, SqliteWork
from gangline.store.jobs.sqlite.turning import Turning
from gangline.store.jobs.waking import Bell, Waking

__all__ = ["SqliteStore"]


class SqliteStore(Turning, Leases, Orders, Asking, Beside, Waking):
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
        self._watchers = Pool(lambda: _Watcher(self._connect(), self._path))
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
            found = connection.execute(STATEMENTS["find_claim"], (ending.job,)).fetchone()
            # An ending that was told before will not do here: the caller's work would be written twice.
            if found is None or found[:2] != (State.RUNNING, ending.fence):
                return False
            return not self._end(SqliteWork(connection), [ending])

    def connect(self) -> sqlite3.Connection:
        """See `JobStore.connect`."""
        with explained(self._path):
            connection = sqlite3.connect(self._path, timeout=60.0, check_same_thread=False)
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._full else 'NORMAL'}")
            # Python begins none by itself before statements such as CREATE TABLE.
            patiently(connection, "BEGIN IMMEDIATE")
        return connection

    def wait_for_change(self, timeout_s: float, *, ends: bool = False) -> bool:
        """See `JobStore.wait_for_change`."""
        until = time.monotonic() + timeout_s
        with explained(self._path), self._bell.beside() as sleep, self._watchers.connection() as watcher:
            if watcher.log.fd is not None:
                sleep.watch(watcher.log.fd)
            while True:
                if watcher.has_changed():
                    return True
                left = until - time.monotonic()
                if left <= 0:
                    return self._bell.heard()
                if sleep.sleep(min(left, watcher.log.pause_s())) and sleep.rung:
                    return True

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

    def _reading(self) -> AbstractContextManager[Work]:
        return _Transaction(self, "BEGIN", "ROLLBACK")

    def _writing(self) -> AbstractContextManager[Work]:
        return _Transaction(self, "BEGIN IMMEDIATE", "COMMIT")

    def _connect(self) -> sqlite3.Connection:
        return connect(self._path, full=self._full)


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} for the queue cannot be made: {error.strerror}") from error


class _Transaction:
    """One transaction. A class, since it is most of what entering one job costs in Python."""

    __slots__ = ("_begin", "_connection", "_end", "_store", "_work")

    def __init__(self, store: SqliteStore, begin: str, end: str) -> None:
        self._store = store
        self._begin = begin
        self._end = end

    def __enter__(self) -> Work:
        store = self._store
        try:
            self._connection = store._pool.take()
        except sqlite3.Error as error:
            raise explanation(store._path, error) from error
        try:
            patiently(self._connection, self._begin)
        except BaseException as error:
            if self._connection.in_transaction:  # an interrupt came just after
                self._connection.execute("ROLLBACK")
            store._pool.give(self._connection)
            if isinstance(error, sqlite3.Error):
                raise explanation(store._path, error) from error
            raise
        self._work = SqliteWork(self._connection)
        return self._work

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, store = self._connection, self._store
        try:
            if error is None:
                connection.execute(self._end)
        except sqlite3.Error as failure:
            error = failure
        finally:
            if connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            store._pool.give(connection)
        if isinstance(error, sqlite3.Error):
            raise explanation(store._path, error) from error
        if isinstance(error, OverflowError | UnicodeEncodeError):
            raise UsageError(f"a value cannot be kept: {error}") from error
        if error is None and self._work.new_lanes:
            store._lane_ids |= self._work.new_lanes


class _Watcher:
    """A connection that sees whether the file has changed: SQLite counts the transactions of others for each."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._seen = self._version()
        self._is_new = True
        self.log = LogWatch(path)

    def has_changed(self) -> bool:
        """Whether there was a transaction since this was last asked; the first time nobody knows, so there was."""
        self.log.take_in()
        version = self._version()
        changed = self._is_new or version != self._seen
        self._is_new, self._seen = False, version
        if changed:
            self.log.calm()
        return changed

    def _version(self) -> int:
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def close(self) -> None:
        """Close the connection."""
        self.log.close()
        self._connection.close()
