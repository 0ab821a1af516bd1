"""What people order: kill, remove, restart, pause, resume."""

from __future__ import annotations

from typing import Any, Literal

from gangline.errors import JobExists, UsageError
from gangline.store.jobs.base import Base, Row, Work
from gangline.store.jobs.port import FINAL, Pause, State, WorkerRow
from gangline.store.jobs.texts import clean, key

__all__ = ["Orders"]

_SCOPES = ("queue", "class", "host")


class Orders(Base):
    """The part of a store that takes orders."""

    def kill(self, job: int) -> State:
        """See `JobStore.kill`."""
        with self._writing() as work:
            state, *_ = find_job(work, job)
            if state in FINAL:
                raise UsageError(f"job {job} cannot be killed: it is {state} already")
            if state == State.RUNNING:
                work.run("order_kill", job=job)
                work.changed()
                return State.RUNNING
            work.run("kill_waiting", job=job)
            work.run("drop_needs", job=job)
            work.changed(ends=True)
            return State.KILLED

    def remove(self, job: int) -> State:
        """See `JobStore.remove`."""
        with self._writing() as work:
            state, journaled, *_ = find_job(work, job)
            if journaled:
                raise UsageError(f"job {job} is in the journal already; `purge` deletes what is there")
            if state == State.RUNNING:
                work.run("order_removal", job=job)
                return State.RUNNING
            if state not in FINAL:
                work.run("kill_waiting", job=job)
                work.run("drop_needs", job=job)
                state = State.KILLED
                work.changed(ends=True)
            work.run("journal_job", job=job)
            return State(state)

    def restart(self, job: int) -> int:
        """See `JobStore.restart`."""
        with self._writing() as work:
            state, journaled, place, *_ = find_job(work, job)
            if state == State.RUNNING:
                raise UsageError(f"job {job} cannot be restarted: it is running; kill it first")
            if place == "ready":
                raise UsageError(f"job {job} cannot be restarted: it is ready to run already")
            if place == "held":
                raise UsageError(f"job {job} cannot be restarted: it waits for other jobs")
            if place == "waiting":
                work.run("hasten", job=job)
                new = job
            else:
                new = _enter_again(work, job, journaled)
            work.changed()
        return new

    def pause(self, scope: Literal["queue", "class", "host"], name: str = "", reason: str = "") -> None:
        """See `JobStore.pause`."""
        with self._writing() as work:
            work.run("add_pause", scope=_scope(scope, name), name=name, reason=clean(reason, 1024))

    def resume(self, scope: Literal["queue", "class", "host"], name: str = "") -> bool:
        """See `JobStore.resume`."""
        with self._writing() as work:
            found = bool(work.run("drop_pause", scope=_scope(scope, name), name=name))
            work.changed()
        return found

    def pauses(self) -> list[Pause]:
        """See `JobStore.pauses`."""
        with self._reading() as work:
            return [Pause(*row) for row in work.run("list_pauses")]

    def workers(self) -> list[WorkerRow]:
        """See `JobStore.workers`."""
        with self._reading() as work:
            return list(map(worker_row, work.run("list_workers")))


def worker_row(row: Row) -> WorkerRow:
    """A worker, from its row."""
    number, name, host, pid, slots, started_at, heartbeat, lease_s, alive, halting, running = row
    return WorkerRow(
        f"{number:016x}", name, host, pid, slots, started_at, heartbeat, lease_s, bool(alive), bool(halting), running
    )  # fmt: skip


def find_job(work: Work, job: int) -> tuple[Any, ...]:
    """A job's row, held for this transaction.

    Raises:
        UsageError: There is none.
    """
    found = work.run("find_job", job=job) if isinstance(job, int) and 0 < job < 2**63 else []
    if not found:
        raise UsageError(f"there is no job {job!r:.50}")
    return found[0]


def _enter_again(work: Work, job: int, journaled: bool) -> int:
    work.lock(f"job {job}")
    for (equal,) in work.run("find_equal", job=job):
        raise JobExists(f"job {job} cannot be restarted: job {equal} is equal and not final", job=equal)
    work.run("free_key", job=job)
    ((new,),) = work.run("copy_job", job=job)
    work.run("move_needs", old=job, new=new)
    if not journaled:
        work.run("journal_job", job=job)
    return int(new)


def _scope(scope: str, name: str) -> str:
    if scope not in _SCOPES:
        raise UsageError(f"{scope!r:.50} cannot be paused; what can is the queue, a class or a host")
    if scope == "queue" and name:
        raise UsageError(f"the queue is paused as a whole, without {name!r:.50}")
    if scope != "queue":
        key(name, f"the name of a {scope}")
    return scope
