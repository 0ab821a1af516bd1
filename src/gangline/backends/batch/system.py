"""The port to a site's scheduler: submit, look, cancel. What a job did is in its own record (see `record`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from gangline.errors import BackendError
from gangline.remote.resources import Resources

__all__ = ["BatchSystem", "Cause", "NoRoom", "Phase", "Request", "Sight"]


class NoRoom(BackendError):
    """The scheduler takes no more jobs until others have ended."""


@dataclass(frozen=True, slots=True)
class Request:
    """One submission: a script that runs once, or as many times as an array of jobs.

    Attributes:
        name: What the scheduler shows; any text, made fit by the system.
        script: The absolute path of a shell script. Run with no arguments. In an array each run finds its number, from
            1 on, in the variable that the system has for it.
        directory: Where the script starts; absolute.
        log: The file for what the script itself writes, output and errors in one; with the number of the job in an
            array behind it. It is empty unless the job could not be run at all.
        resources: What the job asks for.
        count: How many runs; more than one is an array.
    """

    name: str
    script: str
    directory: str
    log: str
    resources: Resources
    count: int = 1


class Phase(Enum):
    """How far a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """The scheduler does not know it, or not any more."""


class Cause(Enum):
    """What ended a job, as far as its scheduler says."""

    EXIT = "exit"
    SIGNAL = "signal"
    TIME_LIMIT = "time limit"
    MEMORY = "memory"
    CANCELLED = "cancelled"
    """Somebody removed it."""
    HOST = "host"
    """Its host failed, or could not run it."""
    UNSAID = "unsaid"


class Sight(NamedTuple):
    """What the scheduler says of a job.

    Attributes:
        phase: How far it is.
        cause: What ended it.
        exit_code: Where that is known.
        signal: The name of a signal, such as "SIGKILL"; or "".
        host: Where it runs or ran; or "".
        reason: The scheduler's own words: why it waits, or how it ended.
    """

    phase: Phase
    cause: Cause = Cause.UNSAID
    exit_code: int | None = None
    signal: str = ""
    host: str = ""
    reason: str = ""


class BatchSystem(Protocol):
    """A site's scheduler. The methods may block for as long as it takes to answer; one is called at a time.

    Attributes:
        name: Such as "slurm".
        array_variable: The environment variable with a run's number in an array.
        job_variable: The environment variable with the number of a job that is no array.
        whole_variable: The environment variable with the number of a whole array, in each of its runs.
        array_max: The most runs of one array.
    """

    name: str
    array_variable: str
    job_variable: str
    whole_variable: str
    array_max: int

    def submit(self, request: Request) -> Sequence[str]:
        """Submit, and give the numbers of the jobs in the order of the runs.

        Raises:
            JobRejected: The scheduler does not take it; with its words.
            NoRoom: It takes no more at the moment.
            BackendError: It does not answer, and may later.
        """

    def job_number(self, job: str, index: int, count: int) -> str:
        """The number of one run, as `submit` gives it.

        Args:
            job: What a run finds in `job_variable`, or in an array in `whole_variable`.
            index: Which run it is, from 1 on.
            count: How many there are.
        """

    def look(self, jobs: Collection[str]) -> Mapping[str, Sight]:
        """What is known of jobs: one question for all of them, and at most one more for those that have ended.

        Raises:
            BackendError: It does not answer, and may later.
        """

    def cancel(self, jobs: Collection[str]) -> None:
        """Remove jobs; those that have ended, or are not known, are ignored.

        Raises:
            BackendError: It does not answer, and may later.
        """

    def close(self) -> None:
        """Give up what is held; jobs go on."""
