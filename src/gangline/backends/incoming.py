"""What engine processes report, turned into events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from gangline._engine import serialize
from gangline._engine.failures import describe, unpack_failure
from gangline._engine.logs import replay
from gangline._engine.parcel import unpack
from gangline._engine.results import FAILED, LEASED, RAW, REFUSED
from gangline.errors import ResultUnreadable
from gangline.messages import Attempt, Failure, Status, TaskId

__all__ = ["Memory", "RowReader", "Rows", "read_output", "read_rows"]


class Memory(Protocol):
    """Where large values are that rows refer to."""

    def open(self, key: int, spans: Any, /) -> list[memoryview]:
        """The parts of one: its pickle, and the buffers that belong to it."""


Rows = list[tuple[Any, ...]]
RowReader = Callable[[Rows, Memory, dict[TaskId, int]], list[Attempt]]

_new = tuple.__new__
_OK = Status.OK


def read_rows(rows: Rows, memory: Memory, shown_logs: dict[TaskId, int]) -> list[Attempt]:
    """The attempts that a packet of results tells of.

    Args:
        rows: As `Results` on the engine made them.
        memory: Where their large values are.
        shown_logs: How many log records of a task have been handed on while it ran.
    """
    return [
        _new(Attempt, (task, _OK, value, started_at, completed_at, None))
        if code == RAW and extras is None
        else _read(memory, shown_logs, task, code, value, started_at, completed_at, extras)
        for task, code, value, started_at, completed_at, extras in rows
    ]


def _read(
    memory: Memory,
    shown_logs: dict[TaskId, int],
    task: TaskId,
    code: int,
    value: Any,
    started_at: float,
    completed_at: float,
    packed_extras: bytes | None,
) -> Attempt:
    status = Status.OK
    if code in (FAILED, REFUSED):
        status = Status.ERROR if code == FAILED else Status.UNMET
        value = unpack_failure(value)
    elif code != RAW:
        try:
            value = unpack(memory.open(*value) if code == LEASED else value)
        except BaseException as exc:  # code of the result's class
            status, value = Status.ERROR, _unreadable(exc)
    extras = None if packed_extras is None else _read_extras(task, packed_extras, shown_logs)
    return Attempt(task, status, value, started_at, completed_at, extras)


def _unreadable(error: BaseException) -> Failure:
    ename, evalue, text = describe(error)
    stand_in = ResultUnreadable(f"the result arrived, but cannot be unpickled here: {ename}: {evalue}")
    return Failure(stand_in, "ResultUnreadable", str(stand_in), text)


def _read_extras(task: TaskId, packed: bytes, shown_logs: dict[TaskId, int]) -> Mapping[str, Any]:
    try:
        extras: dict[str, Any] = serialize.loads(packed)
    except BaseException as exc:  # code of classes of published data
        ename, evalue, _ = describe(exc)
        return {"stderr": f"gangline: what the task published cannot be unpickled: {ename}: {evalue}\n"}
    shown = shown_logs.pop(task, 0)
    replay(extras.get("logs", ())[shown:])
    return extras


def read_output(task: TaskId, stream: str, packed: bytes, shown_logs: dict[TaskId, int]) -> Any:
    """What a running task has written; None when it cannot be read."""
    try:
        content = serialize.loads(packed)
    except BaseException:  # published data; its result will say why
        return None
    if stream == "log":
        shown_logs[task] = shown_logs.get(task, 0) + 1
        replay([content])
    return content
