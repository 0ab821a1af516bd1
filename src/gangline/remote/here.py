"""A command that runs on this host, as a child of this process."""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from typing import IO, TextIO

from gangline.errors import CommandNotStarted
from gangline.remote.agent.spawn import NotStarted, build_environment, explained, find_program, to_bytes
from gangline.remote.command import Command, CommandResult, failure_of

__all__ = ["run_here", "signal_name"]

_PIECE_BYTES = 65536
_LOOK_S = 0.1
"""How long a thread waits at most before it looks whether it has been interrupted."""
_GRACE_S = 2.0
_TAIL_LINES = 20


def run_here(command: Command) -> CommandResult:
    """Run a command; what it writes goes to `sys.stdout` and `sys.stderr` as it comes.

    It has the variables of this process besides its own. Whatever interrupts the wait ends it with all that it started.

    Raises:
        CommandFailed: It ended with another exit code than 0, or by a signal.
        CommandNotStarted: It could not be started.
    """
    started_at, begun = time.time(), time.monotonic()
    process = _start(command)
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    try:
        _converse(process, command.input, tail)
    except BaseException:  # an interrupt
        _end(process)
        raise
    finally:
        with process:  # closes its pipes, and waits for it
            pass
    code = process.returncode
    result = CommandResult(
        host=os.uname().nodename,
        argv=command.argv,
        pid=process.pid,
        exit_code=None if code < 0 else code,
        signal=signal_name(-code) if code < 0 else "",
        duration_s=time.monotonic() - begun,
        started_at=started_at,
        stderr_tail=tuple("".join(tail).splitlines()[-_TAIL_LINES:]),
    )
    if not result.ok:
        raise failure_of(result)
    return result


def signal_name(number: int) -> str:
    """The name of a signal, such as SIGKILL."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _start(command: Command) -> subprocess.Popen[bytes]:
    folder = None if command.cwd is None else to_bytes(command.cwd)
    argv = [to_bytes(argument) for argument in command.argv]
    environment = build_environment({"env": command.env, "path": command.path}, {})
    try:
        try:
            return subprocess.Popen(
                argv,
                executable=find_program(argv[0], environment.get(b"PATH", os.defpath.encode()), folder),
                stdin=subprocess.PIPE if command.input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder,
                env=environment,
                # The leader of a session, such as an engine process, is ended with its whole group; elsewhere the
                # command gets a group of its own, so that it can be ended with all that it has started.
                process_group=None if os.getsid(0) == os.getpid() else 0,
            )
        except OSError as exc:
            raise explained(exc, argv[0], folder) from exc
    except NotStarted as exc:
        host = os.uname().nodename
        raise CommandNotStarted(f"{exc} (on host {host})", host=host, argv=command.argv, kind=exc.kind) from exc


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
    """End it with its group, if it has one of its own."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            if process.poll() is None and os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signum)
            else:
                process.send_signal(signum)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
            return
