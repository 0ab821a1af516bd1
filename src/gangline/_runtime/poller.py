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
    """Descriptors, and what to call when they are ready. `wake` may be called from any thread."""

    def __init__(self) -> None:
        self._readers: dict[int, OnReady] = {}
        self._writers: dict[int, OnReady] = {}
        self._multiplexer: _Multiplexer = _Epoll() if hasattr(select, "epoll") else _Selector()
        self._closed = False
        self._wake_lock = threading.Lock()
        self._wake_in, self._wake_out = os.pipe()
        for end in (self._wake_in, self._wake_out):
            os.set_blocking(end, False)
        self._multiplexer.set(self._wake_in, read=True, write=False)

    def watch(self, fd: int, on_readable: OnReady) -> None:
        """Have `on_readable` called whenever `fd` can be read."""
        self._readers[fd] = on_readable
        self._update(fd)

    def watch_writable(self, fd: int, on_writable: OnReady) -> None:
        """Have `on_writable` called whenever `fd` can be written."""
        self._writers[fd] = on_writable
        self._update(fd)

    def unwatch(self, fd: int) -> None:
        """Watch a descriptor no more; unknown ones are ignored."""
        if self._readers.pop(fd, None) or self._writers.pop(fd, None):
            self._writers.pop(fd, None)
            self._update(fd)

    def unwatch_writable(self, fd: int) -> None:
        """Do not ask any more whether it can be written."""
        if self._writers.pop(fd, None):
            self._update(fd)

    def poll(self, timeout_s: float | None) -> list[OnReady]:
        """Wait until something is ready, `wake` is called or the time is over; what is to be called."""
        ready: list[OnReady] = []
        for fd, can_read, can_write in self._multiplexer.wait(timeout_s):
            if fd == self._wake_in:
                with contextlib.suppress(BlockingIOError):
                    os.read(fd, 4096)
                continue
            if can_read and (reader := self._readers.get(fd)):
                ready.append(reader)
            if can_write and (writer := self._writers.get(fd)):
                ready.append(writer)
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

    def _update(self, fd: int) -> None:
        self._multiplexer.set(fd, read=fd in self._readers, write=fd in self._writers)


class _Epoll:
    """Linux: `select.epoll` itself, whose answer needs no translation."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._known: set[int] = set()

    def set(self, fd: int, *, read: bool, write: bool) -> None:
        mask = (select.EPOLLIN if read else 0) | (select.EPOLLOUT if write else 0)
        if not mask:
            self._known.discard(fd)
            with contextlib.suppress(OSError):  # closed before it was unwatched: the kernel has forgotten it
                self._epoll.unregister(fd)
        elif fd in self._known:
            self._epoll.modify(fd, mask)
        else:
            self._known.add(fd)
            self._epoll.register(fd, mask)

    def wait(self, timeout_s: float | None) -> list[tuple[int, bool, bool]]:
        ready = self._epoll.poll(timeout_s)
        return [(fd, bool(mask & ~select.EPOLLOUT), bool(mask & select.EPOLLOUT)) for fd, mask in ready]

    def close(self) -> None:
        self._epoll.close()


class _Selector:
    """Elsewhere: whatever the standard library finds."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def set(self, fd: int, *, read: bool, write: bool) -> None:
        mask = (selectors.EVENT_READ if read else 0) | (selectors.EVENT_WRITE if write else 0)
        known = fd in self._selector.get_map()
        if not mask and known:
            self._selector.unregister(fd)
        elif mask and known:
            self._selector.modify(fd, mask)
        elif mask:
            self._selector.register(fd, mask)

    def wait(self, timeout_s: float | None) -> list[tuple[int, bool, bool]]:
        ready = self._selector.select(timeout_s)
        return [(key.fd, bool(mask & selectors.EVENT_READ), bool(mask & selectors.EVENT_WRITE)) for key, mask in ready]

    def close(self) -> None:
        self._selector.close()


_Multiplexer = _Epoll | _Selector
