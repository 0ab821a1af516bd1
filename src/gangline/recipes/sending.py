"""How a node script's messages leave its process.

Rules:
    A message is handed to the system before the call that logged it returns. So a crash, however hard, loses nothing;
    a call costs about five microseconds more than if messages were gathered.
    Where the log port cannot be reached, messages go as marked lines over standard error, from which the recipe takes
    them back.
    A forked child has a connection of its own: lines of two processes on one connection would run into each other.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque

from gangline.recipes.records import encode, to_line

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing would take a fifth of the time that is left to a node script's start
    from typing import Any

__all__ = ["MARK", "ForwardingHandler", "LogChannel"]

MARK = "\x1egangline"
"""Begins a line of standard error that is a message; the token of the job and the message follow it."""

_STDERR = 2
_CONNECT_S = 10.0
_DELIVERY_S = 600.0
"""So long a receiver that is alive but slow may take to read what was sent."""


class LogChannel:
    """Carries messages to the recipe, one by one.

    Args:
        host: The address of the log port.
        port: Its number, as text.
        token: Says which job this is.

    Attributes:
        trouble: Why the log port is not used; empty if it is.
    """

    def __init__(self, host: str, port: str, token: str) -> None:
        self.trouble = ""
        self._host = host
        self._port = port
        self._token = token
        self._pid = os.getpid()
        self._waiting: deque[bytes] = deque()
        self._sent = 0
        self._sending = False
        self._socket = self._connect()

    def _connect(self) -> socket.socket | None:
        try:
            connection = socket.create_connection((self._host, int(self._port)), _CONNECT_S)
            if connection.getsockname() == connection.getpeername():  # so it may be where nobody listens
                connection.close()
                raise ConnectionRefusedError("nobody listens there")
            connection.settimeout(None)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(encode({"token": self._token}).encode("ascii") + b"\n")
        except (OSError, ValueError, OverflowError) as exc:
            self.trouble = f"{type(exc).__name__}: {exc}"
            return None
        return connection

    def send(self, message: dict[str, Any]) -> None:
        """Send a message.

        Raises:
            TypeError, ValueError, RecursionError: JSON cannot express it; nothing was sent.
        """
        self.send_line(encode(message).encode("ascii") + b"\n")

    def send_line(self, line: bytes) -> None:
        """Send a message that is a line already.

        It may be called again before it returns, by a signal handler that logs; not by two threads at once.
        """
        if self._pid != os.getpid():
            self._begin_in_child()
        self._waiting.append(line)
        if self._sending:  # by whom the signal interrupted; it goes on with this line
            return
        self._sending = True
        try:
            self._send_waiting()
        finally:
            self._sending = False

    def _begin_in_child(self) -> None:
        self._pid = os.getpid()
        self._waiting.clear()
        self._sent = 0
        self._sending = False
        if self._socket is not None:
            self._socket.close()
            self._socket = self._connect()

    def _send_waiting(self) -> None:
        waiting = self._waiting
        while waiting:
            line = waiting[0]
            if self._socket is None:
                _write_all(f"\n{MARK} {self._token} ".encode() + line)
                waiting.popleft()
                continue
            try:
                self._sent += self._socket.send(line[self._sent :])
            except OSError as exc:
                self.trouble = f"{type(exc).__name__}: {exc}"
                self._sent = 0
                self._socket.close()
                self._socket = None
                continue
            # Noted at once, so that an exception out of a signal handler leaves whole lines.
            if self._sent == len(line):
                self._sent = 0
                waiting.popleft()

    def close(self) -> None:
        """Wait until all has been read at the other end, and leave. In a forked child: only leave."""
        connection, self._socket = self._socket, None
        if connection is None or self._pid != os.getpid():
            return
        try:
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(_DELIVERY_S)
            while connection.recv(4096):
                pass  # nothing is sent this way, except the end
        except OSError as exc:
            self.trouble = f"{type(exc).__name__}: {exc}"
        finally:
            connection.close()


def _write_all(data: bytes) -> None:
    try:
        while data:
            data = data[os.write(_STDERR, data) :]
    except OSError:  # nobody reads standard error either: there is no way left
        return


class ForwardingHandler(logging.Handler):
    """Sends records through a channel, each once, however many loggers have this handler."""

    def __init__(self, channel: LogChannel, level: int) -> None:
        super().__init__(level)
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        """Send the record, if it has not been."""
        if "_gangline_sent" in record.__dict__:
            return
        record.__dict__["_gangline_sent"] = True
        try:
            self._channel.send_line(to_line(record))
        except Exception:  # what the record carries is the user's
            self.handleError(record)

    def send(self, message: dict[str, Any]) -> None:
        """Send another message in between.

        Raises:
            TypeError, ValueError, RecursionError: JSON cannot express it; nothing was sent.
        """
        self.acquire()
        try:
            self._channel.send(message)
        finally:
            self.release()
