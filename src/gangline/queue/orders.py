"""Orders to a queue: end jobs, run them again, take them out, pause, stop workers, forget."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal

from gangline.errors import UsageError
from gangline.queue import naming
from gangline.queue.described import locate
from gangline.queue.entering import JobClass
from gangline.queue.record import Paused, WorkerRecord
from gangline.store.jobs.port import FINAL, JobStore, State

__all__ = ["Orders", "checked_id"]


class Orders:
    """The part of a `Queue` that takes orders."""

    database: JobStore

    def kill(self, job: int) -> State:
        """End a job: at once if it does not run; else its worker is told, and its processes end within seconds.

        Returns:
            KILLED, or RUNNING if its worker has to end it first.

        Raises:
            UsageError: There is no such job, or it is final; says its state.
        """
        return self.database.kill(checked_id(job))

    def restart(self, job: int) -> int:
        """Run a job again: one that waits runs now; of a final one a copy is entered, with the old one as its parent.

        Returns:
            The id of the job that runs: the same, or the copy's.

        Raises:
            UsageError: There is no such job, or it runs, or waits for nothing but a worker.
            JobExists: An equal job is not final.
        """
        return self.database.restart(checked_id(job))

    def remove(self, job: int, *, kill: bool = False) -> State:
        """Take a job out of the queue, into the journal: now, or when it has ended.

        Args:
            job: Its id.
            kill: If it runs, end it.

        Returns:
            Its state; RUNNING if it has to end first.

        Raises:
            UsageError: There is no such job, or it is in the journal already.
        """
        state = self.database.remove(checked_id(job))
        if kill and state is State.RUNNING:
            with contextlib.suppress(UsageError):  # it has ended meanwhile
                self.database.kill(job)
        return state

    def pause(self, job: JobClass | None = None, *, host: str | None = None, reason: str = "") -> None:
        """Start nothing new: of a class, on a host, or at all. What runs goes on.

        Args:
            job: A class, or "module.Class".
            host: A host.
            reason: For people.
        """
        scope, name = _scope(job, host)
        self.database.pause(scope, name, reason)

    def resume(self, job: JobClass | None = None, *, host: str | None = None) -> bool:
        """Start new jobs again; False if it was not paused."""
        return self.database.resume(*_scope(job, host))

    def paused(self) -> list[Paused]:
        """What is paused."""
        return [Paused.of(row) for row in self.database.pauses()]

    def workers(self) -> list[WorkerRecord]:
        """The workers, those that died within the last hour included."""
        return [WorkerRecord.of(row) for row in self.database.workers()]

    def halt(self, worker: str) -> None:
        """Order a worker to take no more jobs, and to stop when those that run have ended.

        Raises:
            UsageError: No living worker has this name.
        """
        if not self.database.halt(worker):
            names = sorted(row.name for row in self.database.workers() if row.alive)
            raise UsageError(f"no worker called {worker!r} is alive; there are: {', '.join(names) or 'none'}")

    def purge(self, older_than: float | timedelta, *, states: Iterable[State | str] = (State.COMPLETE,)) -> int:
        """Delete the records of jobs that have been over for a while, with what they wrote.

        Args:
            older_than: For how long they must have been over; seconds.
            states: Final states.

        Returns:
            How many were deleted.

        Raises:
            UsageError: A state is not final.
        """
        seconds = older_than.total_seconds() if isinstance(older_than, timedelta) else older_than
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
            raise UsageError(f"older_than is {older_than!r}, but must be a number of seconds, 0 or more")
        return self.database.purge(float(seconds), states=[_final(state) for state in states])


def checked_id(job: Any) -> int:
    """The id of a job.

    Raises:
        UsageError: It is no whole number.
    """
    if isinstance(job, bool) or not isinstance(job, int):
        raise UsageError(f"a job's id is a whole number, not {job!r}")
    return job


def _final(state: State | str) -> State:
    if state not in FINAL:
        raise UsageError(f"{str(state)!r} is no final state; those are {', '.join(sorted(FINAL))}")
    return State(state)


def _scope(job: JobClass | None, host: str | None) -> tuple[Literal["queue", "class", "host"], str]:
    if job is not None and host is not None:
        raise UsageError("either a class is paused or a host, not both at once")
    if host is not None:
        return "host", host
    if job is not None:
        return "class", naming.check_name(job) if isinstance(job, str) else locate(job).name
    return "queue", ""
