"""The file in which pipelines of recipes note what they have done: `.gangline/recipes.db` in the runtime folder.

Every entry is written in a transaction of its own. A file that is damaged is moved aside and said to be; a single entry
that is damaged counts as not there. Nothing here fails a run: without its file a pipeline runs everything.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Mapping
from typing import Any

from gangline.recipes.fingerprints import digest
from gangline.store.queries import load_queries

__all__ = ["FILE", "Entry", "State"]

FILE = "recipes.db"
Entry = dict[str, Any]

_QUERIES = load_queries("gangline.recipes", "state.sql")
_APPLICATION_ID = 0x474C5253
_VERSION = 1
_BUSY_S = 30.0
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

logger = logging.getLogger("gangline.recipes")


class State:
    """What is known of earlier runs. May be used from any thread.

    Args:
        folder: Where the file is; it is made.

    Attributes:
        path: The file.
    """

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(os.path.abspath(folder), FILE)
        self._lock = threading.Lock()
        self._connection = self._open()

    def tasks(self, pipeline: str) -> dict[str, Entry]:
        """The entries of a pipeline's tasks, by name."""
        return self._read("list_tasks", (pipeline,))

    def jobs(self, pipeline: str, task: str) -> dict[str, Entry]:
        """The entries of a task's jobs, by what they are."""
        return self._read("list_jobs", (pipeline, task))

    def put_task(self, pipeline: str, task: str, entry: Entry) -> None:
        """Note how a task has ended."""
        self._write("put_task", (pipeline, task), entry)

    def put_job(self, pipeline: str, task: str, job: str, entry: Entry) -> None:
        """Note that a job has been done."""
        self._write("put_job", (pipeline, task, job), entry)

    def forget_task(self, pipeline: str, task: str) -> None:
        """What a task and its jobs have done counts no longer."""
        self._execute("drop_task", (pipeline, task))
        self.forget_jobs(pipeline, task)

    def forget_jobs(self, pipeline: str, task: str) -> None:
        """What a task's jobs have done counts no longer."""
        self._execute("drop_jobs", (pipeline, task))

    def forget_job(self, pipeline: str, task: str, job: str) -> None:
        """What a job has done counts no longer."""
        self._execute("drop_job", (pipeline, task, job))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # The file -----------------------------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection | None:
        for _ in range(2):
            try:
                return self._connect()
            except sqlite3.Error as error:
                if (getattr(error, "sqlite_errorcode", 0) & 0xFF) not in _DAMAGED or not self._move_aside(error):
                    logger.warning(
                        "what has been done cannot be noted in %s, so that all tasks run: %s", self.path, error
                    )
                    return None
            except OSError as error:
                logger.warning("what has been done cannot be noted in %s, so that all tasks run: %s", self.path, error)
                return None
        return None

    def _connect(self) -> sqlite3.Connection:
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if (tables and application != _APPLICATION_ID) or version > _VERSION:
                raise OSError("it is of another program, or of a newer Gangline; move it away")
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                error = sqlite3.DatabaseError(said)
                error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                raise error
            connection.execute("PRAGMA journal_mode = WAL").close()
            # The last moments before a power failure may be lost, so that jobs run once more; the form never is.
            connection.execute("PRAGMA synchronous = NORMAL")
            if not tables:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(_QUERIES["create_tasks"])
                connection.execute(_QUERIES["create_jobs"])
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_VERSION}")
                connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _move_aside(self, error: Exception) -> bool:
        aside = f"{self.path}.damaged-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"
        try:
            os.replace(self.path, aside)
            for suffix in ("-journal", "-wal", "-shm"):
                if os.path.exists(self.path + suffix):
                    os.replace(self.path + suffix, aside + suffix)
        except OSError as trouble:
            logger.warning("%s is damaged and cannot be moved aside: %s", self.path, trouble)
            return False
        logger.warning(
            "%s is damaged (%s): what earlier runs have done is not known, so that all tasks run. It was moved to %s",
            self.path, error, aside,
        )  # fmt: skip
        return True

    def _give_up(self, error: sqlite3.Error) -> None:
        """The file has become unusable meanwhile."""
        if self._connection is None:
            return
        self._connection.close()
        self._connection = None
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED and self._move_aside(error):
            return
        logger.warning("what is done from now on cannot be noted in %s: %s", self.path, error)

    def _read(self, query: str, key: tuple[str, ...]) -> dict[str, Entry]:
        with self._lock:
            if self._connection is None:
                return {}
            try:
                rows = self._connection.execute(_QUERIES[query], key).fetchall()
            except sqlite3.Error as error:
                self._give_up(error)
                return {}
        found: dict[str, Entry] = {}
        for name, text, said in rows:
            entry = _parse(text, said)
            if entry is None:
                logger.warning("the entry of %s in %s is damaged: it counts as not done", name, self.path)
            else:
                found[name] = entry
        return found

    def _write(self, query: str, key: tuple[str, ...], entry: Mapping[str, Any]) -> None:
        text = json.dumps(entry)
        self._execute(query, (*key, text, digest(text)))

    def _execute(self, query: str, values: tuple[str, ...]) -> None:
        with self._lock:
            if self._connection is None:
                return
            try:
                self._connection.execute(_QUERIES[query], values)
            except sqlite3.Error as error:
                self._give_up(error)


def _parse(text: Any, said: Any) -> Entry | None:
    if not isinstance(text, str) or digest(text) != said:
        return None
    try:
        entry = json.loads(text)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
