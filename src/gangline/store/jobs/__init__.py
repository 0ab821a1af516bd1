"""The queue of durable jobs in a database: SQLite for one host, PostgreSQL for many."""

from __future__ import annotations

import os
from urllib.parse import parse_qs, unquote, urlsplit

from gangline.errors import MissingExtra, UsageError
from gangline.store.jobs.port import JobStore

__all__ = ["open_store"]

DEFAULT = os.path.join(".gangline", "queue.db")


def open_store(url: str = "") -> JobStore:
    """The queue that a URL names.

    Args:
        url: `sqlite:///relative/file.db`, `sqlite:////absolute/file.db` or just the file's name, with
            `?synchronous=full` behind it when not even a power cut may lose a job; or
            `postgresql://user:password@host:port/database`, with `?schema=name` for one of several queues in that
            database. Nothing stands for a file in the folder `.gangline`.

    Raises:
        UsageError: It is no such URL.
        MissingExtra: PostgreSQL needs the extra `postgres`.
        StoreError: The queue cannot be opened; says what to do.
    """
    scheme, colon, _ = url.partition("://")
    if colon and scheme in ("postgresql", "postgres"):
        return _postgres(url)
    if colon and scheme != "sqlite":
        raise UsageError(f"a queue is in sqlite:///FILE or postgresql://…, not {scheme}://…")
    if not colon:
        return _sqlite(url or DEFAULT)
    parts = urlsplit(url)
    if parts.netloc or not parts.path.startswith("/") or not parts.path[1:]:
        raise UsageError(f"a queue in a file is written sqlite:///FILE or sqlite:////ABSOLUTE/FILE, not {url}")
    options = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    synchronous = options.pop("synchronous", "normal")
    if options or synchronous not in ("normal", "full"):
        raise UsageError(f"a queue in a file takes ?synchronous=full or normal, nothing else: {url}")
    return _sqlite(unquote(parts.path[1:]), full=synchronous == "full")


def _sqlite(path: str, *, full: bool = False) -> JobStore:
    from gangline.store.jobs.sqlite.store import SqliteStore

    store: JobStore = SqliteStore(path, full=full)
    return store


def _postgres(url: str) -> JobStore:
    try:
        from gangline.store.jobs.postgres.store import PostgresStore
    except ImportError as error:
        raise MissingExtra("a queue in PostgreSQL needs psycopg: pip install 'gangline[postgres]'") from error
    store: JobStore = PostgresStore(url)
    return store
