"""A PostgreSQL database: reaching it, making the queue in it, and saying in words what is wrong."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import conninfo, sql

from gangline.errors import JobExists, StoreError, StoreUnavailable, UsageError
from gangline.store.queries import load_text

__all__ = ["EQUAL_JOB", "MIGRATIONS", "OLDEST", "Address", "connect", "explained", "migrate", "parse_url"]

PACKAGE = "gangline.store.jobs"
MIGRATIONS = (("postgres/migrations/0001_jobs.sql", "postgres/migrations/0001_functions.sql"),)
"""Applied in this order; the table `about` says how many a queue has had."""
OLDEST = 13
"""The oldest PostgreSQL that is known to work."""

EQUAL_JOB = "GL001"
"""The SQLSTATE in which our functions say that an equal job is not final."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
_DEFAULTS = {
    "connect_timeout": "10", "application_name": "gangline", "keepalives_idle": "5", "keepalives_interval": "3",
    "keepalives_count": "3", "tcp_user_timeout": "15000",
}  # fmt: skip
"""A network that is cut is noticed before a lease of the usual length is over."""
_PATIENCE_MS = 4000
"""A worker that is frozen, or cut off, in the midst of a transaction must not keep the rows of its jobs locked: the
server ends such a transaction well before a lease of the usual length is over. Our own take milliseconds."""

