"""What is called on an engine for a job."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from gangline.pipeline.names.nested import flat_strings
from gangline.pipeline.stages.kinds import Kind
from gangline.pipeline.stages.stage import Stage

__all__ = ["command_output", "make_directories", "task_of"]


def make_directories(*params: Any) -> None:
    """The work of a stage that makes directories.

    Args:
        params: The directories, or what they are made for and the directories.
    """
    for name in flat_strings(params[min(1, len(params) - 1)]):
        os.makedirs(name, exist_ok=True)


def task_of(stage: Stage, function: Callable[..., Any] | None, *, apart: bool) -> Callable[..., None]:
    """The function that the scheduler calls for each job of a stage: what the stage's own returns stays where it is.

    Args:
        stage: The stage.
        function: Its own function.
        apart: It is called in a process of its own, one job at a time, so that the output of commands which it runs can
            be told apart.
    """
    if stage.kind is Kind.MKDIR or function is None:
        return make_directories
    work = function

    def run_job(*args: Any, **named: Mapping[str, Any]) -> None:
        work(*args, **named)

    arguments = tuple(sys.argv)  # not a list: a function that holds what may change would travel with each job anew

    def run_job_apart(*args: Any, **named: Mapping[str, Any]) -> None:
        sys.argv[:] = arguments  # a program's functions may look at what it was started with
        with command_output():
            work(*args, **named)

    task = run_job_apart if apart else run_job
    task.__name__ = getattr(function, "__name__", stage.name)
    task.__qualname__ = getattr(function, "__qualname__", task.__name__)
    return task


_kept: list[IO[bytes]] = []
"""Files that take what commands write to descriptors 1 and 2; made once in a process."""


@contextmanager
def command_output() -> Iterator[None]:
    """Have what commands write meanwhile written to `sys.stdout` and `sys.stderr` at the end.

    Commands inherit the descriptors of this process, which belong to the whole process: only one may do so at a time.
    """
    if not _kept:
        import tempfile

        # They are there as long as the process.
        _kept.extend(tempfile.TemporaryFile(buffering=0) for _ in range(2))  # noqa: SIM115
    saved = [os.dup(number) for number in (1, 2)]
    for number, kept in enumerate(_kept, 1):
        os.dup2(kept.fileno(), number)
    try:
        yield
    finally:
        for number, before in enumerate(saved, 1):
            os.dup2(before, number)
            os.close(before)
        for kept, stream in zip(_kept, (sys.stdout, sys.stderr), strict=True):
            if os.fstat(kept.fileno()).st_size:
                kept.seek(0)
                stream.write(kept.read().decode("utf-8", "replace"))
                os.lseek(kept.fileno(), 0, os.SEEK_SET)
                os.ftruncate(kept.fileno(), 0)
