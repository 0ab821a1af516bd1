"""What the engines do. In a module of its own, so that everyone's engines can import it by name."""

from __future__ import annotations

import time
from typing import TypeVar

T = TypeVar("T")


def identity(item: T) -> T:
    """Next to nothing."""
    return item


def merge(*_parents: object) -> None:
    """A node of a graph."""


def burn(duration_s: float) -> None:
    """Use the processor for that long. Time in which something else had the core does not count as done."""
    end = time.thread_time() + duration_s
    while time.thread_time() < end:
        pass


def occupy(duration_s: float) -> None:
    """Take that long and leave the core to others: sleeps, but for the last moment, as sleeping is not exact."""
    end = time.perf_counter() + duration_s
    if duration_s > 0.0004:
        time.sleep(duration_s - 0.0003)
    while time.perf_counter() < end:
        pass
