"""What a job holds of a shared logger and its lock. In the logger's own process they are used without a detour.

Where the logger cannot be reached, as on another machine, messages go to the logger of the same name in that process,
and the lock holds among the threads of that process.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from typing import Any, Self

from gangline.pipeline.sharing.server import MAX_MESSAGE_BYTES, Address, server, write

__all__ = ["LoggerProxy", "MutexProxy", "share"]

_BYTES_OF_A_LETTER = 16  # at most, as JSON, with room for the rest


class _Line:
    """The connections of this process to one server: one for each thread, so that a lock belongs to a thread."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._local = threading.local()

    def ask(self, *request: Any) -> Any:
        """The server's answer.

        Raises:
            OSError: It cannot be reached.
        """
        data = json.dumps(request).encode()
        connection = self._connection()
        try:
            connection.send_bytes(data)
            return json.loads(connection.recv_bytes(MAX_MESSAGE_BYTES))
        except BaseException as exc:
            # Also after an interrupt: the answer to this request must not be taken for that to the next.
            self._local.__dict__.clear()
            connection.close()
            if isinstance(exc, EOFError):
                raise ConnectionError("the process of the shared logger has ended") from exc
            raise

    def _connection(self) -> Connection[Any, Any]:
        if getattr(self._local, "pid", None) != os.getpid():
            try:
                self._local.connection = Client(self._address.path, "AF_UNIX", authkey=self._address.key)
            except (AuthenticationError, EOFError) as exc:
                raise ConnectionError("the shared logger does not take this process") from exc
            self._local.pid = os.getpid()
        found: Connection[Any, Any] = self._local.connection
        return found


_lines: dict[Address, _Line] = {}


def _line_to(address: Address) -> _Line:
    return _lines.setdefault(address, _Line(address))


class _Proxy:
    """Something shared: here, or at an address."""

    def __init__(self, owner: str, number: str, name: str, address: Address | None = None) -> None:
        self._owner = owner
        self._number = number
        self._name = name
        self._address = address

    @property
    def _here(self) -> bool:
        return self._owner == server().id

    def _line(self) -> _Line:
        if self._address is None:
            raise ConnectionError("a forked process knows no way to the shared logger")
        return _line_to(self._address)

    def __reduce__(self) -> tuple[Any, ...]:
        address = server().address() if self._here else self._address
        return type(self), (self._owner, self._number, self._name, address)


class LoggerProxy(_Proxy):
    """Writes to the shared logger."""

    def debug(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Write a message of level DEBUG; arguments as for the logger's own method."""
        self._write("debug", message, args, kwargs)

    def info(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Write a message of level INFO."""
        self._write("info", message, args, kwargs)

    def warning(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Write a message of level WARNING."""
        self._write("warning", message, args, kwargs)

    def error(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Write a message of level ERROR."""
        self._write("error", message, args, kwargs)

    def critical(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Write a message of level CRITICAL."""
        self._write("critical", message, args, kwargs)

    def exception(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Write a message of level ERROR with the traceback of the exception that is being handled."""
        self._write("error", message, args, {"exc_info": True} | kwargs)

    def log(self, level: int, message: object, *args: Any, **kwargs: Any) -> None:
        """Write a message of any level."""
        self._write(level, message, args, kwargs)

    def _write(self, level: int | str, message: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._here:
            logger = server().get(self._number).logger
            if isinstance(level, str):
                getattr(logger, level)(message, *args, **kwargs)
            else:
                logger.log(level, message, *args, **kwargs)
            return
        text = _text_of(message, args, kwargs)
        try:
            self._line().ask("log", self._number, level, text)
        except OSError:
            write(logging.getLogger(self._name), level, text)

    def __repr__(self) -> str:
        return f"<LoggerProxy {self._name!r}>"

    def __str__(self) -> str:
        return "<LoggingProxy object>"  # so printouts and logs show it among a job's parameters


def _text_of(message: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The message, filled in, with the traceback that goes with it: in another process there is none."""
    exc_info = kwargs.get("exc_info")
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    elif exc_info and not isinstance(exc_info, tuple):
        exc_info = sys.exc_info()
    record = logging.LogRecord("", logging.INFO, "", 0, message, args, exc_info or None)
    return logging.Formatter().format(record)[: MAX_MESSAGE_BYTES // _BYTES_OF_A_LETTER]


class MutexProxy(_Proxy):
    """A lock that the jobs of all processes share; no job holds it longer than it lives."""

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take the lock.

        Args:
            blocking: Wait until it is free.
            timeout: How many seconds to wait at most; None: for ever.

        Returns:
            Whether it was taken.
        """
        wait_s = -1.0 if timeout is None or not blocking else max(0.0, timeout)
        if self._here:
            return server().get(self._number).lock.acquire(blocking, wait_s)
        try:
            line = self._line()
            return bool(line.ask("acquire", self._number, blocking, wait_s))
        except OSError:
            return _local_lock(self._number).acquire(blocking, wait_s)

    def release(self) -> None:
        """Give the lock back.

        Raises:
            RuntimeError: It is not held.
        """
        if self._here:
            server().get(self._number).lock.release()
            return
        try:
            released = self._line().ask("release", self._number)
        except OSError:
            released = False
        if not released:
            _local_lock(self._number).release()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<MutexProxy {self._name!r}>"

    def __str__(self) -> str:
        return "<unlocked _thread.lock object>"  # so printouts and logs show it, held or not


_local_locks: dict[str, threading.Lock] = {}


def _local_lock(number: str) -> threading.Lock:
    return _local_locks.setdefault(number, threading.Lock())


def share(logger: Any, name: str) -> tuple[LoggerProxy, MutexProxy]:
    """A logger of this process, made to be used from others, and a lock that goes with it."""
    here = server()
    number = here.add(logger)
    return LoggerProxy(here.id, number, name), MutexProxy(here.id, number, name)
