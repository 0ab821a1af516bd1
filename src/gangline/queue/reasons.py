"""Reasons why a job is not running, each with the facts that it consists of; printed, it is a sentence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gangline.store.jobs.port import FINAL, State

__all__ = [
    "AllFull", "Ended", "HostFull", "IsPaused", "JobsBefore", "LeaseLost", "NeedsClass", "NeedsJob", "NextToBeTaken",
    "NoWorkerTakesIt", "NoWorkers", "Reason", "Runs", "Waits", "WorkersBusy", "WorkersLeave",
]  # fmt: skip

_NAMED_MOST = 5


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that has to do with a job's not running."""

    def to_json(self) -> dict[str, Any]:
        """As JSON types, with the kind of reason and the sentence."""
        return {"kind": type(self).__name__, **asdict(self), "text": str(self)}


@dataclass(frozen=True, slots=True)
class Ended(Reason):
    """It is final."""

    job: int
    state: str
    at: float | None
    error: str
    journaled: bool

    def __str__(self) -> str:
        when = "" if self.at is None else f" since {_clock(self.at)}"
        why = f": {self.error}" if self.error else ""
        where = "; it is in the journal" if self.journaled else ""
        again = f"; run it again with: gangline queue restart {self.job}" if self.state != State.COMPLETE else ""
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


def _listed(names: tuple[str, ...], joint: str = "and") -> str:
    shown = [*names[:_NAMED_MOST], *([f"{len(names) - _NAMED_MOST} more"] if len(names) > _NAMED_MOST else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {joint} {shown[-1]}"


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
