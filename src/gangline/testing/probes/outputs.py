"""Tasks that write."""

from __future__ import annotations

import logging
import os
import sys
import threading

from gangline._engine.context import current
from gangline.testing.probes.door import Door

__all__ = [
    "LOGGER",
    "publish_lock",
    "talk",
    "talk_and_fail",
    "talk_and_wait",
    "talk_from_thread",
    "write_much",
    "write_to_descriptors",
]


LOGGER = "gangline_conformance"


def talk(word: str) -> str:
    """Write something by every way there is."""
    context = current()
    assert context is not None
    print(word, "out")  # noqa: T201
    sys.stderr.write(f"{word} err\n")
    logging.getLogger(LOGGER).warning("%s log", word)
    context.display({"text/plain": f"{word} shown"}, {"width": 1})
    context.publish({"first": word})
    context.publish({"second": len(word)})
    return word


def talk_and_wait(door: Door) -> None:
    """Write before and after a wait."""
    talk("early")
    door.enter()
    print("late")  # noqa: T201


def talk_and_fail() -> None:
    """Write, and fail."""
    print("before")  # noqa: T201
    raise ValueError("after")


def talk_from_thread() -> None:
    """Write from a thread of its own, and bytes."""
    print("main")  # noqa: T201
    thread = threading.Thread(target=print, args=("side",))
    thread.start()
    thread.join()
    sys.stdout.buffer.write(b"bytes\n")
    sys.stdout.flush()


def publish_lock() -> str:
    """Publish what cannot be pickled."""
    context = current()
    assert context is not None
    print("kept")  # noqa: T201
    context.publish({"lock": threading.Lock()})
    return "done"


def write_much() -> None:
    """Write two megabytes."""
    for number in range(20_000):
        print(f"{number:0100}")  # noqa: T201


def write_to_descriptors() -> None:
    """Write past Python's streams."""
    os.write(1, b"straight to 1\n")
    os.write(2, b"straight to 2\n")
