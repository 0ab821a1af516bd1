"""The commands that run at this moment, so that none of them outlives the program that waits for it.

Whoever waits for a command ends it when it is interrupted itself. A thread that waits cannot be interrupted, though,
so whoever gives up a whole run calls `end_all` for its engines; the end of the program does so for all.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from gangline._engine.context import current

__all__ = ["Running", "end_all", "in_flight", "running"]

_changed = threading.Condition()
_running: dict[int, _Entry] = {}


class Running(Protocol):
    """A command that runs."""

    def end(self, *, force: bool) -> None:
        """Have it end soon, or at once. It may have ended already. Must not raise."""


class _Entry(NamedTuple):
    """A command and the engine whose task waits for it: its uuid, or None where it is no engine."""

    command: Running
    engine: str | None


@contextmanager
def in_flight(command: Running) -> Iterator[None]:
    """While this lasts the command counts as running."""
    engine = current()
    with _changed:
        _running[id(command)] = _Entry(command, engine.uuid if engine else None)
    try:
        yield
    finally:
        with _changed:
            _running.pop(id(command), None)
            _changed.notify_all()


def running() -> int:
    """How many commands run now."""
    return len(_running)


def end_all(grace_s: float = 0.5, *, engines: Collection[str] | None = None) -> bool:
    """End commands that run: those of this machine with everything that they started, and batch jobs.

    Args:
        grace_s: How long they are waited for; what then still runs is ended by force and waited for as long again.
        engines: The uuids of the engines of this process whose tasks' commands are meant; None: all commands.

    Returns:
        Whether none is left that anybody waits for.
    """
    for force in (False, True):
        for command in _commands_of(engines):
            command.end(force=force)
        deadline = time.monotonic() + grace_s
        with _changed:
            while _commands_of(engines) and (left_s := deadline - time.monotonic()) > 0:
                _changed.wait(left_s)
            if not _commands_of(engines):
                return True
    return False


def _commands_of(engines: Collection[str] | None) -> list[Running]:
    return [entry.command for entry in list(_running.values()) if engines is None or entry.engine in engines]


@atexit.register
def _at_exit() -> None:
    if _running:
        end_all()