# What to do, by SQLSTATE or by what the server says before there is one.
_LASTING = (
    ("28P01", "password authentication failed", "the server refuses the user or the password"),
    ("28000", "no pg_hba.conf entry", "the server's pg_hba.conf lets this user not in from here"),
    ("3D000", "does not exist", "there is no such database or role; make it with createdb or createuser"),
    (
        "42501",
        "permission denied",
        "the user may not do that; it must own the queue's schema, or be allowed to create one",
    ),
    (
        "3F000",
        "no schema has been selected",
        "the user may not create the queue's schema; have it created for this user",
    ),
)
_PASSING = (
    (
        "53300",
        "too many clients",
        "the server has no connection left; raise its max_connections or start fewer workers",
    ),
    ("53300", "remaining connection slots", "the server has no connection left; raise its max_connections"),
    ("53100", "No space left", "the server's disk is full; make room"),
    ("57P03", "starting up", "the server is starting up"),
    ("57P03", "shutting down", "the server is shutting down"),
    ("57P01", "terminating connection", "the server has ended the connection"),
    ("25P03", "idle-in-transaction timeout", "this program stood still in the midst of a transaction; it was undone"),
    ("40P01", "deadlock detected", "two transactions stood in each other's way; nothing was done, try again"),
    ("40001", "could not serialize", "two transactions stood in each other's way; nothing was done, try again"),
    ("08001", "Connection refused", "nothing listens there; is the server running?"),
    ("08001", "could not translate host name", "there is no host of that name"),
    ("08001", "timeout expired", "the server does not answer"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a queue is.

    Attributes:
        shown: As it may be shown: without the password.
        conninfo: For libpq.
        schema: The queue's schema in the database.
    """

    shown: str
    conninfo: str
    schema: str


def parse_url(url: str) -> Address:
    """Take a URL apart.

    Raises:
        UsageError: It is none.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = options.pop("schema", "gangline")
    if not _NAME.fullmatch(schema):
        raise UsageError(f"{schema!r:.60} cannot be the schema of a queue: letters, digits and _, at most 41")
    plain = urlunsplit(parts._replace(query=urlencode(options, quote_via=quote)))
    try:
        fields = conninfo.conninfo_to_dict(plain)
    except psycopg.ProgrammingError:  # its text may hold the password
        raise UsageError(
            "the URL of the queue is not understood: postgresql://user:password@host:port/database"
        ) from None
    user, at, place = parts.netloc.rpartition("@")
    shown_options = {name: value for name, value in options.items() if "password" not in name}
    if schema != "gangline":
        shown_options["schema"] = schema
    netloc = f"{user.partition(':')[0]}{at}{place}"
    shown = urlunsplit(parts._replace(netloc=netloc, query=urlencode(shown_options, quote_via=quote), fragment=""))
    return Address(shown, conninfo.make_conninfo("", **{**_DEFAULTS, **fields}), schema)


def connect(address: Address, *, autocommit: bool = False) -> psycopg.Connection[tuple[object, ...]]:
    """A connection that finds the queue's tables.

    Args:
        address: Where the queue is.
        autocommit: Transactions are ours, and short; without it they are the user's, who may take any time.

    Raises:
        psycopg.Error: It cannot be had.
    """
    connection = psycopg.connect(address.conninfo, autocommit=True)
    try:
        # Sorting and so on is planned for rows that are never analysed: see `hold_next`.
        setting = sql.SQL("SET search_path = {}").format(sql.Identifier(address.schema))
        if autocommit:
            setting += sql.SQL("; SET idle_in_transaction_session_timeout = {}").format(_PATIENCE_MS)
        connection.execute(setting)
        connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def explained(address: Address) -> Iterator[None]:
    """Turns what psycopg raises into a StoreError that names the database and what to do."""
    try:
        yield
    except psycopg.Error as error:
        raise explanation(address, error) from error


def explanation(address: Address, error: psycopg.Error) -> Exception:
    """What an error of PostgreSQL means."""
    state, text = error.sqlstate or "", " ".join(str(error).split())
    if state == EQUAL_JOB:
        job = int(error.diag.message_primary or -1)
        return JobExists(f"job {job} is equal (same class, same arguments) and not final", job=job)
    if state == "GL002":
        number = error.diag.message_primary
        return UsageError(f"there is no job {number}, which a new job names as what it comes from or waits for")
    if isinstance(error, psycopg.errors.UniqueViolation):
        return JobExists("a job that is equal (same class, same arguments) has just been entered")
    if isinstance(error, psycopg.DataError):
        return UsageError(f"a value cannot be kept: {text}")
    start = f"the queue {address.shown} cannot be used: "
    for kind, table in ((StoreError, _LASTING), (StoreUnavailable, _PASSING)):
        for code, sign, advice in table:
            if state == code or (not state and sign in text):
                return kind(start + advice)
    passing = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return (StoreUnavailable if passing else StoreError)(start + text)


def migrate(connection: psycopg.Connection[tuple[object, ...]], address: Address) -> None:
    """Make the queue, or bring its schema up to date; one at a time.

    Raises:
        StoreError: The server is too old, or the schema is another program's or of a newer Gangline.
        psycopg.Error: It cannot be done.
    """
    server = connection.info.server_version
    if server < OLDEST * 10000:
        raise StoreError(
            f"the queue {address.shown} cannot be used: the server is PostgreSQL {server // 10000}, "
            f"and {OLDEST} or newer is needed"
        )
    if _version(connection, address) == len(MIGRATIONS):
        return
    with connection.transaction():
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"gangline schema {address.schema}"]
        )
        version = _version(connection, address)
        if version is None:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(address.schema)))
        for files in MIGRATIONS[version or 0 :]:
            for file in files:
                connection.execute(load_text(PACKAGE, file).encode())
        connection.execute("DELETE FROM about")
        connection.execute("INSERT INTO about (version) VALUES (%s)", [len(MIGRATIONS)])


def _version(connection: psycopg.Connection[tuple[object, ...]], address: Address) -> int | None:
    """How many migrations the queue has had; None if there is nothing in its place."""
    found = connection.execute(
        "SELECT to_regclass(%s) IS NOT NULL, (SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace(%s))",
        [f"{address.schema}.about", address.schema],
    ).fetchone()
    assert found is not None
    ours, tables = found
    if not ours and tables:
        raise StoreError(
            f"the schema {address.schema} of {address.shown} is no queue of Gangline but holds "
            "another program's tables; name another one with ?schema=…"
        )
    if not ours:
        return None
    row = connection.execute("SELECT version FROM about").fetchone()
    version = int(str(row[0])) if row else 0
    if version > len(MIGRATIONS):
        raise StoreError(
            f"the queue {address.shown} has a schema of version {version}, and this Gangline knows versions up to "
            f"{len(MIGRATIONS)}; use the newer Gangline that wrote it"
        )
    return version
