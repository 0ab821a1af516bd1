"""The statements of the PostgreSQL store, and how it runs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg

from gangline.store.jobs.base import Row
from gangline.store.queries import load_queries

__all__ = ["STATEMENTS", "PostgresDialect", "PostgresWork", "adapted"]

PACKAGE = "gangline.store.jobs"
_CLOCK = "extract(epoch FROM statement_timestamp())::double precision"


def adapted(statement: str) -> str:
    """A statement of both stores in PostgreSQL's words."""
    statement = statement.replace("%", "%%")
    statement = re.sub(r"IN_LIST\((:\w+)\)", r"= ANY (\1)", statement)
    statement = re.sub(r"\bLOCKED\b", "FOR UPDATE", statement)
    statement = re.sub(r"\bLOCKED_OR_LEFT\b", "FOR UPDATE SKIP LOCKED", statement)
    statement = re.sub(r"(?<!:):now\b", _CLOCK, statement)
    return re.sub(r"(?<!:):([a-z]\w*)", r"%(\1)s", statement)


def _load() -> dict[str, str]:
    texts = {**load_queries(PACKAGE, "shared.sql"), **load_queries(PACKAGE, "postgres/jobs.sql")}
    for part in ("job_columns", "job_tables"):
        texts = {name: text.replace(f"{{{part}}}", texts[part]) for name, text in texts.items()}
    return {name: adapted(text) for name, text in texts.items()}


STATEMENTS: Mapping[str, str] = _load()


class PostgresWork:
    """One transaction on a connection.

    Args:
        connection: The connection.
        schema: The queue's schema, for the names of locks.
    """

    __slots__ = ("_ends", "_schema", "_workers", "connection")

    def __init__(self, connection: psycopg.Connection[Any], schema: str) -> None:
        self.connection = connection
        self._schema = schema
        self._workers = self._ends = False

    def run(self, name: str, /, **parameters: Any) -> list[Row]:
        """See `Work.run`."""
        cursor = self.connection.execute(STATEMENTS[name], parameters)
        return cursor.fetchall() if cursor.description else []

    def run_many(self, name: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        """See `Work.run_many`."""
        with self.connection.cursor() as cursor:
            cursor.executemany(STATEMENTS[name], rows)

    def query(self, statement: str, parameters: Mapping[str, Any], /) -> list[Row]:
        """See `Work.query`. What it is put together from is adapted already, but for the parameters of filters."""
        return self.connection.execute(
            re.sub(r"(?<!:):(p\d+|limit|offset)\b", r"%(\1)s", statement), parameters
        ).fetchall()

    def lock(self, name: str, /) -> None:
        """See `Work.lock`."""
        key = f"gangline {self._schema} {name}"
        self.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])

    def changed(self, *, ends: bool = False) -> None:
        """See `Work.changed`."""
        self._workers = True
        self._ends |= ends

    def finish(self) -> None:
        """Tell others of the changes, once the transaction stands."""
        if self._workers or self._ends:
            self.connection.execute("SELECT tell_changed(%s, %s)", [self._workers, self._ends])


class PostgresDialect:
    """What a filter says, in PostgreSQL's words. A value in a document is jsonb."""

    def member(self, document: str, path: Sequence[str], parameter: Callable[[Any], str]) -> str:
        """See `Dialect.member`."""
        return f"(document({document})" + "".join(f" -> {parameter(part)}::text" for part in path) + ")"

    def among(self, kind: str, operand: str, name: str) -> str:
        """See `Dialect.among`."""
        place, value = _place(kind, operand)
        kinds = "text[]" if kind.endswith("text") else "double precision[]"
        return f"({place}{value} = ANY ({name}::{kinds}))"

    def compare(self, kind: str, operand: str, sign: str, name: str) -> str:
        """See `Dialect.compare`."""
        place, value = _place(kind, operand)
        collation = ' COLLATE "C"' if "text" in kind else ""
        return f"({place}{value} {sign} {name}{collation})"

    def is_bool(self, operand: str, value: bool) -> str:
        """See `Dialect.is_bool`."""
        return f"({operand} = '{'true' if value else 'false'}'::jsonb)"

    def is_null(self, operand: str) -> str:
        """See `Dialect.is_null`."""
        return f"(coalesce({operand}, 'null'::jsonb) = 'null'::jsonb)"

    def is_there(self, operand: str) -> str:
        """See `Dialect.is_there`."""
        return f"({operand} IS NOT NULL)"

    def contains(self, column: str, name: str) -> str:
        """See `Dialect.contains`."""
        return f"EXISTS (SELECT 1 FROM jsonb_array_elements_text({column}::jsonb) one WHERE one = ANY ({name}::text[]))"


def _place(kind: str, operand: str) -> tuple[str, str]:
    if kind == "member text":
        return f"jsonb_typeof({operand}) = 'string' AND ", f"({operand} #>> '{{}}')"
    if kind == "member number":
        return "", f"(CASE WHEN jsonb_typeof({operand}) = 'number' THEN ({operand} #>> '{{}}')::double precision END)"
    return "", operand
