"""Whether a run is still alive.

A run holds a lock on a file of its own. The operating system lets go of it when the run ends, whatever the way, so a
record without an end whose lock is free belongs to a run that died. That works for any process, in containers and on
folders shared by several hosts, where process numbers say nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

__all__ = ["Sign", "is_alive"]


class Sign:
    """The sign of life of a run, until `release`.

    Args:
        path: The file to lock.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        """The run has ended."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)
        os.close(self._fd)


def is_alive(path: str) -> bool:
    """Whether somebody holds the lock of this file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
