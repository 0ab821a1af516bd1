"""Running jobs here, without a queue; and entering them without one in hand."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gangline.errors import TaskError, UsageError
from gangline.queue import arguments, entering, naming
from gangline.queue.configuration import load
from gangline.queue.current import running
from gangline.queue.deferral import Deferred
from gangline.queue.described import locate
from gangline.queue.entering import JobClass
from gangline.queue.facade import Queue
from gangline.queue.job import DurableJob
from gangline.queue.link import ClaimInfo

__all__ = ["JobDeferred", "enqueue", "execute"]


class JobDeferred(TaskError):
    """A job that was run here has deferred, and nobody will run it again.

    Attributes:
        wait_s: In a queue it would have run again after so many seconds.
    """

    retryable = True

    def __init__(self, message: str, *, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def enqueue(job: JobClass, /, **args: Any) -> int:
    """Enter a job into the usual queue (`Queue()`), or that of the job that runs here; as `Queue.enqueue`."""
    runs = running.get()
    if runs is not None:
        return runs.queue.enqueue(job, **args)
    with Queue() as queue:
        return queue.enqueue(job, **args)


def execute(job: JobClass, /, **args: Any) -> Any:
    """Run a job once, here and now: nothing is entered, and what it logs is shown on stderr.

    Only if it uses its queue, cookie or store, the usual queue is opened.

    Args:
        job: Its class, or "module.Class".
        args: Its arguments, and properties, as for `Queue.enqueue`.

    Returns:
        What its `execute` returned.

    Raises:
        JobDeferred: It has deferred.
        UsageError: The class, an argument or a property is not possible.
        Exception: Whatever the job raises.
    """
    cls = naming.find_class(naming.check_name(job)) if isinstance(job, str) else job
    if cls is None:
        raise UsageError(f"{job} cannot be imported here; add its folder to PYTHONPATH")
    if not isinstance(cls, type) or not issubclass(cls, DurableJob):
        locate(cls)
        raise UsageError(f"{cls!r} is no class of jobs")
    name = f"{cls.__module__}.{cls.__qualname__}"
    said = entering.split(name, args)
    configured = load()
    properties = {**configured.of(name), **said.properties}
    arguments.encode(said.args, name)
    claim = ClaimInfo(None, name, said.args, properties=properties, attempts_left=1, parent=said.parent)
    with _shown(logging.getLogger(name)):
        instance = cls._begin(claim, _Shown(logging.getLogger(name)))
        try:
            return instance.execute(**said.args)
        except Deferred as signal:
            wait_s = instance.defer_time if signal.wait_s is None else signal.wait_s
            raise JobDeferred(f"{name} has deferred for {wait_s:g} s: {signal}", wait_s=wait_s) from None
        finally:
            instance._end()


class _Shown:
    """Takes what a job says when there is nobody to keep it: it is logged."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def progress(self, value: float | None, message: str) -> None:
        """Show how far it is."""
        if value is None:
            self._logger.info("%s", message)
        else:
            self._logger.info("%3.0f %%%s", 100 * value, f"  {message}" if message else "")

    def source(self, name: str) -> None:
        """Show what it works on."""
        self._logger.info("source: %s", name)

    def completed(self) -> None:
        """Nothing else is written at its end."""


@contextmanager
def _shown(logger: logging.Logger) -> Iterator[None]:
    """Shows a logger's records on stderr from INFO on, unless the program has said where they go."""
    if logger.hasHandlers():
        yield
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(level or logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
