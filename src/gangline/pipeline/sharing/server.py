"""The process in which a shared logger lives: takes what other processes write, and keeps the lock for them.

The rules:

- It listens on a socket in a directory that only this user can enter, and only from the moment when a logger or lock is
  first sent to another process.
- Whoever connects has to prove that it knows the key (`multiprocessing.connection` does that, both ways).
- Messages are JSON of limited size; nothing is ever unpickled.
- A lock is held by a connection. When its process ends, the lock is free again.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import secrets
import shutil
import tempfile
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from typing import Any, NamedTuple

__all__ = ["MAX_MESSAGE_BYTES", "Address", "LogServer", "server"]

MAX_MESSAGE_BYTES = 4 << 20
_LONGEST_SOCKET_PATH = 90
_LEVEL_NAMES = ("debug", "info", "warning", "error", "critical")


class Address(NamedTuple):
    """How another process finds the server, and what it proves itself with."""

    path: str
    key: bytes


class Shared(NamedTuple):
    """One logger and its lock."""

    logger: Any
    lock: threading.Lock


def write(logger: Any, level: int | str, message: str) -> None:
    """Have the logger write a message: by the name of a level, or by its number."""
    if isinstance(level, str):
        if level not in _LEVEL_NAMES:
            return
        getattr(logger, level)(message)
    else:
        logger.log(level, message)


class LogServer:
    """Serves all shared loggers of this process.

    Attributes:
        id: Its own name, never used twice.
        pid: The process that it belongs to.
    """

    def __init__(self) -> None:
        self.id = secrets.token_hex(8)
        self.pid = os.getpid()
        self._shared: dict[str, Shared] = {}
        self._starting = threading.Lock()
        self._address: Address | None = None

    def add(self, logger: Any) -> str:
        """Share a logger; gives the number that others name it by."""
        number = secrets.token_hex(8)
        self._shared[number] = Shared(logger, threading.Lock())
        return number

    def get(self, number: str) -> Shared:
        """A shared logger."""
        return self._shared[number]

    def address(self) -> Address:
        """Where it listens; it begins to with the first question."""
        with self._starting:
            if self._address is None:
                self._address = self._listen()
            return self._address

    def _listen(self) -> Address:
        directory = tempfile.mkdtemp(prefix="gangline-log-")
        if len(directory) > _LONGEST_SOCKET_PATH:  # sockets have short names only
            shutil.rmtree(directory)
            directory = tempfile.mkdtemp(prefix="gangline-log-", dir="/tmp")
        address = Address(os.path.join(directory, "socket"), secrets.token_bytes(32))
        listener = Listener(address.path, "AF_UNIX", backlog=64, authkey=address.key)
        threading.Thread(target=self._accept, args=(listener,), name="gangline-log-server", daemon=True).start()
        _close_at_exit(listener, directory)
        return address

    def _accept(self, listener: Listener) -> None:
        while True:
            try:
                connection = listener.accept()
            except AuthenticationError:
                continue
            except (OSError, EOFError):
                # A process that went away while it proved itself; or too many open files, which may pass.
                threading.Event().wait(0.01)
                continue
            threading.Thread(target=self._serve, args=(connection,), name="gangline-log", daemon=True).start()

    def _serve(self, connection: Connection[Any, Any]) -> None:
        held: set[str] = set()
        try:
            with connection:
                while True:
                    request = json.loads(connection.recv_bytes(MAX_MESSAGE_BYTES))
                    connection.send_bytes(json.dumps(self._answer(request, held)).encode())
        except (EOFError, OSError, ValueError, KeyError, TypeError):
            return  # the process has ended, or it does not speak as ours do
        finally:
            for number in held:
                self._shared[number].lock.release()

    def _answer(self, request: Any, held: set[str]) -> Any:
        verb, number, *rest = request
        shared = self._shared[number]
        if verb == "log":
            self._write(shared.logger, *rest)
            return True
        if verb == "acquire":
            if shared.lock.acquire(*rest):
                held.add(number)
                return True
            return False
        if verb == "release" and number in held:
            held.remove(number)
            shared.lock.release()
            return True
        return False

    @staticmethod
    def _write(logger: Any, level: int | str, message: str) -> None:
        try:
            write(logger, level, message)
        except Exception:  # the logger is the user's
            logging.getLogger(__name__).exception("a shared logger failed")


def _close_at_exit(listener: Listener, directory: str) -> None:
    owner = os.getpid()

    def close() -> None:
        if os.getpid() == owner:
            with contextlib.suppress(OSError):
                listener.close()  # which removes the socket
            shutil.rmtree(directory, ignore_errors=True)

    atexit.register(close)


_server: LogServer | None = None


def server() -> LogServer:
    """The server of this process."""
    global _server
    if _server is None or _server.pid != os.getpid():
        _server = LogServer()
    return _server
