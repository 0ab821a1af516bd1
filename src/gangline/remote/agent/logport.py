"""Where node scripts on this host hand in their log records: a port of the loopback, for those who know a job's token.

What comes is passed on as it came, in whole lines; the master reads and checks them. Strangers cost next to nothing.

Rules:
- A connection's first line is {"token": "..."}; until then it counts as a stranger's.
- A line that is too long, a wrong token and long silence before the token end the connection.
- It is closed from this side when all has been taken in, so whoever reads until the end knows that all has arrived.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable

from gangline.remote.agent import wire
from gangline.remote.agent.loop import Loop
from gangline.remote.agent.outgoing import Outgoing

HOST = "127.0.0.1"
_BACKLOG = 512
_STRANGERS_MAX = 64
_PATIENCE_S = 5.0
_CROWDED_PATIENCE_S = 1.0
_FIRST_LINE_BYTES = 1024
_LINE_BYTES = 2**20
_LAST_BYTES = 2**24
"""How much is still read of each connection when it is waited for no longer."""
_PER_JOB_MAX = 64
"""How many connections one job may have at once."""


class LogPort:
    """Listens, and passes on what jobs hand in.

    Args:
        loop: What calls back.
        outgoing: Where records go.
        on_drained: Called with a job's number when its last connection has closed.
    """

    def __init__(self, loop: Loop, outgoing: Outgoing, on_drained: Callable[[int], None]) -> None:
        self._loop = loop
        self._outgoing = outgoing
        self._on_drained = on_drained
        self._tokens: dict[str, int] = {}
        self._strangers: dict[int, _Connection] = {}
        self._connections: dict[int, set[_Connection]] = {}
        self._refused = 0
        self._told = False
        self._crowded = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.bind((HOST, 0))
        self._socket.listen(_BACKLOG)
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        loop.add_source(self._socket.fileno(), self._accept_all)

    def expect(self, token: str, job: int) -> None:
        """From now on, who brings this token speaks for that job."""
        self._tokens[token] = job
        self._connections[job] = set()

    def open_connections(self, job: int) -> int:
        """How many of a job's connections have not closed yet; takes in what has arrived until now."""
        self._admit_all()
        for connection in list(self._connections[job]):
            connection.on_readable()
        return len(self._connections[job])

    def take_in(self, job: int) -> None:
        """Take in all that a job's connections have brought until now, however much that is."""
        self._admit_all()
        for connection in list(self._connections.get(job, ())):
            connection.take_in(_LAST_BYTES)

    def _admit_all(self) -> None:
        self._accept_all()
        for connection in list(self._strangers.values()):
            connection.on_readable()

    def forget(self, token: str, job: int) -> None:
        """The job is over."""
        if self._tokens.get(token) == job:
            del self._tokens[token]
        for connection in list(self._connections[job]):
            connection.close()
        del self._connections[job]

    def _accept_all(self) -> None:
        while len(self._strangers) < _STRANGERS_MAX:
            try:
                accepted, _ = self._socket.accept()
            except BlockingIOError:
                return
            except OSError:  # it has gone again, or no descriptors are left: look later
                break
            accepted.setblocking(False)
            connection = _Connection(self, accepted)
            self._strangers[connection.fd] = connection
            self._loop.add_source(connection.fd, connection.on_readable)
            self._loop.after(_PATIENCE_S, lambda each=connection: self._refuse_silent(each))  # type: ignore[misc]
        if not self._crowded:
            self._crowded = True
            self._loop.remove_source(self._socket.fileno())
            self._loop.after(_CROWDED_PATIENCE_S, self._make_room)

    def _refuse_silent(self, connection: _Connection) -> None:
        if connection.fd in self._strangers and self._strangers[connection.fd] is connection:
            self.refuse(connection, "said nothing")

    def _make_room(self) -> None:
        """Those who wait to be accepted shall not wait for the silent."""
        if self._crowded:
            for connection in list(self._strangers.values()):
                if connection.age_s() >= _CROWDED_PATIENCE_S:
                    self.refuse(connection, "said nothing")
            self._go_on_accepting()
            if len(self._strangers) >= _STRANGERS_MAX:
                self._accept_all()

    def _forget_stranger(self, connection: _Connection) -> None:
        if self._strangers.pop(connection.fd, None) is not None:
            self._go_on_accepting()

    def _go_on_accepting(self) -> None:
        if self._crowded:
            self._crowded = False
            self._loop.add_source(self._socket.fileno(), self._accept_all)

    # For connections -------------------------------------------------------------------------------------------

    def admit(self, connection: _Connection, line: bytes) -> None:
        """Its first line has come."""
        try:
            token = json.loads(line.decode("utf-8"))["token"]
            job = self._tokens[token]
        except (ValueError, TypeError, LookupError, RecursionError):
            self.refuse(connection, "brought no valid token")
            return
        if len(self._connections[job]) >= _PER_JOB_MAX:
            self.refuse(connection, "was one too many of its job")
            return
        self._forget_stranger(connection)
        self._connections[job].add(connection)
        connection.job = job

    def pass_on(self, job: int, lines: bytes) -> None:
        """Whole lines of a job have come."""
        self._outgoing.send(wire.pack(wire.LOG, job, lines))

    def refuse(self, connection: _Connection, why: str) -> None:
        """Have nothing to do with a connection any more; the first time, tell the master."""
        self._refused += 1
        if not self._told:
            self._told = True
            text = f"a connection to the log port was refused: it {why} (others will not be reported)"
            self._outgoing.send(wire.pack_json(wire.WARNING, 0, text))
        connection.close()

    def on_closed(self, connection: _Connection) -> None:
        """A connection is over."""
        self._loop.remove_source(connection.fd)
        self._forget_stranger(connection)
        job = connection.job
        if job is not None and connection in self._connections.get(job, ()):
            self._connections[job].discard(connection)
            if not self._connections[job]:
                self._on_drained(job)


