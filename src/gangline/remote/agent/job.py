"""A job on this host: its process group, what it writes, how it ends.

Rules:
- A job is over when its first process has ended, nothing is left of its group, and all it has written is passed on.
- What its first process leaves behind in the group is ended like a job that is called off: SIGTERM, a grace, SIGKILL.
- A process that has left the group (a daemon) is not waited for, even if it holds the pipes open, and lives on. It is
  ended only when the job is called off.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from gangline.remote.agent import wire
from gangline.remote.agent.loop import Loop
from gangline.remote.agent.outgoing import Outgoing
from gangline.remote.agent.spawn import spawn
from gangline.remote.agent.strays import MARK, Strays

GRACE_S = 2.0
"""How long a group has to end after SIGTERM."""

_LOOK_AGAIN_S = 0.02
_AFTER_KILL_S = 0.5
_LAST_WORDS_BYTES = 2**20
"""How much is still read when a job is over but its pipes are held open by others."""


class Job:
    """One command.

    Args:
        number: Its number in the frames.
        order: What was ordered.
        extra: More variables for its environment.
        loop: What calls back.
        outgoing: Where to report.
        strays: Finds those of its processes that have left its group.
        on_over: Called when it is over, with the payload that its ENDED frame is to carry.

    Raises:
        NotStarted: It cannot be started.
    """

    def __init__(
        self,
        number: int,
        order: dict[str, Any],
        extra: dict[str, str],
        loop: Loop,
        outgoing: Outgoing,
        strays: Strays,
        on_over: Callable[[Job, dict[str, Any]], None],
    ) -> None:
        self.number = number
        self._loop = loop
        self._outgoing = outgoing
        self._strays = strays
        self._on_over = on_over
        self._outside: list[int] = []
        self._process = spawn(order, {**extra, MARK: strays.mark(number)})
        self.pid = self._process.pid
        self._begun = time.monotonic()
        self._seconds = 0.0
        self._exit: int | None = None
        self._ending = False
        self._called_off = False
        self._ended_at = 0.0
        self._killed_at: float | None = None
        self._over = False
        self._input = bytearray()
        self._input_complete = False
        self._streams: dict[int, int] = {}
        for stream, kind in ((self._process.stdout, wire.STDOUT), (self._process.stderr, wire.STDERR)):
            assert stream is not None
            self._add_stream(stream.fileno(), kind)
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)

    def _add_stream(self, fd: int, kind: int) -> None:
        os.set_blocking(fd, False)
        self._streams[fd] = kind
        self._loop.add_source(fd, lambda: self._on_readable(fd))

    # What it reads and writes ----------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """More of its input; nothing is the end of it."""
        if self._process.stdin is None:
            return
        if data:
            if not self._input:
                self._loop.on_writable(self._process.stdin.fileno(), self._on_writable)
            self._input += data
        else:
            self._input_complete = True
            if not self._input:
                self._close_input()

    def _on_writable(self) -> None:
        assert self._process.stdin is not None
        try:
            written = os.write(self._process.stdin.fileno(), self._input[: wire.CHUNK_BYTES])
        except BlockingIOError:
            return
        except OSError:  # it does not read any more
            self._close_input()
            return
        del self._input[:written]
        if not self._input:
            self._loop.forget(self._process.stdin.fileno())
            if self._input_complete:
                self._close_input()

    def _close_input(self) -> None:
        if self._process.stdin is not None:
            if self._input:
                self._input.clear()
                self._loop.forget(self._process.stdin.fileno())
            self._process.stdin.close()
            self._process.stdin = None

    def _on_readable(self, fd: int) -> None:
        self._read(fd)
        if not self._streams:
            self.look()

    def _read(self, fd: int) -> int:
        """Pass on what can be read at once; 0 when that is nothing."""
        try:
            data = os.read(fd, wire.CHUNK_BYTES)
        except BlockingIOError:
            return 0
        if data:
            self._outgoing.send(wire.pack(self._streams[fd], self.number, data))
        else:
            self._close_stream(fd)
        return len(data)

    def _close_stream(self, fd: int) -> None:
        kind = self._streams.pop(fd)
        self._loop.remove_source(fd)
        stream = self._process.stdout if kind == wire.STDOUT else self._process.stderr
        assert stream is not None
        stream.close()

    # How it ends -----------------------------------------------------------------------------------------------

    def end(self) -> None:
        """End all its processes: SIGTERM and, after the grace, SIGKILL."""
        if not self._ending and not self._over:
            if self._exit is None:
                self._called_off = True
                self._outside = self._strays.of(self.number)
            self._end_group()

    def _end_group(self) -> None:
        self._ending = True
        self._signal(signal.SIGTERM)
        self._signal(signal.SIGCONT)  # one that is stopped could not follow
        self._loop.after(GRACE_S, self.kill)

    def kill(self) -> None:
        """End all its processes by force."""
        if not self._over:
            if self._exit is None:
                self._called_off = True
            if self._called_off:
                self._outside = self._strays.of(self.number)
            self._ending = True
            self._killed_at = time.monotonic()
            self._signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Send its group a signal."""
        if not self._over:
            self._signal(number)

    def on_exit(self, status: int) -> None:
        """Its first process has ended, and has been reaped."""
        self._ended_at = time.monotonic()
        self._seconds = self._ended_at - self._begun
        self._exit = status
        self._process.returncode = status  # so that Popen does not wait for it
        self.look()

    def look(self) -> None:
        """See whether it is over."""
        if self._exit is None or self._over:
            return
        for fd in list(self._streams):
            self._read(fd)
        if self._exists() and not self._beyond_killing():
            if not self._ending:
                self._end_group()
            self._loop.after(_LOOK_AGAIN_S, self.look)
            return
        if self._called_off and self._killed_at is None and self._has_left_strays():
            self._loop.after(_LOOK_AGAIN_S, self.look)
            return
        self._conclude()

    def _has_left_strays(self) -> bool:
        """Whether some that were not seen when it was called off may be left; if there are, have them end, too."""
        if not self._strays.seen_since(self._ended_at):
            return True
        self._outside = self._strays.of(self.number)
        if self._outside:
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)
        return bool(self._outside)

    def _conclude(self) -> None:
        self._over = True
        self._close_input()
        for fd in list(self._streams):
            left = _LAST_WORDS_BYTES
            while left > 0 and fd in self._streams:
                count = self._read(fd)
                if not count:
                    break
                left -= count
            if fd in self._streams:
                self._close_stream(fd)
        assert self._exit is not None
        ended = {"pid": self.pid, "seconds": self._seconds, "exit": None, "signal": ""}
        if os.WIFSIGNALED(self._exit):
            ended["signal"] = _signal_name(os.WTERMSIG(self._exit))
        else:
            ended["exit"] = os.WEXITSTATUS(self._exit)
        self._on_over(self, ended)

    def _beyond_killing(self) -> bool:
        """Whether what is left are zombies that nobody reaps, or processes that the system cannot end now."""
        return self._killed_at is not None and time.monotonic() > self._killed_at + _AFTER_KILL_S

    def _exists(self) -> bool:
        """Whether something is left of what is to end with it."""
        return self._signal(0)

    def _signal(self, number: int) -> bool:
        """Whether there was somebody to send it to."""
        there = _is_sent(os.killpg, self.pid, number)
        for pid in self._outside:
            there = _is_sent(os.kill, pid, number) or there
        return there


def _is_sent(send: Callable[[int, int], None], target: int, number: int) -> bool:
    try:
        send(target, number)
    except ProcessLookupError:
        return False
    except OSError:  # it has become another user, or there is no such signal here
        return True
    return True


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
