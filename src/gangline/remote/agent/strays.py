"""Processes of a job that have left its process group: known by a variable in their environment. On Linux only."""

from __future__ import annotations

import contextlib
import os
import time

MARK = "GANGLINE_JOB"
"""The variable. It is handed down to all processes that a job starts, unless they take care not to."""

_FRESH_S = 0.1


class Strays:
    """Finds them.

    Args:
        name: What marks are to begin with, so that they are like no other agent's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: dict[bytes, list[int]] = {}
        self._seen_at = float("-inf")
        self._fresh_until = float("-inf")

    def mark(self, job: int) -> str:
        """The value of a job's variable."""
        return f"{self._name}.{job}"

    def of(self, job: int) -> list[int]:
        """All processes with the job's mark, those in its group among them, as of a moment ago."""
        if time.monotonic() > self._fresh_until:
            self._look()
        return self._seen.get(self.mark(job).encode(), [])

    def seen_since(self, moment: float) -> bool:
        """Whether `of` tells, or would tell, of a look that began after that moment (of the monotonic clock)."""
        return self._seen_at > moment or time.monotonic() > self._fresh_until

    def _look(self) -> None:
        start = b"\0" + MARK.encode() + b"=" + self._name.encode() + b"."
        self._seen = {}
        self._seen_at = time.monotonic()
        with contextlib.suppress(OSError):
            for name in os.listdir("/proc"):
                if name.isdigit():
                    self._look_at(int(name), start)
        self._fresh_until = time.monotonic() + _FRESH_S

    def _look_at(self, pid: int, start: bytes) -> None:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                environment = b"\0" + file.read()
        except OSError:  # another user's, or it has ended
            return
        at = environment.find(start)
        if at >= 0:
            mark = environment[at + len(MARK) + 2 :].partition(b"\0")[0]
            self._seen.setdefault(mark, []).append(pid)
