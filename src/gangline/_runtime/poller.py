"""Waiting for file descriptors, as cheaply as the system allows: one system call and no bookkeeping in Python."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import threading
from collections.abc import Callable, Sequence

from gangline.messages import BackendEvent

OnReady = Callable[[], Sequence[BackendEvent]]


class Poller:
    """Descriptors, and what to call when they can be read. `wake` may be called from any thread."""

    def __init__(self) -> None:
        self._readers: dict[int, OnReady] = {}
        self._multiplexer: _Multiplexer = _Epoll() if hasattr(select, "epoll") else _Selector()
        self._closed = False
        self._wake_lock = threading.Lock()
        self._wake_in, self._wake_out = os.pipe()
        for end in (self._wake_in, self._wake_out):
            os.set_blocking(end, False)
        self._multiplexer.add(self._wake_in)

    def watch(self, fd: int, on_readable: OnReady) -> None:
        """Have `on_readable` called whenever `fd` can be read."""
        if fd not in self._readers:
            self._multiplexer.add(fd)
        self._readers[fd] = on_readable

    def unwatch(self, fd: int) -> None:
        """Watch a descriptor no more; unknown ones are ignored."""
        if self._readers.pop(fd, None) is not None:
            self._multiplexer.remove(fd)

    def poll(self, timeout_s: float | None) -> list[OnReady]:
        """Wait until something is ready, `wake` is called or the time is over; what is to be called."""
        ready: list[OnReady] = []
        for fd in self._multiplexer.wait(timeout_s):
            if reader := self._readers.get(fd):
                ready.append(reader)
            elif fd == self._wake_in:
                with contextlib.suppress(BlockingIOError):
                    os.read(fd, 4096)
        return ready

    def wake(self) -> None:
        """Let a `poll` that waits, or the next one, return at once."""
        with self._wake_lock, contextlib.suppress(BlockingIOError):
            if not self._closed:
                os.write(self._wake_out, b"w")

    def close(self) -> None:
        """Give the descriptors back; closing again does nothing."""
        with self._wake_lock:  # a late `wake` must not write to a number that means something else by then
            if self._closed:
                return
            self._closed = True
        self._multiplexer.close()
        os.close(self._wake_in)
        os.close(self._wake_out)


class _Epoll:
    """Linux: `select.epoll` itself, whose answer needs next to no translation."""

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def add(self, fd: int) -> None:
        self._epoll.register(fd, select.EPOLLIN)

    def remove(self, fd: int) -> None:
        with contextlib.suppress(OSError):  # closed before it was unwatched: the kernel has forgotten it
            self._epoll.unregister(fd)

    def wait(self, timeout_s: float | None) -> list[int]:
        return [fd for fd, _ in self._epoll.poll(timeout_s)]

    def close(self) -> None:
        self._epoll.close()


class _Selector:
    """Elsewhere: whatever the standard library finds."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, fd: int) -> None:
        self._selector.register(fd, selectors.EVENT_READ)

    def remove(self, fd: int) -> None:
        self._selector.unregister(fd)

    def wait(self, timeout_s: float | None) -> list[int]:
        return [key.fd for key, _ in self._selector.select(timeout_s)]

    def close(self) -> None:
        self._selector.close()


_Multiplexer = _Epoll | _Selector
