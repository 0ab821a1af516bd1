"""A connection to one host, shared by all jobs there.

Rules:
- Handing over a job does not wait: what cannot be written at once is written by the connection's thread.
- Listeners and ends are called on that thread, in the order in which the host reports.
- A connection is lost once; then every job that has not ended fails with `HostLost`, and after that its owner is told.
"""

from __future__ import annotations

import json
import logging
import math
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gangline.errors import HostLost, HostUnreachable, UsageError
from gangline.remote import keepalive
from gangline.remote.agent import wire
from gangline.remote.carrying import BOOT, blob
from gangline.remote.channel import Channel
from gangline.remote.command import LOG_TOKEN, Command, Listener
from gangline.remote.hosts import is_this_host
from gangline.remote.job import OnEnd, RemoteJob
from gangline.remote.ssh import SshFailure, SshOptions, build_ssh_argv, parse_ssh_failure

__all__ = ["ConnectionOptions", "HostConnection", "HostInfo"]

_log = logging.getLogger("gangline.remote")

_HANDSHAKES_MAX = 8
"""So many connections are being made at once; sshd refuses some when there are more than ten."""

_HANDSHAKES = threading.BoundedSemaphore(_HANDSHAKES_MAX)

_TRIES = 3
_PREAMBLE_BYTES = 2**16
"""How much a host may say before its agent does."""

