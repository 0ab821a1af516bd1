"""Why a job is not running: facts from the store as typed reasons, which read as sentences.

The store's `blockers(job)` gives, beside the job's own row:

    now         The database's clock.
    ready       Nothing but room on a worker keeps it.
    pauses      What is paused: the queue, the job's class, hosts (`scope`, `name`, `since`, `reason`).
    limits      Of its class (`max_parallel`, `max_parallel_total`) and what runs (`running` by host, `running_total`).
    needs       What it still waits for: `job` and its `state`, for a class (`class`) those of its newest job or None.
    workers     All workers, as `WorkerRow` has them, and whether each `may_take` it.
    before      How many ready jobs are taken before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gangline.errors import UsageError
from gangline.queue.reasons import (
    AllFull,
    Ended,
    HostFull,
    IsPaused,
    JobsBefore,
    LeaseLost,
    NeedsClass,
    NeedsJob,
    NextToBeTaken,
    NoWorkers,
    NoWorkerTakesIt,
    Reason,
    Runs,
    Waits,
    WorkersBusy,
    WorkersLeave,
)
from gangline.store.jobs.port import FINAL, JobRow, JobStore, State

__all__ = ["Explanation", "explain", "reasons"]

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a job is not running, or what became of it.

    Attributes:
        job: Its id.
        name: Its class.
        state: Where it stands.
        reasons: All that keeps it; what has to change first stands first.
    """

    job: int
    name: str
    state: str
    reasons: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "job": self.job, "name": self.name, "state": self.state,
            "reasons": [reason.to_json() for reason in self.reasons],
        }  # fmt: skip

    def __str__(self) -> str:
        lines = [f"job {self.job} ({self.name}) is {self.state}:"]
        return "\n".join([*lines, *(f"  {reason}" for reason in self.reasons)])


def explain(store: JobStore, job: int) -> Explanation:
    """Why a job is not running, or what became of it.

    Raises:
        UsageError: There is no such job.
    """
    row = store.get(job)
    if row is None:
        raise UsageError(f"there is no job {job} in {store.url}")
    facts = store.blockers(job)
    return Explanation(job, row.lane.name, str(row.state), tuple(reasons(row, facts)))


def reasons(row: JobRow, facts: Facts) -> Iterator[Reason]:
    """The reasons that follow from facts.

    Args:
        row: The job.
        facts: What the store tells about what is around it; the keys stand at the top of this file.
    """
    now: float = facts["now"]
    if row.state in FINAL:
        ended = next(
            (at for at in (row.finished_at, row.killed_at, row.inactive_at, row.removed_at) if at is not None), None
        )
        error = (
            row.errors[-1]["error"].strip().splitlines()[-1] if row.errors and row.state is not State.COMPLETE else ""
        )
        yield Ended(row.id, str(row.state), ended, error, row.journaled)
        return
    if row.state is State.RUNNING:
        flags = ("nonstop",) * (row.wall_at is not None) + ("zombie",) * (row.zombie_at is not None)
        yield Runs(row.worker, row.host, row.pid, row.locked_at, flags)
        if row.lease_until is not None and row.lease_until < now:
            yield LeaseLost(row.worker, row.host, now - row.lease_until)
        return
    yield from _keeping(row, facts, now)


def _keeping(row: JobRow, facts: Facts, now: float) -> Iterator[Reason]:
    kept = [*_of_the_job(row, facts, now), *_of_pauses(facts), *_of_limits(row, facts)]
    around = list(_of_workers(row, facts))
    if not kept and facts["before"]:
        around.append(JobsBefore(facts["before"]))
    yield from kept
    yield from around
    if not kept and not around:
        yield NextToBeTaken(row.lane.python)


def _of_the_job(row: JobRow, facts: Facts, now: float) -> Iterator[Reason]:
    for need in facts["needs"]:
        if "class" in need:
            yield NeedsClass(need["class"], need["job"], need["state"])
        else:
            yield NeedsJob(need["job"], need["state"])
    if row.query_at is not None and row.query_at > now and not facts["ready"]:
        match row.state:
            case State.DEFERRED:
                why, message = "it has deferred", row.message
            case State.FAILED:
                left = "1 attempt is" if row.attempts_left == 1 else f"{row.attempts_left} attempts are"
                why, message = f"its last attempt has failed, and {left} left", _last_line(row)
            case _:
                why, message = "it was entered for later", ""
        yield Waits(row.query_at, row.query_at - now, why, message)


def _of_pauses(facts: Facts) -> Iterator[Reason]:
    for pause in facts["pauses"]:
        if pause["scope"] != "host":
            yield IsPaused(pause["scope"], pause["name"], pause["reason"], pause["since"])


def _of_limits(row: JobRow, facts: Facts) -> Iterator[Reason]:
    lane, limits = row.lane, facts["limits"]
    if lane.max_parallel_total is not None and limits["running_total"] >= lane.max_parallel_total:
        yield AllFull(lane.name, lane.max_parallel_total, limits["running_total"])
    elif lane.max_parallel is not None:
        counts: Mapping[str, int] = limits["running"]
        hosts = {worker["host"] for worker in _able(facts)} or set(counts)
        full = [host for host in sorted(hosts) if counts.get(host, 0) >= lane.max_parallel]
        if len(full) == len(hosts):
            yield from (HostFull(lane.name, lane.max_parallel, host, counts[host]) for host in full)


def _of_workers(row: JobRow, facts: Facts) -> Iterator[Reason]:
    alive = [worker for worker in facts["workers"] if worker["alive"]]
    if not alive:
        yield NoWorkers(_names(facts["workers"]))
        return
    named = [worker for worker in alive if worker["may_take"]]
    if not named:
        yield NoWorkerTakesIt(row.lane.workers, _names(alive))
        return
    staying = _able(facts)
    if not staying:
        yield WorkersLeave(_names(named))
        return
    paused = {pause["name"]: pause for pause in facts["pauses"] if pause["scope"] == "host"}
    able = [worker for worker in staying if worker["host"] not in paused]
    if not able:
        for host in sorted({worker["host"] for worker in staying}):
            yield IsPaused("host", host, paused[host]["reason"], paused[host]["since"])
    elif all(worker["running"] >= worker["slots"] for worker in able):
        yield WorkersBusy(_names(able), sum(worker["slots"] for worker in able))


def _able(facts: Facts) -> list[Mapping[str, Any]]:
    return [
        worker for worker in facts["workers"] if worker["alive"] and worker["may_take"] and not worker["halting"]
    ]  # fmt: skip


def _names(workers: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted(worker["name"] for worker in workers))


def _last_line(row: JobRow) -> str:
    lines = row.errors[-1]["error"].strip().splitlines() if row.errors else []
    return lines[-1] if lines else ""
