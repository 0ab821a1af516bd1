"""The language in which jobs are asked for.

A filter is a mapping: `{"state": "error", "args.mid": "17", "priority": {"$gte": 5}}`. All of its entries must hold.
Fields of `args` and `result` are named by their path. A value stands for equality; `None` also for what is not there.
Operators: `$eq $ne $in $nin $gt $gte $lt $lte $exists`; `$and` and `$or` take lists of filters. Values compare with
their own kind only: a number is never above a text. `sources` equals what it contains.

The language is checked here, once; each store says in its own words what a test means (`Dialect`). No value ever
becomes part of a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Protocol

from gangline.errors import UsageError
from gangline.store.jobs.port import State
from gangline.store.jobs.texts import clean

__all__ = ["COLUMNS", "Compiled", "Dialect", "compile_filter", "compile_order"]

Scalar = str | float | bool | None

COLUMNS: Mapping[str, tuple[str, str]] = {
    "id": ("number", "j.id"), "_id": ("number", "j.id"),
    "name": ("text", "l.name"), "state": ("text", "j.state"), "tag": ("text", "j.tag"), "author": ("text", "j.author"),
    "hash": ("text", "lower(hex(j.digest))"), "message": ("text", "j.message"), "prog.message": ("text", "j.message"),
    "python": ("text", "l.python"), "folder": ("text", "l.folder"),
    "enqueued.host": ("text", "j.enqueued_host"), "enqueued_host": ("text", "j.enqueued_host"),
    "enqueued.user": ("text", "j.enqueued_user"), "enqueued_user": ("text", "j.enqueued_user"),
    "locked.worker": ("text", "w.name"), "worker": ("text", "w.name"),
    "locked.host": ("text", "w.host"), "host": ("text", "w.host"),
    "last_error": (
        "text", "(SELECT e.error FROM errors e WHERE e.job = j.id ORDER BY e.number DESC LIMIT 1)"
    ),
    "priority": ("number", "j.priority"), "trial": ("number", "j.trial"), "attempts": ("number", "j.attempts"),
    "attempts_left": ("number", "j.attempts_left"), "lost": ("number", "j.lost"),
    "parent": ("number", "j.parent"), "enqueued.parent": ("number", "j.parent"),
    "enqueued.at": ("number", "j.enqueued_at"), "enqueued_at": ("number", "j.enqueued_at"),
    "query_at": ("number", "j.query_at"), "started_at": ("number", "j.started_at"),
    "finished_at": ("number", "j.finished_at"),
    "runtime": ("number", "j.runtime_s"), "runtime_s": ("number", "j.runtime_s"),
    "locked.pid": ("number", "w.pid"), "pid": ("number", "w.pid"), "locked.at": ("number", "j.started_at"),
    "locked_at": ("number", "j.started_at"),
    "lease_until": ("number", "j.lease_until"),
    "locked.heartbeat": ("number", "j.heartbeat"), "heartbeat": ("number", "j.heartbeat"),
    "progress": ("number", "j.progress"), "prog.value": ("number", "j.progress"),
    "first_deferred_at": ("number", "j.first_deferred_at"), "wall_at": ("number", "j.wall_at"),
    "zombie_at": ("number", "j.zombie_at"), "inactive_at": ("number", "j.inactive_at"),
    "killed_at": ("number", "j.killed_at"), "removed_at": ("number", "j.removed_at"),
    "journaled": ("bool", "j.journaled"), "hidden": ("bool", "j.hidden"), "unique": ("bool", "j.is_unique"),
    "sources": ("contains", "j.sources"),
}  # fmt: skip
"""What a field is, and where it stands, in words that both databases understand."""

_DOCUMENTS = ("args", "result")
_COMPARISONS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_OPERATORS = ("$eq", "$ne", "$in", "$nin", *_COMPARISONS, "$exists")
_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Compiled:
    """A condition, and its parameters by name."""

    sql: str
    parameters: dict[str, Any]


class Dialect(Protocol):
    """How one database says what the language means. Operands are SQL; `name` is a parameter with its sigil."""

    def member(self, document: str, path: Sequence[str], parameter: Callable[[Any], str]) -> str:
        """The place of a value in a column of JSON; `parameter` takes a value and returns what stands for it."""

    def among(self, kind: str, operand: str, name: str) -> str:
        """Whether the value is one of a list of numbers or texts; in a document it must be of that kind."""

    def compare(self, kind: str, operand: str, sign: str, name: str) -> str:
        """The same for "<", "<=", ">", ">=" and "="."""

    def is_bool(self, operand: str, value: bool) -> str:
        """Whether a value in a document is that."""

    def is_null(self, operand: str) -> str:
        """Whether a value in a document is null or not there."""

    def is_there(self, operand: str) -> str:
        """Whether a value in a document is there."""

    def contains(self, column: str, name: str) -> str:
        """Whether a list of texts has one of a list of texts."""


def compile_filter(where: Mapping[str, Any] | None, dialect: Dialect) -> Compiled:
    """The condition that a filter stands for.

    Raises:
        UsageError: It is no filter; says where.
    """
    compiler = _Compiler(dialect)
    sql = compiler.filter({} if where is None else where, 0)
    return Compiled(sql, compiler.parameters)


def compile_order(order: str) -> str:
    """What stands behind ORDER BY.

    Raises:
        UsageError: There is no such field to sort by.
    """
    name = order.removeprefix("-")
    kind, column = COLUMNS.get(name, ("", ""))
    if not kind or kind == "contains":
        raise UsageError(f"jobs cannot be sorted by {name!r:.200}; {_meant_field(name)}")
    direction = "DESC NULLS LAST" if order.startswith("-") else "ASC NULLS FIRST"
    return f"{column} {direction}, j.id {direction.partition(' ')[0]}" if column != "j.id" else f"j.id {direction[:4]}"


def _meant_field(name: str) -> str:
    nearest = get_close_matches(name, [*COLUMNS, *_DOCUMENTS], n=1)
    if not nearest:
        return f"fields are {', '.join(sorted(COLUMNS))}, args.… and result.…"
    return f"did you mean {nearest[0]!r}?" if nearest[0] in COLUMNS else f"did you mean '{nearest[0]}.NAME'?"


class _Compiler:
    def __init__(self, dialect: Dialect) -> None:
        self.parameters: dict[str, Any] = {}
        self._dialect = dialect

    def filter(self, where: Any, depth: int) -> str:
        if not isinstance(where, Mapping):
            raise UsageError(f"a filter is a mapping of fields to values, not {where!r:.100}")
        if depth > _DEPTH:
            raise UsageError(f"the filter is nested more than {_DEPTH} times")
        tests = [self._entry(field, value, depth) for field, value in where.items()]
        return f"({' AND '.join(tests)})" if tests else "(1 = 1)"

    def _entry(self, field: Any, value: Any, depth: int) -> str:
        if field in ("$and", "$or"):
            if isinstance(value, str | Mapping) or not isinstance(value, Sequence) or not value:
                raise UsageError(f"{field} takes a list of filters, not {value!r:.100}")
            return f"({f' {field[1:].upper()} '.join(self.filter(part, depth + 1) for part in value)})"
        if not isinstance(field, str) or field.startswith("$"):
            raise UsageError(f"{field!r:.100} is no field; $and and $or are what joins filters")
        test = self._test(field)
        if not isinstance(value, Mapping):
            return test.equal([value])
        if not value:
            raise UsageError(f"the filter of {field!r} is empty; fields inside others are written with dots")
        return f"({' AND '.join(test.operator(operator, operand) for operator, operand in value.items())})"

    def _test(self, field: str) -> _Test:
        if field in COLUMNS:
            kind, column = COLUMNS[field]
            return _Column(self, field, kind, column)
        document, *path = field.split(".")
        if document not in _DOCUMENTS or not all(path) or not path or any('"' in part for part in path):
            raise UsageError(f"there is no field {field!r:.200} in a job; {_meant_field(field)}")
        place = self._dialect.member(f"j.{document}", [clean(part) for part in path], self.parameter)
        return _Member(self, field, "member", place)

    def parameter(self, value: Any) -> str:
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"

    @property
    def dialect(self) -> Dialect:
        return self._dialect


class _Test:
    """What may be asked of one field."""

    def __init__(self, compiler: _Compiler, field: str, kind: str, operand: str) -> None:
        self._compiler = compiler
        self._dialect = compiler.dialect
        self._field = field
        self._kind = kind
        self._operand = operand

    def operator(self, operator: Any, value: Any) -> str:
        match operator:
            case "$eq":
                return self.equal([value])
            case "$ne":
                return f"NOT {self.equal([value])}"
            case "$in" | "$nin":
                if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence | set | frozenset):
                    raise UsageError(f"{operator} of {self._field!r} takes a list, not {value!r:.100}")
                return f"{'NOT ' if operator == '$nin' else ''}{self.equal(list(value))}"
            case "$exists":
                if not isinstance(value, bool):
                    raise UsageError(f"$exists of {self._field!r} takes True or False, not {value!r:.100}")
                return f"{'' if value else 'NOT '}{self.there()}"
            case "$gt" | "$gte" | "$lt" | "$lte":
                return self.compare(_COMPARISONS[operator], self._scalar(value))
        nearest = get_close_matches(str(operator), _OPERATORS, n=1)
        known = f"did you mean {nearest[0]!r}?" if nearest else f"known are {', '.join(_OPERATORS)}"
        raise UsageError(f"{operator!r:.100} of {self._field!r} is no operator; {known}")

    def equal(self, values: Sequence[Any]) -> str:
        """Whether it is one of these. Never unknown: NOT of it is the opposite."""
        scalars = [self._scalar(value) for value in values]
        texts = [clean(value) for value in scalars if isinstance(value, str)]
        numbers = [value for value in scalars if isinstance(value, int | float) and not isinstance(value, bool)]
        tests = []
        if texts:
            tests += self.among("text", texts)
        if numbers:
            tests += self.among("number", numbers)
        tests += [test for flag in (True, False) if flag in map(_flag, scalars) for test in self.flagged(flag)]
        if None in scalars:
            tests.append(self.absent())
        return f"coalesce({' OR '.join(tests)}, 1 = 0)" if tests else "(1 = 0)"

    def among(self, kind: str, values: list[Any]) -> list[str]:
        raise NotImplementedError

    def flagged(self, flag: bool) -> list[str]:
        raise NotImplementedError

    def absent(self) -> str:
        raise NotImplementedError

    def there(self) -> str:
        raise NotImplementedError

    def compare(self, sign: str, value: Scalar) -> str:
        raise NotImplementedError

    def _scalar(self, value: Any) -> Scalar:
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise UsageError(f"the time {value} for {self._field!r} has no time zone")
            return value.timestamp()
        if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
            raise UsageError(f"the number for {self._field!r} has more than 64 bits")
        if isinstance(value, float) and value != value:
            raise UsageError(f"nothing compares with NaN ({self._field!r})")
        if value is None or isinstance(value, str | int | float | bool):
            return value
        raise UsageError(f"{self._field!r} compares with texts, numbers, booleans, times and None, not {value!r:.100}")


def _flag(value: Scalar) -> bool | None:
    return value if isinstance(value, bool) else None


class _Column(_Test):
    """A field with a column of its own."""

    def among(self, kind: str, values: list[Any]) -> list[str]:
        if self._field == "state":
            self._check_states(values)
        if self._kind == "contains" and kind == "text":
            return [self._dialect.contains(self._operand, self._compiler.parameter(values))]
        if self._kind == "number" and kind == "text" and self._field in ("id", "_id", "parent", "enqueued.parent"):
            kind, values = "number", [int(value) for value in values if value.isdecimal() and len(value) < 19]
        if self._kind != kind:
            return ["1 = 0"]
        return [self._dialect.among(kind, self._operand, self._compiler.parameter(values))]

    def _check_states(self, values: list[Any]) -> None:
        for value in values:
            if value not in list(State):
                nearest = get_close_matches(str(value), list(State), n=1)
                known = f"did you mean {str(nearest[0])!r}?" if nearest else f"states are {', '.join(State)}"
                raise UsageError(f"there is no state {value!r:.100}; {known}")

    def flagged(self, flag: bool) -> list[str]:
        return [f"{'' if flag else 'NOT '}{self._operand}"] if self._kind == "bool" else ["1 = 0"]

    def absent(self) -> str:
        return f"{self._operand} IS NULL"

    def there(self) -> str:
        return f"({self._operand} IS NOT NULL)"

    def compare(self, sign: str, value: Scalar) -> str:
        kind = "text" if isinstance(value, str) else "number"
        if value is None or isinstance(value, bool) or self._kind != kind:
            raise UsageError(f"{self._field!r} has no order with {value!r:.100}")
        value = clean(value) if isinstance(value, str) else value
        return (
            f"coalesce({self._dialect.compare('column', self._operand, sign, self._compiler.parameter(value))}, 1 = 0)"
        )


class _Member(_Test):
    """A value in a document."""

    def among(self, kind: str, values: list[Any]) -> list[str]:
        return [self._dialect.among(f"member {kind}", self._operand, self._compiler.parameter(values))]

    def flagged(self, flag: bool) -> list[str]:
        return [self._dialect.is_bool(self._operand, flag)]

    def absent(self) -> str:
        return self._dialect.is_null(self._operand)

    def there(self) -> str:
        return self._dialect.is_there(self._operand)

    def compare(self, sign: str, value: Scalar) -> str:
        if value is None or isinstance(value, bool):
            raise UsageError(f"{self._field!r} has no order with {value!r:.100}")
        kind = "text" if isinstance(value, str) else "number"
        value = clean(value) if isinstance(value, str) else value
        name = self._compiler.parameter(value)
        return f"coalesce({self._dialect.compare(f'member {kind}', self._operand, sign, name)}, 1 = 0)"
