"""A second thread of an engine process, which sees to it that one long task holds up nothing but itself.

While a task runs for long it hands back the tasks behind it, sends finished results and shows what the task has
written. And it ends the engine, with all that its tasks have started, when the client is gone. It sleeps while the
engine is idle.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time

from gangline._engine.cell import NO_TASK, TASK
from gangline._engine.server import Server
from gangline.messages import TaskId

__all__ = ["Watchdog", "end_group"]

_TICK_MS = 10
_IDLE_TICKS = 50
"""It goes on ticking for this long after the last work, since waking it up costs more than some idle ticks."""
_SHOW_AFTER_S = 0.1
_LOOK_FOR_PARENT_MS = 1000


class Watchdog(threading.Thread):
    """Watches one server and its parent process."""

    def __init__(self, server: Server, parent: int) -> None:
        super().__init__(name="gangline-watchdog", daemon=True)
        self._server = server
        self._parent = parent
        self._asleep = False
        self._wake_reader, self._wake_writer = os.pipe()
        self._task = NO_TASK
        self._since = 0.0
        self._shown_at = 0.0

    def on_busy(self) -> None:
        """Called by the server when it begins to work."""
        if self._asleep:
            self._asleep = False
            os.write(self._wake_writer, b"!")

    def run(self) -> None:
        """Tick while the server is busy."""
        poll = select.poll()
        poll.register(self._wake_reader, select.POLLIN)
        parent = _open_parent(self._parent)
        if parent is not None:
            poll.register(parent, select.POLLIN)
        idle = 0
        while True:
            for descriptor, _ in poll.poll(self._timeout_ms(watched=parent is not None)):
                if descriptor == self._wake_reader:
                    os.read(self._wake_reader, 64)
            if os.getppid() != self._parent:
                end_group()
            if self._server.busy:
                idle = 0
                self._tick()
            elif (idle := idle + 1) > _IDLE_TICKS:
                self._fall_asleep()

    def _fall_asleep(self) -> None:
        self._asleep = True
        if self._server.busy:  # it began just before it could see that somebody sleeps
            self._asleep = False

    def _timeout_ms(self, *, watched: bool) -> int | None:
        if not self._asleep:
            return _TICK_MS
        return None if watched else _LOOK_FOR_PARENT_MS

    def _tick(self) -> None:
        server, now = self._server, time.monotonic()
        task = server.words[TASK]
        if task != self._task:
            self._task, self._since, self._shown_at = task, now, 0.0
            return
        self._hand_back_rest()
        if server.results.rows:
            server.results.flush()
        if (
            now - self._since >= _SHOW_AFTER_S
            and now - self._shown_at >= _SHOW_AFTER_S
            and server.context.capture.dirty
        ):
            self._shown_at = now
            server.results.show(TaskId(task), server.context.capture)

    def _hand_back_rest(self) -> None:
        pending, tasks = self._server.pending, []
        while pending:
            try:
                tasks.append(pending.pop()[0])
            except IndexError:  # the main thread took the last one in between
                break
        if tasks:
            tasks.reverse()
            self._server.results.hand_back(tasks)


def _open_parent(parent: int) -> int | None:
    try:
        return os.pidfd_open(parent)
    except (AttributeError, OSError):
        return None


def end_group() -> None:
    """End this process and all that its tasks have started, at once."""
    os.killpg(0, signal.SIGKILL)
