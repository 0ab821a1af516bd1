"""How long something took, for the log."""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["log_time"]


@contextmanager
def log_time(logger: logging.Logger) -> Iterator[None]:
    """Have the logger say how long the block took.

    At INFO: the time that passed, and the processor time of this process and of those children of it that ended
    meanwhile, in seconds. At DEBUG: when it began and ended. Also if it ends by an exception.
    """
    began_at, began = time.time(), time.perf_counter()
    user_before, system_before = _processor_times()
    try:
        yield
    finally:
        passed = time.perf_counter() - began
        user, system = _processor_times()
        logger.info(
            "Total time %.4fs; user time: %.4fs; system time: %.4fs", passed, user - user_before, system - system_before
        )
        logger.debug("Start time was %.4fs; end time was %.4fs", began_at, began_at + passed)


def _processor_times() -> tuple[float, float]:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + children.ru_utime, own.ru_stime + children.ru_stime
