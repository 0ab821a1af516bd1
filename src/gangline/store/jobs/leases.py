"""Workers, and what they hold: registering, lengthening leases, taking back what a dead one leaves behind."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Sequence
from typing import Literal

from gangline.errors import UsageError
from gangline.store.jobs.base import Base, Row, Work, worker_id
from gangline.store.jobs.port import Order, OutputLine, State, TurnResult
from gangline.store.jobs.texts import MESSAGE_LIMIT, clean, key

__all__ = ["Leases"]

LOST_LIMIT = 10
"""So often may a job lose its worker; after that it is taken for what kills them."""


class Leases(Base):
    """The worker's side of a store, but for `turn`."""

    def register(self, name: str, host: str, pid: int, slots: int, lease_s: float) -> str:
        """See `JobStore.register`."""
        key(name, "the name of a worker")
        key(host, "the name of a host")
        if lease_s <= 0:
            raise UsageError(f"a lease takes some time, not {lease_s:g} s")
        number = secrets.randbits(62)
        with self._writing() as work:
            work.lock(f"worker {name}")
            for other_host, other_pid in work.run("find_namesakes", name=name):
                if not _has_died(other_host, other_pid):
                    place = f"on {other_host}, process {other_pid}"
                    raise UsageError(
                        f"there is a worker {name!r} already, {place}; stop it, or give this one another name"
                    )
            work.run(
                "add_worker", id=number, name=name, host=host, pid=pid, slots=slots, lease_s=float(lease_s)
            )  # fmt: skip
        return f"{number:016x}"

    def renew(self, worker: str, held: Sequence[tuple[int, int]]) -> TurnResult:
        """See `JobStore.renew`."""
        number = worker_id(worker)
        with self._writing() as work:
            row = next(iter(work.run("renew_worker", worker=number)), None)
            if row is None:
                raise UsageError(f"the worker {worker} is not registered (any more)")
            lease_s, halting = row
            kept = (
                set(work.run("renew_leases", worker=number, lease_s=lease_s, jobs=[job for job, _ in held]))
                if held
                else ()
            )
            missing = [claim for claim in held if tuple(claim) not in kept]
            if missing:  # a job may have written its completion itself, and its worker not know it yet
                complete = set(work.run("complete_claims", jobs=[job for job, _ in missing]))
                missing = [claim for claim in missing if tuple(claim) not in complete]
            orders = [Order(job, fence, "kill") for job, fence in work.run("list_orders", worker=number)]
            work.run("forget_dead_workers")
        return TurnResult([], missing, orders, None, bool(halting))

    def recover(self) -> list[int]:
        """See `JobStore.recover`."""
        with self._writing() as work:
            return self._take_back(work, work.run("find_expired"), lost=1)

    def deregister(self, worker: str) -> None:
        """See `JobStore.deregister`."""
        number = worker_id(worker)
        with self._writing() as work:
            work.run("forget_worker", worker=number)
            self._take_back(work, work.run("find_held", worker=number), lost=0)

    def halt(self, worker: str) -> bool:
        """See `JobStore.halt`."""
        with self._writing() as work:
            found = bool(work.run("halt_worker", name=worker))
            work.changed()
        return found

    def tell(
        self, job: int, fence: int, *, progress: float | None = None, message: str | None = None,
        output: Sequence[OutputLine] = (), sources: Sequence[str] = (),
        flag: Literal["", "wall", "zombie"] = "",
    ) -> bool:  # fmt: skip
        """See `JobStore.tell`."""
        with self._writing() as work:
            found = work.run("find_job", job=job)
            if not found or found[0][3] != fence:
                return False
            state, trial = found[0][0], found[0][6]
            if state == State.RUNNING and (progress is not None or message is not None):
                text = None if message is None else clean(message, MESSAGE_LIMIT)
                work.run("tell_progress", job=job, fence=fence, progress=progress, message=text, flag=flag)
            elif state == State.RUNNING and flag:
                work.run("flag_job", job=job, fence=fence, flag=flag)
            keep_output(work, job, trial, output)
            keep_sources(work, job, sources)
        return True

    def _take_back(self, work: Work, rows: list[Row], *, lost: int) -> list[int]:
        for job, killing, removing, trial, lost_before, worker in rows:
            if killing or removing or lost_before + lost >= LOST_LIMIT:
                state = State.KILLED if killing or removing else State.ERROR
                if state == State.ERROR:
                    reason = f"its worker died {lost_before + lost} times while it ran; it is not tried again"
                    work.run("add_error", job=job, trial=trial, worker=worker, error=reason)
                    work.run("count_failure", job=job)
                work.run("end_lost", job=job, state=state.value, journaled=bool(removing))
            else:
                work.run("give_back", job=job, lost=lost)
        if rows:
            work.changed(ends=True)
        return [row[0] for row in rows]


def keep_output(work: Work, job: int, trial: int, output: Sequence[OutputLine]) -> None:
    """Write pieces of output behind those that are there."""
    if output:
        ((last,),) = work.run("last_output", job=job)
        rows = [
            {
                "job": job,
                "number": number,
                "trial": trial,
                "stream": clean(line.stream),
                "at": line.at,
                "text": clean(line.text),
            }
            for number, line in enumerate(output, last + 1)
        ]
        work.run_many("add_output", rows)


def keep_sources(work: Work, job: int, sources: Sequence[str]) -> None:
    """Note what a job worked on, each source once."""
    if sources:
        ((known,),) = work.run("find_sources", job=job)
        all_sources = list(dict.fromkeys([*json.loads(known), *map(clean, sources)]))
        work.run("set_sources", job=job, sources=json.dumps(all_sources))


def _has_died(host: str, pid: int) -> bool:
    """Whether a process of this host is known to be gone; of other hosts nobody knows."""
    if host != socket.gethostname():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
