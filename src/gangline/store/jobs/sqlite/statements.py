"""The statements of the SQLite store, and how it runs them."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gangline.store.jobs.base import Row
from gangline.store.jobs.port import Lane
from gangline.store.queries import load_queries

__all__ = ["STATEMENTS", "SqliteDialect", "SqliteWork", "adapted"]

PACKAGE = "gangline.store.jobs"


def adapted(statement: str) -> str:
    """A statement of both stores in SQLite's words."""
    statement = re.sub(r"IN_LIST\((:\w+)\)", r"IN (SELECT value FROM json_each(\1))", statement)
    return re.sub(r"\s*\bLOCKED(_OR_LEFT)?\b", "", statement)


def _load() -> dict[str, str]:
    shared = {name: adapted(text) for name, text in load_queries(PACKAGE, "shared.sql").items()}
    statements = shared | dict(load_queries(PACKAGE, "sqlite/jobs.sql"))
    for part in ("job_columns", "job_tables"):
        statements = {name: text.replace(f"{{{part}}}", statements[part]) for name, text in statements.items()}
    return statements


STATEMENTS: Mapping[str, str] = _load()


class SqliteWork:
    """One transaction on a connection.

    Attributes:
        connection: The connection.
        now: The time that is written.
        new_lanes: Lanes that are entered by it; they are known to exist when it is done.
    """

    __slots__ = ("connection", "new_lanes", "now")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.now = time.time()
        self.new_lanes: dict[Lane, int] = {}

    def run(self, name: str, /, **parameters: Any) -> list[Row]:
        """See `Work.run`."""
        return self.query(STATEMENTS[name], parameters)

    def run_many(self, name: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        """See `Work.run_many`."""
        now = self.now
        self.connection.executemany(STATEMENTS[name], ({**row, "now": now} for row in rows)).close()

    def query(self, statement: str, parameters: Mapping[str, Any], /) -> list[Row]:
        """See `Work.query`."""
        values = {name: json.dumps(value) if isinstance(value, list) else value for name, value in parameters.items()}
        values["now"] = self.now
        return self.connection.execute(statement, values).fetchall()

    def lock(self, name: str, /) -> None:
        """Nothing: who writes is alone."""

    def changed(self, *, ends: bool = False) -> None:
        """Nothing: the file itself shows that it has changed."""


class SqliteDialect:
    """What a filter says, in SQLite's words. A value in a document is named as "document, path"."""

    def member(self, document: str, path: Sequence[str], parameter: Callable[[Any], str]) -> str:
        """See `Dialect.member`."""
        quoted = "".join(f'."{part}"' for part in path)
        return f"{document}, {parameter(f'${quoted}')}"

    def among(self, kind: str, operand: str, name: str) -> str:
        """See `Dialect.among`."""
        place, value = _place(kind, operand)
        return f"({place}{value} IN (SELECT value FROM json_each({name})))"

    def compare(self, kind: str, operand: str, sign: str, name: str) -> str:
        """See `Dialect.compare`."""
        place, value = _place(kind, operand)
        return f"({place}{value} {sign} {name})"

    def is_bool(self, operand: str, value: bool) -> str:
        """See `Dialect.is_bool`."""
        return f"(json_type({operand}) IS '{'true' if value else 'false'}')"

    def is_null(self, operand: str) -> str:
        """See `Dialect.is_null`."""
        return f"(json_extract({operand}) IS NULL)"

    def is_there(self, operand: str) -> str:
        """See `Dialect.is_there`."""
        return f"(json_type({operand}) IS NOT NULL)"

    def contains(self, column: str, name: str) -> str:
        """See `Dialect.contains`."""
        return (
            f"EXISTS (SELECT 1 FROM json_each({column}) one WHERE one.value IN (SELECT value FROM json_each({name})))"
        )


def _place(kind: str, operand: str) -> tuple[str, str]:
    if kind == "member text":
        return f"json_type({operand}) = 'text' AND ", f"json_extract({operand})"
    if kind == "member number":
        return f"json_type({operand}) IN ('integer', 'real') AND ", f"json_extract({operand})"
    return "", operand
