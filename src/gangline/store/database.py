"""The record's file: opening it, bringing its schema up to date, and saying in words what is wrong with it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator

from gangline.errors import StoreError
from gangline.store.queries import load_queries, load_text

__all__ = ["FILE", "MIGRATIONS", "QUERIES", "connect", "explained", "migrate"]

PACKAGE = "gangline.store"
QUERIES = load_queries(PACKAGE, "record.sql")
MIGRATIONS = ("migrations/0001_runs.sql",)
"""Applied in this order; a file's `user_version` says how many it has had."""
FILE = "record.db"

_BUSY_S = 60.0
_APPLICATION_ID = 0x474C5231


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Turns what SQLite raises into a StoreError that names the file and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        advice = _ADVICE.get(code, str(error))
        raise StoreError(f"the record {path} cannot be used: {advice}") from error


_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full; make room",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite file; move it away, and the next run starts a new one",
    sqlite3.SQLITE_CORRUPT: "it is damaged; move it away, and the next run starts a new one",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only",
    sqlite3.SQLITE_CANTOPEN: "it does not exist, or its folder may not be entered",
    sqlite3.SQLITE_BUSY: f"another program has held it for {_BUSY_S:g} s",
}


def connect(path: str, *, writing: bool, resting: bool = False) -> sqlite3.Connection:
    """A connection for any thread, without transactions of its own.

    Args:
        path: The file, absolute.
        writing: Whether it is made when it does not exist.
        resting: Nobody changes it meanwhile; for files in a folder that may only be read.

    Raises:
        sqlite3.Error: The file cannot be opened.
    """
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(
        f"file:{quoted}?{'mode=ro&immutable=1' if resting else 'mode=rwc' if writing else 'mode=rw'}",
        uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False,
    )  # fmt: skip
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the schema up to date.

    Raises:
        StoreError: The file is another program's, or of a newer Gangline.
        sqlite3.Error: It cannot be read or written.
    """
    if _version(connection, path) == len(MIGRATIONS):
        return
    connection.execute("PRAGMA journal_mode = WAL").close()
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Somebody else may have done it while this one waited.
        for number in range(_version(connection, path), len(MIGRATIONS)):
            for statement in load_text(PACKAGE, MIGRATIONS[number]).split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, path: str) -> int:
    # In one statement: another run may be making the tables at this moment.
    version, application, tables = connection.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) "
        "FROM pragma_user_version, pragma_application_id"
    ).fetchone()
    if tables and application != _APPLICATION_ID:
        raise StoreError(f"{path} is no record of Gangline but another program's database; move it away")
    if version > len(MIGRATIONS):
        raise StoreError(f"the record {path} was written by a newer Gangline; use that one, or move the file away")
    return int(version)


def lock_path(path: str, run_id: str) -> str:
    """The file that a run holds locked while it lives."""
    return os.path.join(os.path.dirname(path), "runs", f"{run_id}.lock")
