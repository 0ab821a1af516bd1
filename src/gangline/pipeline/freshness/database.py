"""The history's file: opening it, and saying in words what is wrong with it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import warnings
from collections.abc import Iterator

from gangline.errors import StoreError
from gangline.pipeline.freshness.value import decode
from gangline.store.queries import load_queries

__all__ = ["BUSY_S", "PATH_FORMAT", "QUERIES", "connect", "explained", "prepare"]

PATH_FORMAT = "history_relative_v1"
QUERIES = load_queries("gangline.pipeline.freshness", "history.sql")
BUSY_S = 60.0
"""How long a statement waits for another program's. Those are short: nobody holds a transaction while it works."""

_REBUILD = (
    "Move it away, or name another one with history_file=... or --history; `touch_files_only` then rebuilds a history "
    "of what exists without running anything"
)
_LEGACY = (
    "Ruffus history used working-directory-relative paths. Existing records were preserved in the "
    "ruffus_legacy_history table; tasks will be checkpointed again using paths relative to the history database "
    "directory."
)


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Turns what SQLite raises into a StoreError that names the file and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explain(path, error) from error


def _explain(path: str, error: sqlite3.Error) -> StoreError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    where = f"the history {path}"
    if primary == sqlite3.SQLITE_FULL:
        return StoreError(
            f"{where} cannot be written: the disk is full. Make room and run again; what had been written is kept"
        )
    if primary == sqlite3.SQLITE_NOTADB:
        return StoreError(f"{where} is no history: it is not an SQLite file. {_REBUILD}")
    if primary == sqlite3.SQLITE_CORRUPT:
        return StoreError(f"{where} is damaged ({error}). {_REBUILD}")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StoreError(f"{where} cannot be written: the file or its folder is read-only. {_ELSEWHERE}")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StoreError(f"{where} cannot be opened: {_why_not_open(path)}. {_ELSEWHERE}")
    if primary == sqlite3.SQLITE_BUSY:
        return StoreError(f"{where} has been in use by another program for {BUSY_S:g} s. Run again when that has ended")
    return StoreError(f"{where} cannot be used: {error}")


_ELSEWHERE = "Name a place that can be written with history_file=... or --history (`:memory:` keeps nothing)"


def _why_not_open(path: str) -> str:
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    if os.path.isdir(path):
        return "it is a folder"
    if not os.access(folder, os.W_OK) and not os.path.exists(path):
        return f"the folder {folder} is read-only"
    return "it may not be read" if not os.access(path, os.R_OK) else "too many files are open, or the disk fails"


def connect(path: str, *, writing: bool) -> sqlite3.Connection:
    """A connection for any thread, without transactions of its own.

    Args:
        path: The file, absolute, or `:memory:`.
        writing: Whether it may be made and changed; without, it must exist.

    Raises:
        sqlite3.Error: The file cannot be opened.
    """
    if path == ":memory:":
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    # A reader may have to undo what a run that was killed had not finished writing, so it asks for more than "ro".
    mode = "rwc" if writing else "rw"
    return sqlite3.connect(
        f"file:{quoted}?mode={mode}", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )


def prepare(connection: sqlite3.Connection, path: str) -> None:
    """See that the file is a history, and that it has all tables.

    Raises:
        StoreError: It is somebody else's file, or of a format that is not known.
        sqlite3.Error: It cannot be read or written.
    """
    tables = check_owner(connection, path)
    # The journal stays and is emptied: two operations on the folder less per batch than deleting it.
    connection.execute("PRAGMA journal_mode = TRUNCATE").close()
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in (
            "create_data",
            "create_metadata",
            "create_begun",
            "create_made",
            "create_inputs",
            "create_digests",
        ):
            connection.execute(QUERIES[statement])
        if connection.execute(QUERIES["get_path_format"]).fetchone() is None:
            if "data" in tables and connection.execute(QUERIES["list_data"]).fetchone() is not None:
                connection.execute(QUERIES["keep_legacy"])
                connection.execute(QUERIES["clear_data"])
                warnings.warn(_LEGACY, UserWarning, stacklevel=2)
            connection.execute(QUERIES["set_path_format"], (PATH_FORMAT,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def check_owner(connection: sqlite3.Connection, path: str) -> set[str]:
    """The tables of the file, after a look at whether it is a history at all.

    Raises:
        StoreError: It is somebody else's file, or of a format that is not known.
    """
    tables = {name for (name,) in connection.execute(QUERIES["list_tables"])}
    if tables and "data" not in tables:
        raise StoreError(
            f"{path} is no history but another program's database ({', '.join(sorted(tables))}). {_REBUILD}"
        )
    if "ruffus_metadata" in tables:
        row = connection.execute(QUERIES["get_path_format"]).fetchone()
        if row is not None and row[0] != PATH_FORMAT:
            raise StoreError(f"Unsupported Ruffus history path format: {row[0]} in {path}. {_REBUILD}")
    elif "data" in tables:
        _check_first_value(connection, path)
    return tables


def _check_first_value(connection: sqlite3.Connection, path: str) -> None:
    """A history from before formats were noted looks like any dictionary; its first entry tells it from others."""
    try:
        row = connection.execute(QUERIES["list_data"]).fetchone()
        if row is not None:
            decode(row[1])
    except (sqlite3.OperationalError, StoreError) as error:
        raise StoreError(f"{path} is no history but somebody's dictionary: {error}. {_REBUILD}") from error
