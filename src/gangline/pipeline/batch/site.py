"""Commands of a pipeline's jobs as jobs of the site's scheduler.

The function of a job runs on a thread of this process. The commands that it runs, its own if it is a shell command and
those that it gives to `run_job`, go to the scheduler, with what its stage asks for.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from gangline._runtime.handle import Handle
from gangline._runtime.session import Session
from gangline.backends.batch.backend import BatchBackend
from gangline.errors import UsageError
from gangline.pipeline.batch.inflight import started
from gangline.pipeline.batch.placement import Place, Placement, placed
from gangline.pipeline.names.nested import flat_strings
from gangline.remote.command import Command
from gangline.remote.resources import Resources

__all__ = ["Ran", "Site", "run_at_site"]

_TICK_S = 0.25
"""How long a thread waits at most before it looks whether it has been interrupted."""


class Ran(NamedTuple):
    """A command that has ended.

    Attributes:
        job_id: The number that the scheduler gave; "" if it gave none.
        error: Why it failed: a `CommandFailed`, `JobRejected`, `JobLost` or the like; None if it ended well.
        stdout: What it wrote to standard output.
        stderr: What it wrote to standard error.
    """

    job_id: str
    error: BaseException | None
    stdout: str
    stderr: str


class Site:
    """The site's scheduler.

    Args:
        backend: What leads there.
        jobs: How many it is given at once; None: as many as the backend sees fit.
    """

    def __init__(self, backend: BatchBackend, jobs: int | None) -> None:
        self.jobs = backend.expected if jobs is None else jobs
        self._session = Session(backend, engines=self.jobs)

    def placed(self, work: Callable[..., None], resources: Resources, name: str) -> Callable[..., None]:
        """The function of a job, with its commands sent to the scheduler."""

        def run_placed(*args: Any, **named: Mapping[str, Any]) -> None:
            with placed(Placement(self, resources, name, _state_of(args[0] if args else ()))):
                work(*args, **named)

        run_placed.__name__ = name
        return run_placed

    def submit(self, command: Command) -> Handle:
        """Give a command to the scheduler."""
        return self._session.submit(command)

    def call_off(self, handle: Handle) -> None:
        """Remove the job of a command."""
        with suppress(UsageError):  # it has ended
            self._session.cancel(handle, interrupt=True)

    def close(self) -> None:
        """Remove all jobs."""
        self._session.close()


def _state_of(inputs: Any) -> str:
    """A text that changes when a file among a job's inputs does."""
    state = hashlib.sha256()
    for name in flat_strings(inputs):
        with suppress(OSError):
            found = os.stat(name)
            state.update(f"{name}\0{found.st_mtime_ns}\0{found.st_size}\0".encode(errors="surrogateescape"))
    return state.hexdigest()


class _Submitted:
    """A command that the scheduler has."""

    def __init__(self, site: Place, command: Command) -> None:
        self._site = site
        self.handle = site.submit(command)
        self.done = threading.Event()
        self.handle.add_listener(lambda _: self.done.set())

    def end(self, *, force: bool) -> None:
        """See `inflight.Running`; a scheduler knows one way only."""
        self._site.call_off(self.handle)


def run_at_site(
    where: Placement,
    argv: str | tuple[str, ...],
    *,
    name: str | None = None,
    words: tuple[str, ...] = (),
    cwd: str | None = None,
) -> Ran:
    """Have the scheduler run a command, and wait for its end. Whatever interrupts this removes the job.

    Args:
        where: The scheduler, and what is asked of it.
        argv: The program and its arguments, or a text for a shell.
        name: What the scheduler shows; None is the stage's name.
        words: More that is asked for, as on the command line that submits.
        cwd: The folder to start in; None is the present one.

    """
    resources = Resources(words=words).over(where.resources)
    command = Command(argv, cwd=cwd or os.getcwd(), resources=resources, name=name or where.name, key=where.key)
    with started(lambda: _Submitted(where.site, command)) as submitted:
        try:
            while not submitted.done.wait(_TICK_S):
                pass
        except BaseException:  # an interrupt
            submitted.end(force=True)
            raise
    failure, extras = submitted.handle.failure, submitted.handle.extras or {}
    job_id = extras.get("data", {}).get("job", "")
    return Ran(job_id, None if failure is None else failure.error, extras.get("stdout", ""), extras.get("stderr", ""))
