"""Reads the record, while runs write it or long after."""

from __future__ import annotations

import json
import os
import sqlite3
from types import TracebackType
from typing import Any, Self

from gangline.errors import StoreError, UsageError
from gangline.store.alive import is_alive
from gangline.store.database import FILE, QUERIES, connect, explained, lock_path, migrate
from gangline.store.rows import AttemptRow, RunRow, StageRow, TaskRow

__all__ = ["Record"]


class Record:
    """The runs of a folder. Use `Record.open`, as a context manager."""

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    @classmethod
    def open(cls, folder: str = ".gangline") -> Self:
        """The record in a folder.

        Raises:
            StoreError: There is none, or it cannot be read.
        """
        path = os.path.join(os.path.abspath(folder), FILE)
        if not os.path.exists(path):
            raise StoreError(f"there is no record of runs in {os.path.dirname(path)}: nothing was run here yet")
        with explained(path):
            return cls(path, _open_up_to_date(path))

    def runs(self, limit: int = 20) -> list[RunRow]:
        """The latest runs, newest first."""
        return [self._run_row(row) for row in self._fetch("list_runs", (limit,))]

    def last_run(self) -> RunRow:
        """The run that was started last.

        Raises:
            StoreError: There is none.
        """
        runs = self.runs(1)
        if not runs:
            raise StoreError(f"there is no run in {self._path}")
        return runs[0]

    def run(self, run_id: str) -> RunRow:
        """One run, by its id or the start of it.

        Raises:
            UsageError: No run begins like that, or several do.
        """
        rows = self._fetch("find_runs", (run_id,))
        if len(rows) != 1:
            found = f"{len(rows)} runs in {self._path} begin" if rows else f"no run in {self._path} begins"
            raise UsageError(f"{found} with {run_id!r}")
        return self._run_row(rows[0])

    def stages(self, run_id: str) -> list[StageRow]:
        """The stages of a run in the order in which they began."""
        return [StageRow(*row) for row in self._fetch("list_stages", (run_id,))]

    def tasks(self, run_id: str, *, outcome: str | None = None, stage: str | None = None) -> list[TaskRow]:
        """The tasks of a run in the order in which they were added.

        Args:
            run_id: The run.
            outcome: Only those that ended so.
            stage: Only those of this stage.
        """
        return list(map(_task_row, self._fetch("list_tasks", {"run": run_id, "outcome": outcome, "stage": stage})))

    def task(self, run_id: str, number: int) -> TaskRow:
        """One task.

        Raises:
            UsageError: There is no such task.
        """
        rows = self._fetch("get_task", (run_id, number))
        if not rows:
            raise UsageError(f"run {run_id} has no task {number}")
        return _task_row(rows[0])

    def counts(self, run_id: str) -> dict[str, dict[str, int]]:
        """How many tasks of each stage are how far.

        Returns:
            By stage the numbers of those that are "ok", "failed", "cancelled", "held", "running" and "waiting"; states
            in which there are none are left out.
        """
        found: dict[str, dict[str, int]] = {}
        for stage, state, number in self._fetch("count_tasks", (run_id,)):
            found.setdefault(stage, {})[state] = number
        return found

    def ended_tasks(self, run_id: str, since: float) -> list[TaskRow]:
        """The tasks that were decided at a moment or later, in seconds since the epoch, in that order."""
        return list(map(_task_row, self._fetch("list_ended_tasks", (run_id, since))))

    def find_tasks(self, run_id: str, text: str) -> list[TaskRow]:
        """The tasks of a stage, that make a file, or whose job has this text in it."""
        return list(map(_task_row, self._fetch("find_tasks", {"run": run_id, "text": text})))

    def attempts(self, run_id: str, task: int) -> list[AttemptRow]:
        """The attempts of a task, first to last."""
        return [AttemptRow(*row) for row in self._fetch("list_attempts", (run_id, task))]

    def failures(self, run_id: str) -> list[tuple[TaskRow, AttemptRow | None]]:
        """The tasks of a run that failed, each with its last attempt."""
        found = []
        for task in self.tasks(run_id, outcome="failed"):
            attempts = self.attempts(run_id, task.number)
            found.append((task, attempts[-1] if attempts else None))
        return found

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fetch(self, query: str, parameters: Any) -> list[tuple[Any, ...]]:
        with explained(self._path):
            return self._connection.execute(QUERIES[query], parameters).fetchall()

    def _run_row(self, row: tuple[Any, ...]) -> RunRow:
        outcome = row[11]
        if outcome is None:
            if is_alive(lock_path(self._path, row[0])):
                outcome = "running"
            else:  # it may have ended since the row was read
                row = next(iter(self._fetch("find_runs", (row[0],))), row)
                outcome = row[11] or "lost"
        return RunRow(*row)._replace(argv=json.loads(row[2]), options=json.loads(row[6]), outcome=outcome)


def _open_up_to_date(path: str) -> sqlite3.Connection:
    connection = connect(path, writing=False)
    try:
        migrate(connection, path)
    except sqlite3.OperationalError:
        # Where the folder may not be written, nothing can be laid beside the file; then nobody is writing it, either.
        connection.close()
        if os.access(os.path.dirname(path), os.W_OK) or os.path.exists(f"{path}-wal"):
            raise
        connection = connect(path, writing=False, resting=True)
        migrate(connection, path)
    return connection


def _task_row(row: tuple[Any, ...]) -> TaskRow:
    task = TaskRow(*row)
    return task._replace(inputs=json.loads(row[4]), outputs=json.loads(row[5]))
