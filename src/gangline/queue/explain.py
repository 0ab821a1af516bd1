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
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gangline.errors import UsageError
from gangline.store.jobs.port import FINAL, JobRow, JobStore, State

__all__ = ["Explanation", "Reason", "explain", "reasons"]

_NAMED_MOST = 5

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that has to do with a job's not running."""

    def to_json(self) -> dict[str, Any]:
        """As JSON types, with the kind of reason and the sentence."""
        return {"kind": type(self).__name__, **asdict(self), "text": str(self)}


@dataclass(frozen=True, slots=True)
class Ended(Reason):
    """It is final."""

    state: str
    at: float | None
    error: str
    journaled: bool

    def __str__(self) -> str:
        when = "" if self.at is None else f" since {_clock(self.at)}"
        why = f": {self.error}" if self.error else ""
        where = "; it is in the journal" if self.journaled else ""
        again = "; run it again with: gangline queue restart" if self.state != State.COMPLETE else ""
        return f"it is {self.state}{when}{why}{where}{again}"


@dataclass(frozen=True, slots=True)
class Runs(Reason):
    """It is running."""

    worker: str
    host: str
    pid: int | None
    since: float | None
    flags: tuple[str, ...]

    def __str__(self) -> str:
        since = "" if self.since is None else f" since {_clock(self.since)}"
        process = "" if self.pid is None else f" (process {self.pid})"
        flags = "".join(f"; {_FLAGS[flag]}" for flag in self.flags)
        return f"it is running{since} on {self.host}, by the worker {self.worker}{process}{flags}"


_FLAGS = {
    "nonstop": "it has run for longer than its wall_time",
    "zombie": "it has shown no progress for its zombie_time",
}


@dataclass(frozen=True, slots=True)
class LeaseLost(Reason):
    """Its worker has not been heard of."""

    worker: str
    host: str
    for_s: float

    def __str__(self) -> str:
        return (
            f"its worker {self.worker} on {self.host} has not been heard of, and its lease is over for "
            f"{_span(self.for_s)}; the next worker gives the job to somebody else"
        )


@dataclass(frozen=True, slots=True)
class Waits(Reason):
    """Its time has not come."""

    until: float
    for_s: float
    why: str
    message: str

    def __str__(self) -> str:
        said = f" ({self.message})" if self.message else ""
        return f"it waits until {_clock(self.until)}, for another {_span(self.for_s)}: {self.why}{said}"


@dataclass(frozen=True, slots=True)
class IsPaused(Reason):
    """The queue, its class, or the only hosts that could take it are paused."""

    scope: str
    name: str
    reason: str
    since: float

    def __str__(self) -> str:
        said = f" ({self.reason})" if self.reason else ""
        what = {"queue": "the queue is paused", "class": f"its class {self.name} is paused"}.get(
            self.scope, f"the host {self.name} is paused"
        )
        return f"{what} since {_clock(self.since)}{said}"


@dataclass(frozen=True, slots=True)
class NeedsJob(Reason):
    """A job must be complete before."""

    job: int
    state: str | None

    def __str__(self) -> str:
        if self.state is None:
            return f"it waits for job {self.job}, whose record was deleted; restart this job to run it without waiting"
        never = f" and has to be restarted (gangline queue restart {self.job})" if State(self.state) in FINAL else ""
        return f"it waits for job {self.job}, which is {self.state}{never}"


@dataclass(frozen=True, slots=True)
class NeedsClass(Reason):
    """The newest job of a class must be complete before."""

    name: str
    job: int | None
    state: str | None

    def __str__(self) -> str:
        if self.job is None:
            return f"it waits for a job of {self.name}, and there has been none yet"
        return f"it waits for the newest job of {self.name}, job {self.job}, which is {self.state}"


@dataclass(frozen=True, slots=True)
class HostFull(Reason):
    """As many jobs of its class as a host may run are running there."""

    name: str
    limit: int
    host: str
    running: int

    def __str__(self) -> str:
        return f"{self.running} of at most {self.limit} jobs of {self.name} are running on {self.host}"


@dataclass(frozen=True, slots=True)
class AllFull(Reason):
    """As many jobs of its class as all hosts together may run are running."""

    name: str
    limit: int
    running: int

    def __str__(self) -> str:
        return f"{self.running} of at most {self.limit} jobs of {self.name} are running on all hosts together"


@dataclass(frozen=True, slots=True)
class NoWorkers(Reason):
    """No worker lives."""

    dead: tuple[str, ...]

    def __str__(self) -> str:
        dead = f" ({_listed(self.dead)} died within the last hour)" if self.dead else ""
        return f"there is no worker{dead}; start one: gangline worker"


@dataclass(frozen=True, slots=True)
class NoWorkerTakesIt(Reason):
    """Workers live, but it is for others."""

    wanted: tuple[str, ...]
    there: tuple[str, ...]

    def __str__(self) -> str:
        return f"only a worker called {_listed(self.wanted, 'or')} may take it; there are {_listed(self.there)}"


@dataclass(frozen=True, slots=True)
class WorkersLeave(Reason):
    """All workers that may take it are about to stop."""

    workers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{_listed(self.workers)} may take it, and takes no more jobs, since it is about to stop"


@dataclass(frozen=True, slots=True)
class WorkersBusy(Reason):
    """All slots of the workers that may take it are in use."""

    workers: tuple[str, ...]
    slots: int

    def __str__(self) -> str:
        slots = "the only slot" if self.slots == 1 else f"all {self.slots} slots"
        return f"{slots} of {_listed(self.workers)} {'is' if self.slots == 1 else 'are'} busy"


@dataclass(frozen=True, slots=True)
class JobsBefore(Reason):
    """Others are first."""

    number: int

    def __str__(self) -> str:
        verb = "job is" if self.number == 1 else "jobs are"
        return f"{self.number:,} {verb} taken before it, by priority and age"


@dataclass(frozen=True, slots=True)
class NextToBeTaken(Reason):
    """Nothing keeps it."""

    interpreter: str

    def __str__(self) -> str:
        needs = f", once the interpreter {self.interpreter} has started" if self.interpreter else ""
        return f"nothing keeps it: it is the next one to be taken{needs}"


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
        yield Ended(str(row.state), ended, error, row.journaled)
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


def _listed(names: tuple[str, ...], joint: str = "and") -> str:
    shown = [*names[:_NAMED_MOST], *([f"{len(names) - _NAMED_MOST} more"] if len(names) > _NAMED_MOST else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {joint} {shown[-1]}"


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
