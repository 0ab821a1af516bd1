"""What the agent waits for: descriptors, times and signals, all on one thread."""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections.abc import Callable


class Loop:
    """Calls back when something can be read or written, or when a time has come.

    Attributes:
        held: Sources are left alone for now, since what they bring could not be passed on.
    """

    def __init__(self) -> None:
        self.held = False
        self._selector = selectors.DefaultSelector()
        self._sources: dict[int, Callable[[], None]] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def on_readable(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back whenever the descriptor can be read."""
        self._selector.register(fd, selectors.EVENT_READ, callback)

    def on_writable(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back whenever the descriptor can be written."""
        self._selector.register(fd, selectors.EVENT_WRITE, callback)

    def forget(self, fd: int) -> None:
        """Call back no more."""
        self._selector.unregister(fd)

    def add_source(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back whenever the descriptor can be read and what it brings can be passed on."""
        self._sources[fd] = callback
        if not self.held:
            self.on_readable(fd, callback)

    def remove_source(self, fd: int) -> None:
        """Call back no more."""
        if self._sources.pop(fd, None) is not None and not self.held:
            self.forget(fd)

    def hold(self) -> None:
        """Leave the sources alone."""
        if not self.held:
            self.held = True
            for fd in self._sources:
                self.forget(fd)

    def release(self) -> None:
        """Listen to the sources again."""
        if self.held:
            self.held = False
            for fd, callback in self._sources.items():
                self.on_readable(fd, callback)

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back once, after that time."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), callback))

    def turn(self) -> None:
        """Wait until something happens, and call back."""
        timeout_s = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        for key, _ in self._selector.select(timeout_s):
            if self._selector.get_map().get(key.fd) is key:  # else an earlier callback has had it forgotten
                key.data()
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()
