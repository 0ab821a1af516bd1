"""One run at a time writes a history.

The lock is the operating system's, on a file beside the history: when a run dies, whatever the way, it is free. Who
holds it stands in the file. The holder removes the file, so whoever gets the lock looks whether it still is the file
that others would find. A process that a run was just starting when it died has the lock until it becomes what it was to
be: that moment is waited for.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import sys
import time
from typing import Any

from gangline.errors import StoreError

__all__ = ["Lock"]

_POLL_S = 0.05
_LEFT_OVER_S = 10.0
"""How long those that a dead run has left behind are waited for."""


class Lock:
    """Holds a history for writing, until `release`.

    Args:
        path: The history's file.
        wait_s: How long to wait for another run to end.

    Raises:
        StoreError: Another run is writing it (retryable), or the folder cannot be written.
    """

    def __init__(self, path: str, wait_s: float) -> None:
        self._path = path
        self._file = f"{path}.lock"
        self._fd = -1
        began = time.monotonic()
        while not self._try():
            waited_s = time.monotonic() - began
            if waited_s >= wait_s and (waited_s >= _LEFT_OVER_S or not self._is_dead()):
                raise self._busy()
            time.sleep(_POLL_S)
        holder = {"pid": os.getpid(), "host": os.uname().nodename, "program": sys.argv[0], "since": time.ctime()}
        with contextlib.suppress(OSError):  # the disk is full: the history itself will say so, if it must be written
            os.ftruncate(self._fd, os.pwrite(self._fd, json.dumps(holder).encode(), 0))  # a run that died has left more

    def _try(self) -> bool:
        try:
            fd = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            room = "Make room, or name" if error.errno == errno.ENOSPC else "Name"
            raise StoreError(
                f"the history {self._path} cannot be written: {error.strerror} ({self._file}). {room} a place that "
                f"can be written with history_file=... or --history (`:memory:` keeps nothing)"
            ) from error
        if self._lock(fd) and self._is_current(fd):
            self._fd = fd
            return True
        os.close(fd)
        return False

    def _lock(self, fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # A file system without locks: better to run than not to.
            return error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
        return True

    def _is_current(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), os.stat(self._file))
        except FileNotFoundError:
            return False

    def _busy(self) -> StoreError:
        busy = StoreError(
            f"the history {self._path} is in use by another run ({self._holder()}). Wait for it to end, or give this "
            f"one a history of its own with history_file=... or --history"
        )
        busy.retryable = True
        return busy

    def _holder(self) -> str:
        try:
            holder = self._read()
            return f"process {holder['pid']} on {holder['host']}, {holder['program']}, since {holder['since']}"
        except (OSError, ValueError, KeyError, TypeError):  # it has just started, or just ended
            return "which has just started"

    def _is_dead(self) -> bool:
        """Whether the run that has noted itself as the holder was on this machine and is not there any more."""
        try:
            holder = self._read()
            if holder["host"] != os.uname().nodename:
                return False
            os.kill(int(holder["pid"]), 0)
        except ProcessLookupError:
            return True
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return False

    def _read(self) -> Any:
        with open(self._file, encoding="utf-8") as file:
            return json.load(file)

    def release(self) -> None:
        """Let others write."""
        with contextlib.suppress(OSError):
            os.unlink(self._file)
        os.close(self._fd)
