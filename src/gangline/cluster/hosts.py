"""What a keeper knows of the hosts of its cluster, and of the program that it has there."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gangline.cluster.configuration import ClusterConfiguration
from gangline.errors import RemoteError
from gangline.remote.command import Command, CommandResult, Stream
from gangline.remote.connection import HostConnection
from gangline.remote.job import RemoteJob

__all__ = [
    "Engine",
    "EngineReport",
    "Host",
    "Losses",
    "Nursery",
    "find_addresses",
    "find_own_address",
    "in_words",
    "is_loopback",
]

LAST_LINES = 5
_AWAY = ("192.0.2.1", 9)
"""An address that is nobody's (RFC 5737), and beyond every site."""

_LOSSES_MAX = 5
_LOSSES_S = 60.0

EngineState = Literal["starting", "up", "failed", "ended"]


@dataclass(slots=True)
class EngineReport:
    """One engine of a cluster.

    Attributes:
        name: As the scheduler has it: host and number.
        host: Where it is.
        state: "starting", "up", "failed" (it never came up) or "ended".
        pid: Its process there.
        reason: Why it is not up, with the last lines that it wrote; of one that is up: in whose place, and why.
        job: The site's number of the job that it belongs to; empty if that is not its way.
    """

    name: str
    host: str
    state: EngineState = "starting"
    pid: int = 0
    reason: str = ""
    job: str = ""


@dataclass(eq=False, slots=True)
class Engine:
    """An engine, as its keeper has it.

    Attributes:
        report: What is said of it.
        ordered: Its host has been told to start it.
        last: What it has written last.
    """

    report: EngineReport
    ordered: bool = False
    last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    @property
    def lives(self) -> bool:
        """Whether it is up, or may still come up."""
        return self.report.state in ("starting", "up")

    def over(self, reason: str) -> None:
        """It will not be of use, or not any more; what was said first stands."""
        if self.lives:
            self.report.state = "ended" if self.report.state == "up" else "failed"
            self.report.reason = "\n    ".join([reason, *self.last])


class Losses:
    """Whether what was lost is to be replaced: not when so much was lost within a minute that it would go on so."""

    def __init__(self) -> None:
        self._at: deque[float] = deque(maxlen=_LOSSES_MAX)

    def on_loss(self, now: float) -> bool:
        """Count one; whether it may be replaced.

        Args:
            now: The time, in seconds.
        """
        too_many = len(self._at) == _LOSSES_MAX and now - self._at[0] < _LOSSES_S
        self._at.append(now)
        return not too_many


