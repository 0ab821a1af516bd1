"""Locks between programs that share a folder. They end with the program that holds them, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["alone_in", "hold_lock"]

_PATIENCE_S = 30.0
_PAUSE_S = 0.01


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Have no other program make or take over runs in a folder meanwhile.

    Raises:
        OSError: The folder cannot be written to.
    """
    path = folder / ".lock"
    end = time.monotonic() + _PATIENCE_S
    while (
        descriptor := hold_lock(path)
    ) is None and time.monotonic() < end:  # who is stopped now shall not stop all others
        time.sleep(_PAUSE_S)
    try:
        yield
    finally:
        if descriptor is not None:
            path.unlink(missing_ok=True)
            os.close(descriptor)


def hold_lock(path: Path, *, create: bool = True) -> int | None:
    """Hold a lock until the descriptor is closed; None if somebody else does, or has removed it.

    Raises:
        OSError: It cannot be created.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)
    except OSError:
        if create and not path.exists():
            raise
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):  # else it was removed in between
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None
