"""A program that runs on this host, as a child of this process."""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, NamedTuple, TextIO

from gangline.errors import CommandNotStarted
from gangline.remote.agent.spawn import NotStarted, build_environment, explained, find_program, to_bytes

__all__ = ["Ended", "run_here", "signal_name"]

_PIECE_BYTES = 65536
_LOOK_S = 0.1
"""How long a thread waits at most before it looks whether it has been interrupted."""
_GRACE_S = 2.0
_TAIL_LINES = 20


class Ended(NamedTuple):
    """How a program ended.

    Attributes:
        pid: Its process.
        return_code: Its exit code, or minus the number of the signal that ended it.
        started_at: Seconds since the epoch.
        duration_s: From its start to its end.
        stderr_tail: The last lines that it wrote to its standard error.
    """

    pid: int
    return_code: int
    started_at: float
    duration_s: float
    stderr_tail: tuple[str, ...]


def run_here(argv: Sequence[str], env: Mapping[str, str], cwd: str | None, path: Sequence[str], data: bytes) -> Ended:
    """Run a program; what it writes goes to `sys.stdout` and `sys.stderr` as it comes.

    Whatever interrupts the wait ends it with all that it started.

    Args:
        argv: The program and its arguments.
        env: Variables besides those of this process.
        cwd: The folder to start in; None is the present one.
        path: Folders that are put before PATH, where they exist.
        data: What it reads from its standard input.

    Raises:
        CommandNotStarted: It could not be started.
    """
    started_at, begun = time.time(), time.monotonic()
    starting = _Starting(lambda: _start(argv, env, cwd, path, has_input=bool(data)))
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    try:
        process = starting.wait()
        _converse(process, data, tail)
    except BaseException:  # an interrupt
        starting.end()
        raise
    with process:  # closes its pipes, and waits for it
        pass
    lines = tuple("".join(tail).splitlines()[-_TAIL_LINES:])
    return Ended(process.pid, process.returncode, started_at, time.monotonic() - begun, lines)


def signal_name(number: int) -> str:
    """The name of a signal, such as SIGKILL."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class _Starting:
    """Starts a program on a thread of its own: an interrupt in the midst of it would leave one that nobody knows.

    Args:
        start: Does it.
    """

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._start = start
        self._process: subprocess.Popen[bytes] | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="gangline-start")

    def _run(self) -> None:
        try:
            self._process = self._start()
        except BaseException as exc:
            self._error = exc

    def wait(self) -> subprocess.Popen[bytes]:
        """Do it, and give the process."""
        self._thread.start()
        self._thread.join()
        if self._process is None:
            assert self._error is not None
            raise self._error
        return self._process

    def end(self) -> None:
        """End what has been started, with all that it has started itself."""
        if self._thread.ident is not None:
            self._thread.join()
        if self._process is not None:
            _end(self._process)
            with self._process:
                pass


def _start(
    argv: Sequence[str], env: Mapping[str, str], cwd: str | None, path: Sequence[str], *, has_input: bool
) -> subprocess.Popen[bytes]:
    folder = None if cwd is None else to_bytes(cwd)
    words = [to_bytes(argument) for argument in argv]
    environment = build_environment({"env": env, "path": path}, {})
    try:
        try:
            return subprocess.Popen(
                words,
                executable=find_program(words[0], environment.get(b"PATH", os.defpath.encode()), folder),
                stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=environment,
                # The leader of a session, such as an engine process, is ended with its whole group; elsewhere the
                # command gets a group of its own, so that it can be ended with all that it has started.
                process_group=None if os.getsid(0) == os.getpid() else 0,
            )
        except OSError as exc:
            raise explained(exc, words[0], folder) from exc
    except NotStarted as exc:
        host = os.uname().nodename
        raise CommandNotStarted(f"{exc} (on host {host})", host=host, argv=tuple(argv), kind=exc.kind) from exc


def _converse(process: subprocess.Popen[bytes], data: bytes, tail: deque[str]) -> None:
    """Give it what it reads, pass on what it writes, until it has ended and nobody holds its output."""
    left = memoryview(data)
    with selectors.DefaultSelector() as selector:
        for pipe, stream, last in ((process.stdout, sys.stdout, None), (process.stderr, sys.stderr, tail)):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, _Reader(pipe, stream, last))
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            ended = process.poll() is not None
            ready = selector.select(_LOOK_S)
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    left = _feed(process.stdin, left)
                    if not left:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                elif not key.data.pass_on():
                    selector.unregister(key.fileobj)
            if ended and not ready:  # others that it has started may hold its output for long
                break
    process.wait()


def _feed(pipe: IO[bytes], left: memoryview) -> memoryview:
    try:
        return left[os.write(pipe.fileno(), left[:_PIECE_BYTES]) :]
    except BlockingIOError:
        return left
    except BrokenPipeError:  # it does not want the rest
        return left[:0]


class _Reader:
    """Passes on what comes through a pipe.

    Args:
        pipe: What the command writes to.
        stream: Where it goes.
        tail: Where it is kept as well.
    """

    def __init__(self, pipe: IO[bytes], stream: TextIO, tail: deque[str] | None) -> None:
        self._pipe = pipe
        self._stream = stream
        self._tail = tail
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def pass_on(self) -> bool:
        """Pass on what is there; whether there may be more."""
        with suppress(BlockingIOError):
            data = os.read(self._pipe.fileno(), _PIECE_BYTES)
            if text := self._decoder.decode(data, final=not data):
                self._stream.write(text)
                if self._tail is not None:
                    self._tail.append(text)
            return bool(data)
        return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it has started."""
    others = _descendants(process.pid)
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signum)
            else:
                os.kill(process.pid, signum)
        for pid in others:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signum)
        # It is not waited for before both were sent: until then its number, and that of its group, is its own.
        deadline = time.monotonic() + _GRACE_S
        while signum == signal.SIGTERM and not _has_ended(process) and time.monotonic() < deadline:
            time.sleep(_LOOK_S / 10)
    process.wait()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _descendants(pid: int) -> list[int]:
    """The processes that one has started, and those that these have; where the system does not tell, none."""
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                children = [int(word) for word in file.read().split()]
            found += children
            for child in children:
                found += _descendants(child)
    return found
