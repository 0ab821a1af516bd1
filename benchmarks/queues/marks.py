"""Where jobs note that they have run: a file in memory that all processes share. A note takes about a microsecond."""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path

VARIABLE = "BENCHMARK_MARKS"
_NOTE = struct.Struct("<Qd")
_open: list[mmap.mmap] = []


def mark(number: int) -> int:
    """Note that the job of this number begins now; how often it has begun, this time included."""
    if not _open:
        with open(os.environ[VARIABLE], "r+b") as file:
            _open.append(mmap.mmap(file.fileno(), 0))
    place = number * _NOTE.size
    runs: int = _NOTE.unpack_from(_open[0], place)[0] + 1
    _NOTE.pack_into(_open[0], place, runs, time.time())
    return runs


def occupied(number: int, seconds: float) -> None:
    """A job that waits."""
    mark(number)
    time.sleep(seconds)


class Marks:
    """The notes of jobs.

    Args:
        folder: Where the file lies.
        size: How many jobs there are.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.size = size
        path = folder / "marks"
        path.write_bytes(bytes(size * _NOTE.size))
        os.environ[VARIABLE] = str(path)
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)

    def clear(self) -> None:
        """Forget all notes."""
        self._memory[:] = bytes(len(self._memory))

    def runs(self, number: int) -> int:
        """How often a job has begun."""
        runs: int = _NOTE.unpack_from(self._memory, number * _NOTE.size)[0]
        return runs

    def at(self, number: int) -> float:
        """When it began last, by the system's clock."""
        moment: float = _NOTE.unpack_from(self._memory, number * _NOTE.size)[1]
        return moment

    def last_at(self) -> float:
        """When the last one began."""
        return max(self.at(number) for number in range(self.size))

    def wait(self, number: int, runs: int = 1, *, timeout_s: float = 15.0) -> None:
        """Wait until a job has begun so often.

        Raises:
            TimeoutError: It has not.
        """
        deadline = time.monotonic() + timeout_s
        while self.runs(number) < runs:
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {number} has begun {self.runs(number)} times within {timeout_s:g} s")
            time.sleep(0.002)

    def wait_all(self, *, timeout_s: float = 240.0) -> None:
        """Wait until all have begun.

        Raises:
            TimeoutError: Some have not.
            AssertionError: Some have begun twice.
        """
        deadline = time.monotonic() + timeout_s
        left = range(self.size)
        while left := [number for number in left if not self.runs(number)]:  # type: ignore[assignment]
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(left):,} of {self.size:,} jobs have not begun within {timeout_s:g} s")
            time.sleep(0.05)
        twice = sum(self.runs(number) > 1 for number in range(self.size))
        assert not twice, f"{twice} jobs were run twice"
