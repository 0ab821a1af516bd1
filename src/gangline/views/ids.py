"""A task's id as users see it: the session's id and the task's number."""

from __future__ import annotations

from typing import Protocol

from gangline._runtime.handle import Handle
from gangline._runtime.session import Session
from gangline.messages import TaskId

__all__ = ["SessionOwner", "find", "msg_id", "parse"]


class SessionOwner(Protocol):
    """A client, as far as results and maps need one."""

    @property
    def _session(self) -> Session: ...


def msg_id(handle: Handle) -> str:
    """The id of a task, unique over all sessions."""
    return f"{handle.session.id}_{handle.id}"


def parse(client: SessionOwner, text: str) -> TaskId | None:
    """The number of the task with this id; None if it cannot be one of this client's session."""
    session_id, _, number = text.rpartition("_")
    if session_id != client._session.id or not (number.isascii() and number.isdecimal()):
        return None
    return TaskId(int(number))


def find(client: SessionOwner, text: str) -> Handle | None:
    """The task with this id, if the session remembers it."""
    task = parse(client, text)
    return None if task is None else client._session.find(task)
