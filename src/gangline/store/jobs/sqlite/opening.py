"""The file of a queue: opening it, bringing its schema up to date, and saying in words what is wrong with it."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence

from gangline.errors import StoreError, StoreUnavailable
from gangline.store.queries import load_text

__all__ = ["MIGRATIONS", "PATIENCE_S", "connect", "explained", "migrate", "patiently", "warn_of_network"]

PACKAGE = "gangline.store.jobs"
MIGRATIONS = ("sqlite/migrations/0001_jobs.sql",)
"""Applied in this order; a file's `user_version` says how many it has had."""
PATIENCE_S = 60.0
"""So long one waits for a file that others hold."""

_APPLICATION_ID = 0x474C5131
_PAUSE_S = 0.0004
_LONGEST_PAUSE_S = 0.02
_NETWORKS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "lustre", "beegfs", "ceph", "afs"}
)
_log = logging.getLogger("gangline.queue")

_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full; make room",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite file; move it away, or name another one",
    sqlite3.SQLITE_CORRUPT: "it is damaged; save what `sqlite3 FILE .recover` reads of it, and move it away",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be made or opened; see whether its folder may be entered and written",
    sqlite3.SQLITE_BUSY: f"another program has held it for {PATIENCE_S:g} s",
    sqlite3.SQLITE_LOCKED: f"another program has held it for {PATIENCE_S:g} s",
    sqlite3.SQLITE_IOERR: "the disk does not read or write",
    sqlite3.SQLITE_TOOBIG: "a value is larger than an SQLite file holds (1 GB)",
}
_PASSING = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR})


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Turns what SQLite raises into a StoreError that names the file and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise explanation(path, error) from error


def explanation(path: str, error: sqlite3.Error) -> StoreError:
    """What an error of SQLite means."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    kind = StoreUnavailable if code in _PASSING else StoreError
    return kind(f"the queue {path} cannot be used: {_ADVICE.get(code, str(error))}")


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else holds the file just now."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Run a statement that takes a lock.

    SQLite's own way of waiting sleeps for up to a tenth of a second, in which others come and go many times.

    Raises:
        sqlite3.OperationalError: The lock was not to be had for `PATIENCE_S`.
    """
    started = pause = 0.0
    while True:
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            now = time.monotonic()
            started = started or now
            if now - started > PATIENCE_S:
                raise
        pause = min(max(pause * 1.3, _PAUSE_S), _LONGEST_PAUSE_S)
        time.sleep(pause)


def connect(path: str, *, full: bool = False) -> sqlite3.Connection:
    """A connection for any thread, without transactions of its own.

    Args:
        path: The file, absolute; it is made when it does not exist.
        full: A power cut loses nothing that was done; each transaction waits for the disk.

    Raises:
        sqlite3.Error: The file cannot be opened.
    """
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(
        f"file:{quoted}?mode=rwc",
        uri=True,
        timeout=0.0,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        # The first statement touches the file, and whoever closes it at that moment holds it for an instant.
        patiently(connection, f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    except BaseException:
        connection.close()
        raise
    return connection


def migrate(connection: sqlite3.Connection, path: str, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring the schema up to date; of a file that has one already a copy is kept beside it.

    Raises:
        StoreError: The file is another program's, or of a newer Gangline.
        sqlite3.Error: It cannot be read or written.
    """
    patiently(connection, "SELECT 1 FROM sqlite_master LIMIT 1")
    version = _version(connection, path, len(migrations))
    if version == len(migrations):
        return
    patiently(connection, "PRAGMA journal_mode = WAL")
    if version:
        _keep_copy(connection, path, version)
    patiently(connection, "BEGIN IMMEDIATE")
    try:
        # Somebody else may have done it while this one waited.
        for number in range(_version(connection, path, len(migrations)), len(migrations)):
            for statement in load_text(PACKAGE, migrations[number]).split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: str, known: int) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != _APPLICATION_ID:
        raise StoreError(f"{path} is no queue of Gangline but another program's database; name another file")
    if version > known:
        raise StoreError(
            f"the queue {path} has a schema of version {version}, and this Gangline knows versions up to {known}; "
            "use the newer Gangline that wrote it"
        )
    return int(version)


def _keep_copy(connection: sqlite3.Connection, path: str, version: int) -> None:
    copy = f"{path}.v{version}-backup"
    if os.path.exists(copy):
        return
    target = sqlite3.connect(f"{copy}.part")
    try:
        connection.backup(target)
    finally:
        target.close()
    os.replace(f"{copy}.part", copy)
    _log.warning(
        "the queue %s had a schema of version %d; it was brought up to date, a copy is %s", path, version, copy
    )


def warn_of_network(path: str, mounts: str = "/proc/self/mounts") -> str | None:
    """Say that a file lies on a network file system, where SQLite's locks cannot be relied on; returns its kind."""
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as lines:
            places = [
                (fields[1].replace("\\040", " "), fields[2]) for fields in map(str.split, lines) if len(fields) > 2
            ]
    except OSError:
        return None
    inside = [
        (len(place), kind) for place, kind in places if os.path.join(path, "").startswith(os.path.join(place, ""))
    ]
    kind = max(inside, default=(0, ""))[1]
    if kind not in _NETWORKS:
        return None
    _log.warning(
        "the queue %s lies on a network file system (%s), where the locks of SQLite cannot be relied on: "
        "use it from one host only, or use PostgreSQL", path, kind,
    )  # fmt: skip
    return kind
