"""A worker that runs, and how tests wait for it."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Daemon:
    """A worker that runs."""

    process: subprocess.Popen[bytes]
    log: Path

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self, timeout: float = 60.0) -> int:
        """How it ended."""
        return self.process.wait(timeout)

    @property
    def said(self) -> str:
        """What it has said."""
        return self.log.read_text()


Start = Callable[..., Daemon]


def until(condition: Callable[[], object], timeout: float = 60.0, said: Daemon | None = None) -> None:
    """Wait until something holds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"it did not come true within {timeout} s{f': {said.said}' if said else ''}")
        time.sleep(0.01)


def gone(pid: int | str) -> bool:
    """Whether a process has ended, be it that nobody has asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def lines(path: Path | str) -> list[str]:
    """The lines of a file; none if it does not exist."""
    path = Path(path)
    return path.read_text().splitlines() if path.exists() else []
