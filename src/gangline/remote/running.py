"""One command on one host, without a scheduler."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gangline.errors import RemoteError, UsageError
from gangline.remote.command import Command, CommandResult, Stream, failure_of
from gangline.remote.connection import ConnectionOptions, HostConnection
from gangline.remote.ssh import SshOptions

__all__ = ["run"]

_Outcome = CommandResult | RemoteError
_NO_ENV: Mapping[str, str] = {}


def run(
    host: str,
    argv: Sequence[str],
    *,
    env: Mapping[str, str] = _NO_ENV,
    cwd: str | None = None,
    input: bytes = b"",
    time_limit_s: float | None = None,
    on_line: Callable[[Stream, str], None] | None = None,
    keepalive_s: float = 10.0,
    ssh: SshOptions | None = None,
) -> CommandResult:
    """How a command ended on a host, whatever its exit code.

    Whatever ends this call, an interrupt too, ends the command with its whole process group.

    Args:
        host: The host's name, as ssh knows it; "localhost" is this one.
        argv: The program and its arguments, which reach it exactly as they are.
        env: Variables beside those that the host has by itself.
        cwd: The folder to start in; None is the home folder, or on this host the present one.
        input: What the program reads from its standard input.
        time_limit_s: How long it may run, in seconds; None is for ever.
        on_line: Called with "stdout" or "stderr" and each line, while the command runs, from another thread.
        keepalive_s: Within how many seconds it is noticed that the connection is dead.
        ssh: How hosts are reached.

    Raises:
        UsageError: An argument is no text, or the time limit is not above 0.
        HostUnreachable: There is no connection; its `retryable` says whether another try can help.
        HostLost: The connection was lost while the command ran; what runs there ends by itself. Another try can help.
        CommandNotStarted: The command was not found, is not executable, or the like.
        CommandTimedOut: It ran longer than it may.
    """
    if time_limit_s is not None and not time_limit_s > 0:
        raise UsageError(f"time_limit_s must be above 0, not {time_limit_s}")
    command = Command(tuple(argv), env=dict(env), cwd=cwd, input=input)
    connection = HostConnection(host, ConnectionOptions(ssh or SshOptions(), keepalive_s))
    outcome: list[_Outcome] = []
    ended = threading.Event()

    def on_end(how: _Outcome) -> None:
        outcome.append(how)
        ended.set()

    try:
        connection.connect()
        job = connection.run(command, None if on_line is None else _Lines(on_line), on_end)
        in_time = ended.wait(time_limit_s)
        if not in_time:
            connection.end(job)
            ended.wait()
    finally:
        connection.close()
    (how,) = outcome
    if isinstance(how, RemoteError):
        raise how
    if not in_time:
        raise failure_of(how, time_limit_s=time_limit_s)
    return how


class _Lines:
    """Hears lines only."""

    def __init__(self, on_line: Callable[[Stream, str], None]) -> None:
        self.on_line = on_line

    def on_start(self) -> None:
        """It is not waited for."""

    def on_message(self, message: Mapping[str, Any]) -> None:
        """There are none without a log channel."""