class _Connection:
    """One connection to the port."""

    def __init__(self, port: LogPort, accepted: socket.socket) -> None:
        self.fd = accepted.fileno()
        self.job: int | None = None
        self._port = port
        self._socket = accepted
        self._since = time.monotonic()
        self._rest = bytearray()
        self._closed = False

    def age_s(self) -> float:
        """How long it has been open."""
        return time.monotonic() - self._since

    def on_readable(self) -> None:
        """Take in what has come."""
        self._read()

    def take_in(self, most_bytes: int) -> None:
        """Take in all that has come, or about so much of it."""
        count = 1
        while most_bytes > 0 and count:
            count = self._read()
            most_bytes -= count

    def _read(self) -> int:
        """Take in a part of what has come; 0 when there is nothing."""
        if self._closed:
            return 0
        try:
            data = self._socket.recv(wire.CHUNK_BYTES)
        except BlockingIOError:
            return 0
        except OSError:
            data = b""
        if not data:
            self.close()
            return 0
        self._rest += data
        if self.job is None:
            self._take_first_line()
        if self.job is not None and not self._closed:
            self._take_lines()
        return len(data)

    def _take_first_line(self) -> None:
        end = self._rest.find(b"\n", 0, _FIRST_LINE_BYTES)
        if end >= 0:
            line = bytes(self._rest[:end])
            del self._rest[: end + 1]
            self._port.admit(self, line)
        elif len(self._rest) >= _FIRST_LINE_BYTES:
            self._port.refuse(self, "did not begin with a token")

    def _take_lines(self) -> None:
        end = self._rest.rfind(b"\n") + 1
        if end:
            assert self.job is not None
            self._port.pass_on(self.job, bytes(self._rest[:end]))
            del self._rest[:end]
        if len(self._rest) > _LINE_BYTES:
            self._port.refuse(self, "sent a line that is too long")

    def close(self) -> None:
        """Close it, as having been read to its end."""
        if not self._closed:
            self._closed = True
            if self.job is not None and self._rest:
                self._port.pass_on(self.job, bytes(self._rest) + b"\n")
            self._port.on_closed(self)
            with contextlib.suppress(OSError):
                self._socket.close()
