"""Connections that any thread may use, one after another, and that a fork does not inherit."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from gangline.errors import StoreError

__all__ = ["Pool"]

_IDLE_KEPT = 4


class Closable(Protocol):
    """A connection."""

    def close(self) -> None:
        """Close it."""


T = TypeVar("T", bound=Closable)

_inherited: list[object] = []
"""Connections of a parent process, neither used nor closed: closing would reach into what the parent has open."""


class Pool(Generic[T]):
    """Connections, made when they are needed.

    Args:
        connect: Makes one.
    """

    def __init__(self, connect: Callable[[], T]) -> None:
        self._connect = connect
        self._idle: list[T] = []
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._closed = False

    @contextlib.contextmanager
    def connection(self) -> Iterator[T]:
        """A connection for the caller alone; after an error it is not used again."""
        connection = self.take()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self.give(connection)

    def take(self) -> T:
        """A connection for the caller alone."""
        if self._pid != os.getpid():
            self.forget()
        if self._closed:
            raise StoreError("this queue was closed; open it again")
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def give(self, connection: T) -> None:
        """Bring it back."""
        if self._closed or len(self._idle) >= _IDLE_KEPT:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close all that nobody uses; those in use are closed when they come back."""
        if self._pid != os.getpid():
            self.forget()
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def forget(self) -> None:
        """In a child process: leave the parent's connections alone."""
        with self._lock:
            _inherited.extend(self._idle)
            self._idle = []
            self._pid = os.getpid()
