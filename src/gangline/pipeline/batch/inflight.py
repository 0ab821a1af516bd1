"""The commands that run at this moment, so that none of them outlives the program that waits for it.

Whoever waits for a command ends it when it is interrupted itself. A thread that waits cannot be interrupted, though,
so whoever gives up a whole run calls `end_all` for its engines; the end of the program does so for all. What such an
engine starts after that is ended at once.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from typing import NamedTuple, Protocol, TypeVar

from gangline._engine.context import current
from gangline._runtime.interrupts import Uninterrupted

__all__ = ["Running", "end_all", "in_flight", "running", "started"]

_changed = threading.Condition()
_running: dict[int, _Entry] = {}
_starting: Counter[str | None] = Counter()
"""How many commands are being started, by the uuid of the engine."""
_given_up: set[str | None] = set()
"""The uuids of engines whose commands were ended; no engine comes back."""


class Running(Protocol):
    """A command that runs."""

    def end(self, *, force: bool) -> None:
        """Have it end soon, or at once. It may have ended already. Must not raise."""


Command = TypeVar("Command", bound=Running)


class _Entry(NamedTuple):
    """A command and the engine whose task waits for it: its uuid, or None where it is no engine."""

    command: Running
    engine: str | None


@contextmanager
def started(start: Callable[[], Command]) -> Iterator[Command]:
    """Start a command, which counts as running while this lasts.

    Neither Ctrl-C nor the end of the run comes between its start and anybody's knowing of it; an interrupt ends it.

    Args:
        start: Starts it.

    Raises:
        KeyboardInterrupt: Ctrl-C, or the run is being given up.
    """
    on_main_thread = threading.current_thread() is threading.main_thread()
    uuid = _own_engine()
    command: Command | None = None
    try:
        with Uninterrupted() if on_main_thread else nullcontext():
            with _changed:
                if uuid in _given_up:
                    raise KeyboardInterrupt
                _starting[uuid] += 1
            try:
                command = start()
            finally:
                with _changed:
                    _starting[uuid] -= 1
                    is_late = _enter(command, uuid)
        if is_late:
            command.end(force=True)
        yield command
    except KeyboardInterrupt:
        if command is not None:
            command.end(force=True)
        raise
    finally:
        _gone(command)


def _enter(command: Running | None, uuid: str | None) -> bool:
    """Have a command count as running, with the lock held; None: it could not be started. Whether that is too late."""
    if command is not None:
        _running[id(command)] = _Entry(command, uuid)
    _changed.notify_all()
    return uuid in _given_up


@contextmanager
def in_flight(command: Running) -> Iterator[None]:
    """While this lasts the command counts as running."""
    uuid = _own_engine()
    with _changed:
        is_late = _enter(command, uuid)
    try:
        if is_late:
            command.end(force=True)
        yield
    finally:
        _gone(command)


def _gone(command: Running | None) -> None:
    with _changed:
        _running.pop(id(command), None)
        _changed.notify_all()


def _own_engine() -> str | None:
    engine = current()
    return engine.uuid if engine else None


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
    if engines is not None:
        with _changed:
            _given_up.update(engines)
    for force in (False, True):
        for command in _commands_of(engines):
            command.end(force=force)
        deadline = time.monotonic() + grace_s
        with _changed:
            while _are_left(engines) and (left_s := deadline - time.monotonic()) > 0:
                _changed.wait(left_s)
            if not _are_left(engines):
                return True
    return False


def _are_left(engines: Collection[str] | None) -> bool:
    return bool(_commands_of(engines)) or any(_starting[uuid] for uuid in (_starting if engines is None else engines))


def _commands_of(engines: Collection[str] | None) -> list[Running]:
    return [entry.command for entry in list(_running.values()) if engines is None or entry.engine in engines]


@atexit.register
def _at_exit() -> None:
    if _running:
        end_all()
