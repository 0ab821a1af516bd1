"""A child process to whom one writes without ever waiting, and whose words come on a thread of their own."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence

__all__ = ["Channel"]

_READ_BYTES = 2**18
_SAID_MAX = 8192


class Channel:
    """The pipes to a program.

    Args:
        argv: The program and its arguments.
        environment: Its environment; None is that of this process.
        name: The thread's.
        on_data: Called on the thread with what the program has written to standard output; b"" when that was all.

    Raises:
        OSError: The program cannot be started.

    Attributes:
        busy: The thread is taking something in, so that it cannot be said whether more has come.
    """

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str] | None, name: str, on_data: Callable[[bytes], None]
    ) -> None:
        self.busy = False
        self._wake_read, self._wake_write = os.pipe()
        try:
            self._process = self._start(argv, environment)
        except OSError:
            os.close(self._wake_read)
            os.close(self._wake_write)
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._in = self._process.stdin.fileno()
        self._out = self._process.stdout.fileno()
        self._err = self._process.stderr.fileno()
        for fd in (self._in, self._out, self._err, self._wake_write):
            os.set_blocking(fd, False)
        self._on_data = on_data
        self._lock = threading.Lock()  # around what is to be written, and the end of that
        self._pending = bytearray()
        self._writable = True
        self._said = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @staticmethod
    def _start(argv: Sequence[str], environment: Mapping[str, str] | None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C is for this process to deal with
        )

    def start(self) -> None:
        """Begin to take in what the program says."""
        self._thread.start()

    @property
    def said(self) -> str:
        """The last of what it has written to standard error."""
        return self._said

    def write(self, data: bytes) -> None:
        """Send this as soon as that can be; when the program has ended, it is dropped."""
        with self._lock:
            if not self._writable:
                return
            waiting = bool(self._pending)
            self._pending += data
            if self._push_now() and not waiting:
                with contextlib.suppress(OSError):
                    os.write(self._wake_write, b"\0")

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the program's end, and give its exit code; None when it goes on."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End the program by force."""
        self._process.kill()

    def _run(self) -> None:
        poll = select.poll()
        for fd in (self._out, self._err, self._wake_read):
            poll.register(fd, select.POLLIN)
        writing = False
        try:
            while True:
                ready = {fd for fd, _ in poll.poll()}
                if self._wake_read in ready:
                    os.read(self._wake_read, 4096)
                if self._err in ready and not self._hear_said():
                    poll.unregister(self._err)
                if self._out in ready and not self._hear_data():
                    return
                if writing != (wanted := self._push()):
                    writing = wanted
                    poll.register(self._in, select.POLLOUT) if wanted else poll.unregister(self._in)
        finally:
            self._finish()

    def _hear_data(self) -> bool:
        try:
            data = os.read(self._out, _READ_BYTES)
        except BlockingIOError:
            return True
        self.busy = True
        try:
            if data:
                self._on_data(data)
        finally:
            self.busy = False
        return bool(data)

    def _hear_said(self) -> bool:
        try:
            data = os.read(self._err, _READ_BYTES)
        except BlockingIOError:
            return True
        self._said = (self._said + data.decode("utf-8", "backslashreplace"))[-_SAID_MAX:]
        return bool(data)

    def _push(self) -> bool:
        """Write what waits; whether something is left."""
        with self._lock:
            return self._push_now()

    def _push_now(self) -> bool:
        """The same with the lock held. Whoever writes does it, too: the thread may be busy with what has come."""
        try:
            while self._pending and (written := os.write(self._in, self._pending[:_READ_BYTES])):
                del self._pending[:written]
        except BlockingIOError:
            pass
        except OSError:  # its end is seen by the thread
            self._pending.clear()
        return bool(self._pending)

    def _finish(self) -> None:
        """It says no more: let it end, take in its last words, and close everything."""
        with self._lock:
            self._writable = False
            self._pending.clear()
            assert self._process.stdin is not None
            self._process.stdin.close()
        if self.wait(1.0) is None:
            self.kill()
            self._process.wait()
        with contextlib.suppress(OSError):
            self._hear_said()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        with self._lock:
            os.close(self._wake_read)
            os.close(self._wake_write)
            self._wake_write = -1
        self._on_data(b"")
