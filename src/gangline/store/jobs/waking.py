"""Sleeping on descriptors, with a bell that rings from other threads and signal handlers."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterator

__all__ = ["Bell"]


class Bell:
    """Wakes those who sleep beside it; rung while nobody sleeps, it wakes the next one at once."""

    def __init__(self) -> None:
        self._rung = False
        self._writers: dict[int, int] = {}

    @contextlib.contextmanager
    def beside(self) -> Iterator[Sleep]:
        """For one who is going to sleep."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._writers[reader] = writer
        try:
            yield Sleep(self, reader)
        finally:
            del self._writers[reader]
            os.close(writer)
            os.close(reader)

    def ring(self) -> None:
        """Wake everybody."""
        self._rung = True
        for writer in list(self._writers.values()):
            with contextlib.suppress(OSError):
                os.write(writer, b"\0")

    def heard(self) -> bool:
        """Whether it was rung since this was last asked."""
        rung, self._rung = self._rung, False
        return rung


class Sleep:
    """One who sleeps beside a bell.

    Attributes:
        rung: Whether it was the bell that ended the last sleep.
    """

    def __init__(self, bell: Bell, reader: int) -> None:
        self._bell = bell
        self._reader = reader
        self.rung = False
        self._poll = select.poll()
        self._poll.register(reader, select.POLLIN)

    def watch(self, fd: int) -> None:
        """Wake up when something can be read here, too."""
        self._poll.register(fd, select.POLLIN)

    def sleep(self, timeout_s: float) -> bool:
        """Sleep; whether there is a reason to get up before the time is over."""
        self.rung = self._bell.heard()
        if self.rung:
            return True
        ready = self._poll.poll(max(0.0, timeout_s) * 1000)
        if not ready:
            return False
        self.rung = self._bell.heard() or any(fd == self._reader for fd, _ in ready)
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)
        return True


class Waking:
    """The part of a store by which others end its sleep. See `JobStore`."""

    _bell: Bell

    def sleep(self, timeout_s: float) -> None:
        """See `JobStore.sleep`."""
        with self._bell.beside() as sleep:
            sleep.sleep(timeout_s)

    def wake(self) -> None:
        """See `JobStore.wake`."""
        self._bell.ring()
