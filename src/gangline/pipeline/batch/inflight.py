"""The commands that run at this moment, so that none of them outlives the program that waits for it.

Whoever waits for a command ends it when it is interrupted itself. A thread that waits cannot be interrupted, though,
so whoever gives up a whole run calls `end_all`; the end of the program does so too.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

__all__ = ["Running", "end_all", "in_flight", "running"]

_changed = threading.Condition()
_running: dict[int, Running] = {}


class Running(Protocol):
    """A command that runs."""

    def end(self, *, force: bool) -> None:
        """Have it end soon, or at once. It may have ended already. Must not raise."""


@contextmanager
def in_flight(command: Running) -> Iterator[None]:
    """While this lasts the command counts as running."""
    with _changed:
        _running[id(command)] = command
    try:
        yield
    finally:
        with _changed:
            _running.pop(id(command), None)
            _changed.notify_all()


def running() -> int:
    """How many commands run now."""
    return len(_running)


def end_all(grace_s: float = 0.5) -> bool:
    """End every command that runs: those of this machine with everything that they started, and batch jobs.

    Args:
        grace_s: How long they are waited for; what then still runs is ended by force and waited for as long again.

    Returns:
        Whether none is left that anybody waits for.
    """
    for force in (False, True):
        for command in list(_running.values()):
            command.end(force=force)
        deadline = time.monotonic() + grace_s
        with _changed:
            while _running and (left_s := deadline - time.monotonic()) > 0:
                _changed.wait(left_s)
            if not _running:
                return True
    return False


@atexit.register
def _at_exit() -> None:
    if _running:
        end_all()