class Nursery:
    """The program on a host that starts its processes; a command of the keeper, and a listener to it.

    Args:
        connection: The connection to the host.
        on_word: Called with each word of it.
        on_end: Called once, with why it has ended.
    """

    def __init__(
        self, connection: HostConnection, on_word: Callable[[Mapping[str, Any]], None], on_end: Callable[[str], None]
    ) -> None:
        self.connection = connection
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        self.ended = ""
        self._on_word = on_word
        self._on_end_of_it = on_end
        self._job: RemoteJob | None = None

    def start(self, configuration: ClusterConfiguration, *, away: bool) -> None:
        """Have it run; what it needs to know is said later."""
        folders = [*configuration.pythonpath, *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        found = os.pathsep.join(folder for folder in folders if folder)
        command = Command(
            ((configuration.python or "python") if away else sys.executable, "-m", "gangline.cluster.nursery"),
            env={"PYTHONPATH": found} if found else {},
            path=(os.path.dirname(sys.executable),),
            open_input=True,
        )
        self._job = self.connection.run(command, self, self._on_end)

    def say(self, order: Mapping[str, Any]) -> None:
        """Give it an order."""
        if self._job is not None:
            self.connection.feed(self._job, json.dumps(order).encode() + b"\n")

    def on_line(self, stream: Stream, line: str) -> None:
        """What it says is JSON on standard output; all else is kept for people."""
        if stream == "stdout":
            try:
                self._on_word(json.loads(line))
                return
            except (ValueError, LookupError, TypeError, RecursionError):  # another program says that, not ours
                pass
        if line.strip():
            self.last.append(line)

    def on_start(self) -> None:
        """It is not waited for."""

    def on_message(self, message: Mapping[str, Any]) -> None:
        """None is sent."""

    def _on_end(self, how: CommandResult | RemoteError) -> None:
        self.ended = "\n    ".join([in_words(how), *self.last])
        self._on_end_of_it(self.ended)


@dataclass(eq=False, slots=True)
class Host:
    """A host of a cluster.

    Attributes:
        name: By which it is configured.
        nursery: The program on it.
        cores: How many it has.
        scheduler: By which address the scheduler is reached from there.
        own_address: Where its engines are to listen; None: Dask finds out.
        ready: It is known, and can be given orders.
        engines: Its engines.
        made: How many it has had; no two have ever had the same name.
        losses: Those that were lost.
    """

    name: str
    nursery: Nursery
    cores: int = 1
    scheduler: str = "127.0.0.1"
    own_address: str | None = None
    ready: bool = False
    engines: list[Engine] = field(default_factory=list)
    made: int = 0
    losses: Losses = field(default_factory=Losses)

    def have(self, count: int) -> list[Engine]:
        """Add engines until there are so many; gives the new ones."""
        numbers = range(self.made, self.made + count - len(self.engines))
        new = [Engine(EngineReport(f"{self.name}-{number}", self.name)) for number in numbers]
        self.made += len(new)
        self.engines += new
        return new

    def replace(self, lost: Engine, now: float) -> Engine | None:
        """Put another one in the place of an engine that was up; None: it is to stay as it is.

        Args:
            lost: The engine.
            now: The time, in seconds.
        """
        if not (self.ready and lost.report.state == "ended" and lost in self.engines):
            return None
        if not self.losses.on_loss(now):
            lost.report.reason += "\n    (no other one is started, since too many were lost within a minute)"
            return None
        why = f"in the place of {lost.report.name}: {lost.report.reason}"
        successor = Engine(EngineReport(f"{self.name}-{self.made}", self.name, reason=why))
        self.made += 1
        self.engines[self.engines.index(lost)] = successor
        return successor


class _Lines:
    """Keeps what a command writes."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def on_line(self, stream: Stream, line: str) -> None:
        """One line."""
        if stream == "stdout":
            self.said.append(line)

    def on_start(self) -> None:
        """It is not waited for."""

    def on_message(self, message: Mapping[str, Any]) -> None:
        """None is sent."""


def find_addresses(connection: HostConnection, timeout_s: float) -> tuple[str, str]:
    """By which addresses that host knows this one, and itself: those of the connection that there is; or ""."""
    listener, ended = _Lines(), threading.Event()
    connection.run(Command(("sh", "-c", 'echo "$SSH_CONNECTION"')), listener, lambda _: ended.set())
    ended.wait(timeout_s)
    here, _, there, *_ = (*" ".join(listener.said).split(), "", "", "")
    return here, there


def find_own_address() -> str:
    """By which address other hosts of a site are likely to know this one: that of its name, if it has one there."""
    with contextlib.suppress(OSError):
        found = socket.gethostbyname(socket.gethostname())
        if not found.startswith("127."):
            return found
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect(_AWAY)  # nothing is sent
        return str(way.getsockname()[0])
    return "127.0.0.1"


def is_loopback(address: str | None) -> bool:
    """Whether nobody but this host can reach that address."""
    return address in ("localhost", "::1") or (address or "").startswith("127.")


def in_words(how: CommandResult | RemoteError) -> str:
    """How a program ended."""
    if isinstance(how, RemoteError):
        return str(how)
    return f"it was ended by {how.signal}" if how.signal else f"it ended with exit code {how.exit_code}"
