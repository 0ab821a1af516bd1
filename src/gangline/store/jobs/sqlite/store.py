"""The store of a queue in an SQLite file."""

from __future__ import annotations

import contextlib
import os
import select
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
        self._watcher = _Watcher(self._connect)
        _make_folder(os.path.dirname(self._path))
        with explained(self._path), self._pool.connection() as connection:
            migrate(connection, self._path)
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
        with explained(self._path):
            return self._watcher.wait(timeout_s)

    def wake(self) -> None:
        """See `JobStore.wake`."""
        self._watcher.wake()

    def close(self) -> None:
        """See `JobStore.close`."""
        self._watcher.close()
        self._pool.close()

    def reopen(self) -> None:
        """See `JobStore.reopen`."""
        self._pool.forget()
        self._watcher = _Watcher(self._connect)

    def _words(self, name: str) -> str:
        return STATEMENTS[name]

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Work]:
        with explained(self._path), self._pool.connection() as connection:
            patiently(connection, "BEGIN")
            try:
                yield SqliteWork(connection)
            finally:
                connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Work]:
        with explained(self._path), self._pool.connection() as connection:
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

    def _connect(self) -> sqlite3.Connection:
        return connect(self._path, full=self._full)


class _Watcher:
    """Sees that a file has changed: SQLite counts the transactions of others for each connection."""

    def __init__(self, connect: Any) -> None:
        self._pool: Pool[sqlite3.Connection] = Pool(connect)
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._seen: dict[int, int] = {}

    def wait(self, timeout_s: float) -> bool:
        """Sleep until there was a change, or somebody calls `wake`; False when the time was over first."""
        until = time.monotonic() + timeout_s
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        with self._pool.connection() as connection:
            while True:
                (version,) = connection.execute("PRAGMA data_version").fetchone()
                if self._seen.get(id(connection)) != version:
                    self._seen[id(connection)] = version
                    return True
                left = until - time.monotonic()
                if left <= 0:
                    return False
                if poll.poll(min(left, _LOOK_EVERY_S) * 1000):
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._reader, 4096)
                    return True

    def wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._writer, b"\0")

    def close(self) -> None:
        self._pool.close()
        for fd in (self._reader, self._writer):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._reader = self._writer = -1


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} for the queue cannot be made: {error.strerror}") from error
