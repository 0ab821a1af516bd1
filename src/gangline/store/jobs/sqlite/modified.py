"""Sees at once that an SQLite file is being written, where the system can tell: nobody need look all the time."""

from __future__ import annotations

import contextlib
import ctypes
import os
import time

__all__ = ["LogWatch"]

_IN_MODIFY = 0x2
_LOOK_EVERY_S = 0.01
"""Between two looks whether the file has changed, where the system does not tell."""
_LOOK_ANYWAY_S = 0.5
"""The same where it does: a file on a network file system is also written by other hosts."""
_ALERT_S = 0.1
_FIRST_LOOK_S = 0.0005


class LogWatch:
    """Watches the write-ahead log of a database. It is written a moment before a transaction can be seen.

    Args:
        path: The database. Its log must exist, which it does while it is open.
    """

    def __init__(self, path: str) -> None:
        self.fd = _watch(f"{path}-wal")
        self._alert_until = 0.0
        self._pause_s = _FIRST_LOOK_S

    def take_in(self) -> bool:
        """Whether the log was written since this was last asked."""
        if self.fd is None:
            return False
        try:
            while os.read(self.fd, 4096):
                self._alert_until, self._pause_s = time.monotonic() + _ALERT_S, _FIRST_LOOK_S
        except BlockingIOError:
            pass
        return time.monotonic() < self._alert_until

    def pause_s(self) -> float:
        """How long to wait until the next look at the database."""
        if self.fd is None:
            return _LOOK_EVERY_S
        if time.monotonic() >= self._alert_until:
            return _LOOK_ANYWAY_S
        self._pause_s *= 2
        return self._pause_s

    def calm(self) -> None:
        """What was written has been seen."""
        self._alert_until = 0.0

    def close(self) -> None:
        """Watch no more."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


def _watch(path: str) -> int | None:
    """A descriptor that becomes readable when a file is written; None where there is no such thing."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        fd = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    except (AttributeError, OSError, TypeError):
        return None
    if fd < 0:
        return None
    if library.inotify_add_watch(fd, os.fsencode(path), _IN_MODIFY) < 0:
        with contextlib.suppress(OSError):
            os.close(fd)
        return None
    return int(fd)
