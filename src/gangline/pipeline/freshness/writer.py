"""Writes a history in batches, on a thread of its own.

Whatever comes together within a moment, or while one batch is being written, is the next batch: thousands of entries
cost few writes, which would keep the disk from the files that the jobs are making. Whoever waits for an entry does not
wait for the moment to pass. Entries are written in the order in which they were added.

What jobs that run in this process do meanwhile is held up by each statement, which gives the interpreter away and wants
it back. So those that come by the thousand take many rows at once.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from gangline.errors import StoreError
from gangline.pipeline.freshness.database import QUERIES, explained

__all__ = ["Change", "Writer"]

Change = tuple[str, Sequence[Any]]
"""The name of a statement and its parameters."""

_GATHER_S = 0.05
"""How long finishes may come together: what a run that is killed then has to repeat, besides what it was doing."""

_ROWS_MAX = 100
"""How many rows one statement takes; SQLite may allow no more than 999 values in one."""

_INDEPENDENT = frozenset({"end_output", "write_output"})
"""Statements about different tables, of which no one reads what the other has changed: they may change places."""


class Writer:
    """Brings changes to the disk.

    Args:
        connection: Used by nobody else meanwhile.
        path: The history's file, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._waiting: list[Change] = []
        self._added = 0
        self._written = 0
        self._closing = False
        self._waited_for = 0
        self._error: StoreError | None = None
        self._thread: threading.Thread | None = None

    def add(self, changes: Sequence[Change]) -> int:
        """Take changes to be written soon; returns a number for `wait`.

        Raises:
            StoreError: An earlier batch could not be written.
        """
        with self._lock:
            if self._error is not None:
                raise self._error
            self._waiting += changes
            self._added += len(changes)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gangline-history", daemon=True)
                self._thread.start()
            if len(self._waiting) == len(changes):  # else the thread knows that there is something
                self._changed.notify_all()
            return self._added

    def wait(self, number: int | None = None) -> None:
        """Return when everything added so far, or up to that number, is on the disk.

        Raises:
            StoreError: It could not be written.
        """
        with self._changed:
            target = self._added if number is None else number
            self._waited_for = max(self._waited_for, target)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._written >= target or self._error is not None)
            if self._error is not None:
                raise self._error

    def close(self) -> None:
        """Write what is left, and end.

        Raises:
            StoreError: It could not be written.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while batch := self._next():
            try:
                with explained(self._path):
                    self._write(batch)
            except Exception as exc:  # whatever it is: others wait for this thread
                with self._changed:
                    self._error = exc if isinstance(exc, StoreError) else _unwritable(self._path, exc)
                    self._changed.notify_all()
                return
            with self._changed:
                self._written += len(batch)
                self._changed.notify_all()

    def _next(self) -> list[Change]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            self._changed.wait_for(lambda: self._closing or self._waited_for > self._written, _GATHER_S)
            batch, self._waiting = self._waiting, []
            return batch

    def _write(self, batch: list[Change]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in _grouped(batch):
                if "{rows}" in QUERIES[statement]:
                    self._write_many(QUERIES[statement], rows)
                else:
                    connection.executemany(QUERIES[statement], rows).close()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _write_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        row = f"({', '.join('?' * len(rows[0]))})"
        for start in range(0, len(rows), _ROWS_MAX):
            part = rows[start : start + _ROWS_MAX]
            many = statement.replace("{rows}", ", ".join([row] * len(part)))
            self._connection.execute(many, list(chain.from_iterable(part))).close()


def _grouped(batch: Sequence[Change]) -> Iterator[tuple[str, list[Sequence[Any]]]]:
    """The changes of a batch in their order, those that may be made at once together: that costs half as much."""
    groups: dict[str, list[Sequence[Any]]] = {}
    for statement, parameters in batch:
        if groups and statement not in groups and not _INDEPENDENT.issuperset((statement, *groups)):
            yield from groups.items()
            groups = {}
        groups.setdefault(statement, []).append(parameters)
    yield from groups.items()


def _unwritable(path: str, error: Exception) -> StoreError:
    stored = StoreError(f"the history {path} cannot be written: {type(error).__name__}: {error}")
    stored.__cause__ = error
    return stored
