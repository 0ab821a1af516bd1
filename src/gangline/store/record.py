"""Writes the record of one run.

The run never waits for its record, and never fails over it: rows are handed to a thread that writes them in batches,
and when they cannot be written, the run goes on without, and `trouble` says why.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from itertools import count
from types import TracebackType
from typing import Any, Self

from gangline.errors import StoreError
from gangline.store.alive import Sign
from gangline.store.database import FILE, QUERIES, connect, explained, lock_path, migrate

__all__ = ["RunRecord"]

_RUNS_KEPT = 1000
_TEXT_KEPT = 256 * 1024
_PAUSE_S = 0.02
"""Between batches: long enough for rows to come together, too short for a reader to miss them."""


class RunRecord:
    """The record of one run. Use `RunRecord.start`; every method may be called from any thread.

    Attributes:
        run_id: 32 hexadecimal digits.
        trouble: Why nothing more is written, if that is so.
    """

    def __init__(self, path: str) -> None:
        self.run_id = uuid.uuid4().hex
        self.trouble: str | None = None
        self._path = path
        self._numbers = count(1)
        self._changed = threading.Condition()
        self._waiting: list[tuple[str, Sequence[Any] | Mapping[str, Any]]] = []
        self._ended = False
        self._sign: Sign | None = None
        self._thread = threading.Thread(target=self._run, name="gangline-record", daemon=True)

    @classmethod
    def start(
        cls,
        folder: str = ".gangline",
        *,
        program: str,
        argv: Sequence[str] = (),
        backend: str = "",
        engines: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Self:
        """The record of a run that starts now.

        Args:
            folder: Where records are kept.
            program: The file that is run.
            argv: Its command line.
            backend: What provides engines.
            engines: How many, where that is known.
            options: What else was asked for; what JSON does not know is kept as its text.
        """
        record = cls(os.path.join(os.path.abspath(folder), FILE))
        try:
            record._sign = Sign(lock_path(record._path, record.run_id))
        except OSError as error:
            record.trouble = f"the record {record._path} cannot be written: {error.strerror} ({error.filename})"
            return record
        row = {
            "id": record.run_id, "program": program, "argv": _json(list(argv)), "folder": os.getcwd(),
            "backend": backend, "engines": engines, "options": _json(dict(options or {})),
            "host": socket.gethostname(), "pid": os.getpid(),
            "started_at": time.time(),
        }  # fmt: skip
        record._add("add_run", row)
        record._thread.start()
        return record

    def stage_started(self, name: str, *, total: int, fresh: int) -> None:
        """A stage has begun, with that many jobs, so many of them up to date."""
        self._add("add_stage", (self.run_id, name, total, fresh, time.time()))

    def stage_counted(self, name: str, *, fresh: int) -> None:
        """So many of a stage's jobs are known to be up to date by now."""
        self._add("count_stage", (fresh, self.run_id, name))

    def stage_grew(self, name: str, more: int) -> None:
        """A stage has so many more jobs than were known."""
        self._add("grow_stage", (more, self.run_id, name))

    def stage_ended(self, name: str, outcome: str) -> None:
        """A stage is over: "ok", "failed", "skipped" or "inactive"."""
        self._add("end_stage", (time.time(), outcome, self.run_id, name))

    def task_added(
        self, stage: str, job: str, *, inputs: Sequence[str] = (), outputs: Sequence[str] = (), reason: str = "",
        waits_for: str = "",
    ) -> int:  # fmt: skip
        """A job has something to do; returns the task's number in this run.

        Args:
            stage: The stage's name.
            job: The job as printouts show it.
            inputs: Its input files.
            outputs: Its output files.
            reason: Why it has to run.
            waits_for: What it waits for, where that is known.
        """
        number = next(self._numbers)
        row = (
            self.run_id, number, stage, job, _json(list(inputs)), _json(list(outputs)), reason, waits_for, time.time()
        )  # fmt: skip
        self._add("add_task", row)
        return number

    def task_started(self, task: int, *, started_at: float) -> None:
        """A task is running."""
        self._add("start_task", (started_at, self.run_id, task))

    def attempt_ended(
        self, task: int, *, number: int, outcome: str, started_at: float | None = None, ended_at: float | None = None,
        engine: int | None = None, host: str = "", pid: int | None = None, error_type: str = "", error: str = "",
        traceback: str = "", exit_code: int | None = None, signal: str = "", command: str = "", stdout: str = "",
        stderr: str = "",
    ) -> None:  # fmt: skip
        """One run of a task is over. Of very long texts the end is kept.

        Args:
            task: The task's number.
            number: Which attempt, from 1.
            outcome: "ok", "error", "lost", "timeout" or "cancelled".
            started_at: When, in seconds since the epoch.
            ended_at: When, in seconds since the epoch.
            engine: The engine's number.
            host: Where.
            pid: The engine's process.
            error_type: The exception's class.
            error: The exception's text.
            traceback: Where it was raised.
            exit_code: Of a command.
            signal: That ended it, by name.
            command: That was run.
            stdout: What it wrote.
            stderr: What it wrote there.
        """
        row = {
            "run": self.run_id, "task": task, "number": number, "outcome": outcome, "started_at": started_at,
            "ended_at": ended_at, "engine": engine, "host": host, "pid": pid, "error_type": error_type,
            "error": _end_of(error), "traceback": _end_of(traceback), "exit_code": exit_code, "signal": signal,
            "command": _end_of(command), "stdout": _end_of(stdout), "stderr": _end_of(stderr),
        }  # fmt: skip
        if started_at is not None:
            self.task_started(task, started_at=started_at)
        self._add("add_attempt", row)

    def task_ended(self, task: int, outcome: str) -> None:
        """A task is decided: "ok", "failed", "cancelled" or "held" (back by a failure before it)."""
        self._add("end_task", (time.time(), outcome, self.run_id, task))

    def end(self, outcome: str, message: str = "") -> None:
        """The run is over: "ok", "failed" or "interrupted". Returns when everything is on the disk.

        Tasks that are not decided are cancelled: an interrupt may have come before their end was told.
        """
        self._add("end_tasks_left", (time.time(), self.run_id))
        self._add("end_run", (time.time(), outcome, message, self.run_id))
        self._add("prune_runs", (_RUNS_KEPT,))
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._ended:
            self.end("ok" if error is None else "failed", "" if error is None else str(error))

    def _stop(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        if self._sign is not None:
            self._sign.release()
            self._sign = None

    def _add(self, statement: str, row: Sequence[Any] | Mapping[str, Any]) -> None:
        with self._changed:
            if self.trouble is None:
                self._waiting.append((statement, row))
                if len(self._waiting) == 1:
                    self._changed.notify_all()

    def _run(self) -> None:
        try:
            with explained(self._path):
                connection = connect(self._path, writing=True)
                try:
                    migrate(connection, self._path)
                    # The record may lose its last moments when the power fails, but never its form.
                    connection.execute("PRAGMA synchronous = NORMAL")
                    while self._write(connection):
                        pass
                finally:
                    connection.close()
        except StoreError as error:
            with self._changed:
                self.trouble = str(error)
                self._waiting.clear()

    def _write(self, connection: sqlite3.Connection) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            self._changed.wait_for(lambda: self._ended, timeout=_PAUSE_S)
            batch, self._waiting = self._waiting, []
        if not batch:
            return False
        connection.execute("BEGIN IMMEDIATE")
        for statement, row in batch:
            try:
                connection.execute(QUERIES[statement], row)
            except UnicodeEncodeError:  # file names, and what programs write, may hold bytes that are no text
                connection.execute(QUERIES[statement], _storable(row))
        connection.execute("COMMIT")
        return True


def _storable(row: Sequence[Any] | Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
    """A row whose texts show what is no text as backslashes and numbers; in JSON it stands so anyway."""
    if isinstance(row, Mapping):
        return {name: _as_text(value) for name, value in row.items()}
    return [_as_text(value) for value in row]


def _as_text(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _json(value: Any) -> str:
    return json.dumps(value, default=str)


def _end_of(text: str) -> str:
    if len(text) <= _TEXT_KEPT:
        return text
    return f"[the first {len(text) - _TEXT_KEPT} characters are left out]\n{text[-_TEXT_KEPT:]}"
