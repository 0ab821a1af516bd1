"""Gangline's jobs."""

from __future__ import annotations

import time

from benchmarks.queues.marks import mark, occupied
from gangline.queue import DurableJob


class Mark(DurableJob):
    """Does next to nothing."""

    def execute(self, number: int) -> None:
        """Note that it ran."""
        mark(number)


class Wait(DurableJob):
    """Waits."""

    def execute(self, number: int, seconds: float) -> None:
        """Note that it ran, and take that long."""
        occupied(number, seconds)


class Hang(DurableJob):
    """Hangs when it is run for the first time."""

    def execute(self, number: int) -> None:
        """Note that it ran."""
        if mark(number) == 1:
            time.sleep(3600)