_LEAVE_S = 4.0
"""How long an agent may take to end everything on its host."""


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How hosts are reached and watched.

    Args:
        ssh: The way to them.
        keepalive_s: Within what time it is noticed, on both sides, that a connection is dead.

    Raises:
        UsageError: The time is not at least one second.
    """

    ssh: SshOptions = field(default_factory=SshOptions)
    keepalive_s: float = 10.0

    def __post_init__(self) -> None:
        if not 1 <= self.keepalive_s < float("inf"):
            raise UsageError(f"keepalive_s must be a number of seconds, 1 or more, not {self.keepalive_s!r}")

    @property
    def ping_interval_s(self) -> float:
        """How often signs of life are given."""
        return self.keepalive_s / 4

    @property
    def silence_s(self) -> float:
        """After how much silence a connection is dead: an interval less, since it is looked for once in an interval."""
        return self.keepalive_s - self.ping_interval_s


@dataclass(frozen=True, slots=True)
class HostInfo:
    """What a host says of itself.

    Attributes:
        hostname: Its own name.
        python: The version of the Python there.
        cores: How many may be used.
        pid: The agent's process there.
    """

    hostname: str
    python: str
    cores: int
    pid: int


class HostConnection:
    """The connection to a host. Every method may be called from any thread.

    Args:
        host: Its name; "localhost", "" and this host's own name need no ssh.
        options: How it is reached.
        on_lost: Called once, on the connection's thread, when an established connection is lost.
    """

    def __init__(
        self,
        host: str,
        options: ConnectionOptions | None = None,
        on_lost: Callable[[HostLost], None] | None = None,
    ) -> None:
        self.host = host
        self.info: HostInfo | None = None
        self._options = options or ConnectionOptions()
        self._on_lost = on_lost
        self._local = is_this_host(host)
        self._lock = threading.Lock()
        self._channel: Channel | None = None
        self._decoder = wire.Decoder()
        self._preamble = b""
        self._spoken = False
        self._changed = threading.Event()
        self._gone = threading.Event()
        self._closing = False
        self._jobs: dict[int, RemoteJob] = {}
        self._next = 0
        self._heard_at = 0.0
        self._lost_reason = ""
        self._environment: dict[str, str] = {}

    # Making it -------------------------------------------------------------------------------------------------

    def connect(self) -> HostInfo:
        """Make the connection; returns when the host is ready for jobs.

        Raises:
            HostUnreachable: It cannot be made; the reason tells an unknown name, a refused connection, a refused key,
                an unknown or changed host key, a missing Python and silence apart.
        """
        with _HANDSHAKES:
            for attempt in range(1, _TRIES + 1):
                if self._closing:
                    raise HostUnreachable(self.host, "the connection was closed before it was made")
                failure = self._try_to_connect()
                if failure is None:
                    break
                if not failure.at_once or attempt == _TRIES:
                    raise HostUnreachable(self.host, failure.reason, retryable=failure.retryable)
                time.sleep(0.2 * attempt * (1 + secrets.randbelow(100) / 100))  # not all that were refused at once
        assert self.info is not None
        if not self._local:
            keepalive.watch(self)
            if self._gone.is_set():  # perhaps before it was watched
                keepalive.unwatch(self)
        return self.info

    def _try_to_connect(self) -> SshFailure | None:
        """Make one attempt; None if it succeeded."""
        self._changed.clear()
        self._gone.clear()
        self._decoder, self._preamble, self._spoken = wire.Decoder(), b"", False
        try:
            channel = Channel(self._argv(), self._environment_of_agent(), f"gangline-host-{self.host}", self._on_data)
        except OSError as exc:
            return SshFailure(f"{'its agent' if self._local else 'ssh'} cannot be started here: {exc}", False)
        with self._lock:
            self._channel = channel
            if self._closing:
                channel.kill()
        channel.start()
        options = {"keepalive_s": 0 if self._local else self._options.silence_s, "parent": os.getpid() * self._local}
        channel.write(blob(options))
        if not self._changed.wait(2 * self._options.ssh.connect_timeout_s):
            channel.kill()
            self._gone.wait()
            said = f" ({channel.said.strip()})" if channel.said.strip() else ""
            return SshFailure(f"it does not answer: no agent has started there{said}", True)
        if self.info is not None:
            gone = self._gone.is_set()
            return SshFailure("it was lost as soon as it was there", True) if gone else None
        code = channel.wait(1.0)
        if self._lost_reason:
            return SshFailure(self._lost_reason, False)
        if self._local:
            return SshFailure(f"its agent ended with exit code {code}: {channel.said.strip()}", False)
        return parse_ssh_failure(self.host, code, channel.said, self._options.ssh.python)

    def _argv(self) -> list[str]:
        if self._local:
            return [sys.executable, "-I", "-S", "-c", BOOT]
        return build_ssh_argv(self.host, self._options.ssh, BOOT, math.ceil(self._options.keepalive_s / 2))

    def _environment_of_agent(self) -> Mapping[str, str] | None:
        if not self._local:
            return None
        self._environment = dict(os.environ)
        return self._environment

    # Jobs ------------------------------------------------------------------------------------------------------

    def run(self, command: Command, listener: Listener | None, on_end: OnEnd) -> RemoteJob:
        """Have a command run.

        Args:
            command: What to run.
            listener: Who hears what it says; None: nobody.
            on_end: Called once when it has ended, or could not be started, or the connection was lost.
        """
        token = "" if command.logs is None else command.env.get(LOG_TOKEN) or secrets.token_hex(16)
        order = self._order(command, token)
        with self._lock:
            self._next += 1
            job = RemoteJob(self._next, self.host, command, token, listener, on_end)
            channel = self._channel if self.info is not None and not self._gone.is_set() else None
            if channel is not None:
                self._jobs[job.number] = job
                channel.write(wire.pack_json(wire.RUN, job.number, order))
                self._send_input(channel, job.number, command.input)
                if command.input and not command.open_input:
                    channel.write(wire.pack(wire.INPUT, job.number))
        if channel is None:
            job.fail(HostLost(self.host, self._lost_reason or "it is not connected"))
        return job

    def _send_input(self, channel: Channel, job: int, data: bytes) -> None:
        for start in range(0, len(data), wire.CHUNK_BYTES):
            channel.write(wire.pack(wire.INPUT, job, data[start : start + wire.CHUNK_BYTES]))

    def feed(self, job: RemoteJob, data: bytes) -> None:
        """Have a job whose input is open read this."""
        with self._lock:
            if self._channel is not None:
                self._send_input(self._channel, job.number, data)

    def _order(self, command: Command, token: str) -> dict[str, Any]:
        environment: dict[str, str | None] = {}
        cwd = command.cwd
        if self._local:  # as a child of this process would have it
            now = dict(os.environ)
            environment = {name: value for name, value in now.items() if self._environment.get(name) != value}
            environment.update(dict.fromkeys(self._environment.keys() - now.keys()))
            cwd = _from_here(cwd or "")
        environment["GANGLINE_HOST"] = self.host
        if token:
            environment["GANGLINE_LOG_LEVEL"] = str(command.log_level)
        environment.update(command.env)
        return {
            "argv": list(command.argv),
            "env": environment,
            "cwd": cwd,
            "path": list(command.path),
            "input": bool(command.input) or command.open_input,
            "logs": command.logs,
            "token": token,
        }

    def end(self, job: RemoteJob) -> None:
        """End a job's process group: SIGTERM and, after a grace of two seconds, SIGKILL."""
        self._send(wire.pack(wire.END, job.number))

    def kill(self, job: RemoteJob) -> None:
        """End a job's process group by force."""
        self._send(wire.pack(wire.KILL, job.number))

    def send_signal(self, job: RemoteJob, number: int) -> None:
        """Send a signal to a job's process group."""
        self._send(wire.pack_json(wire.SIGNAL, job.number, number))

    def _send(self, frame: bytes) -> None:
        if self._channel is not None:
            self._channel.write(frame)

    # Ending ----------------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Begin to end everything on the host; `close` waits for it."""
        with self._lock:
            self._closing = True
        keepalive.unwatch(self)
        self._send(wire.pack(wire.BYE))

    def close(self, timeout_s: float = _LEAVE_S) -> None:
        """End everything on the host and the connection; within that time."""
        self.leave()
        if self._channel is not None and not self._gone.wait(timeout_s if self.info is not None else 0):
            self._channel.kill()
            self._gone.wait(1.0)

    # Keepalive -------------------------------------------------------------------------------------------------

    def ping(self, now: float) -> None:
        """Give a sign of life; and if there has been none from the host for too long, take the connection as lost."""
        channel = self._channel
        if channel is None or self._gone.is_set():
            return
        if not channel.busy and now - self._heard_at > self._options.silence_s:
            self._lost_reason = f"nothing has been heard from it for {now - self._heard_at:.1f} s"
            channel.kill()
            return
        channel.write(wire.pack(wire.PING))

    @property
    def ping_interval_s(self) -> float:
        """How often it wants to be pinged."""
        return self._options.ping_interval_s

    # What the host says, on the connection's thread ------------------------------------------------------------

    def _on_data(self, data: bytes) -> None:
        self._heard_at = time.monotonic()
        if not data:
            self._on_gone()
            return
        try:
            if not self._spoken:
                data = self._after_preamble(data)
            for kind, number, payload in self._decoder.feed(data):
                self._on_frame(kind, number, payload)
        except (ValueError, LookupError, TypeError, RecursionError) as exc:
            # Not from the agent: something else writes into the connection.
            self._lost_reason = f"it sent what is no report of an agent: {exc}"
            assert self._channel is not None
            self._channel.kill()
        self._heard_at = time.monotonic()  # listeners may have taken long, and meanwhile nothing could be heard

    def _after_preamble(self, data: bytes) -> bytes:
        """What comes after the agent's first word; shells may have said something before."""
        self._preamble += data
        before, mark, after = self._preamble.partition(wire.MAGIC)
        if mark:
            self._spoken, self._preamble = True, b""
            return after
        if len(before) > _PREAMBLE_BYTES:
            raise wire.FrameError("its shell says too much before the agent can start")
        return b""

    def _on_frame(self, kind: int, number: int, payload: bytes) -> None:
        job = self._jobs.get(number)
        if job is not None:
            if job.on_frame(kind, payload):
                self._jobs.pop(number, None)
        elif kind == wire.HELLO:
            said = json.loads(payload)
            self.info = HostInfo(str(said["hostname"]), str(said["python"]), int(said["cores"]), int(said["pid"]))
            self._changed.set()
        elif kind == wire.WARNING:
            _log.warning("host %s: %s", self.host, json.loads(payload))

    def _on_gone(self) -> None:
        """The connection is at its end."""
        with self._lock:
            established = self.info is not None
            self._gone.set()
            jobs, self._jobs = list(self._jobs.values()), {}
        self._changed.set()
        if not established:
            return
        keepalive.unwatch(self)
        if not self._lost_reason:
            said = self._channel.said.strip() if self._channel is not None else ""
            self._lost_reason = said.rpartition("\n")[2] or "it was closed from the other side"
        lost = HostLost(self.host, "the connection was closed" if self._closing else self._lost_reason)
        for job in jobs:
            job.fail(lost)
        if self._on_lost is not None and not self._closing:
            self._on_lost(lost)


def _from_here(folder: str) -> str:
    """A folder as this process means it."""
    if os.path.isabs(folder):
        return folder
    try:
        return os.path.join(os.getcwd(), folder)
    except FileNotFoundError:  # the agent will not find it either, and says so
        return os.path.join("(the current folder, which was removed)", folder).rstrip("/")


def _begin_in_fork() -> None:
    """Those who were making connections are not here, and would never let others have their turn."""
    global _HANDSHAKES
    _HANDSHAKES = threading.BoundedSemaphore(_HANDSHAKES_MAX)


os.register_at_fork(after_in_child=_begin_in_fork)
