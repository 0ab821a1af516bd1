"""What became of jobs: of one, and of all that were scheduled together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gangline.errors import CommandFailed, CommandNotStarted, GanglineError

if TYPE_CHECKING:
    from gangline.recipes.jobs import ComputeJob

__all__ = ["JobKind", "JobOutcome", "ScheduleResult"]

JobKind = Literal[
    "succeeded",
    "exit",  # the command's own exit code, not 0
    "signal",  # ended by a signal that did not come from here
    "raised",  # `run` of a node script raised
    "bad_value",  # `run` of a node script returned what is no exit status
    "bad_outputs",  # a node script's outputs cannot be written as JSON
    "not_started",  # no such command, not executable, no such folder
    "unreachable",  # the host could not be reached: the command has not run
    "lost",  # the connection to the host broke while it ran
    "timed_out",
    "out_of_memory",  # the site's scheduler ended it, since it wanted more memory than it may have
    "cancelled",
    "skipped",  # what it works on is marked to be skipped
]

_CODES: dict[str, int] = {
    "unreachable": 255,
    "lost": 255,
    "timed_out": 124,
    "out_of_memory": 137,
    "cancelled": 125,
    "skipped": 125,
}
_NOT_STARTED = {"not found": 127, "not executable": 126}


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """How one job ended.

    Attributes:
        kind: In which way.
        host: Where; where it should have run, if it did not.
        exit_code: Of the command, if it ended by itself.
        signal: The name of the signal that ended it, such as "SIGKILL"; empty if none did.
        message: In words; empty for success.
        duration_s: How long the command ran, in seconds.
        attempts: How often it was started.
        outputs: What a node script has set in `self.outputs`.
        error: The exception behind it, if there is one.
        remembered: It was not run: an earlier run did the same with success.
        job_id: The number that the site's scheduler gave; empty if there is none.
    """

    kind: JobKind
    host: str
    exit_code: int | None = None
    signal: str = ""
    message: str = ""
    duration_s: float = 0.0
    attempts: int = 0
    outputs: dict[str, Any] = field(default_factory=dict)
    error: GanglineError | None = None
    remembered: bool = False
    job_id: str = ""

    @property
    def ok(self) -> bool:
        """Whether the job did what it should."""
        return self.kind == "succeeded"

    @property
    def returncode(self) -> int | str:
        """The exit code or the signal's name; for what has neither the code that a shell or ssh would give."""
        if self.signal:
            return self.signal
        if self.exit_code is not None:
            return self.exit_code
        if isinstance(self.error, CommandNotStarted):
            return _NOT_STARTED.get(self.error.kind, 125)
        return _CODES.get(self.kind, 0 if self.ok else 1)

    def as_results(self) -> dict[str, Any]:
        """The form that the older systems had."""
        return {
            **self.outputs,
            "returncode": self.returncode,
            "job_duration": self.duration_s,
            "outputs": self.outputs,
        }


class ScheduleResult(dict[int, "ComputeJob"]):
    """The jobs of one schedule by number, as they ended.

    Attributes:
        tolerated: The failures among them are within what was allowed.
        message: What to say of them all; empty if all succeeded.
    """

    def __init__(self, jobs: Iterable[ComputeJob], *, tolerated: bool = True, message: str = "") -> None:
        super().__init__(enumerate(jobs))
        self.tolerated = tolerated
        self.message = message

    @property
    def ok(self) -> bool:
        """Whether all succeeded, or those that failed are within what was allowed."""
        return self.tolerated

    @property
    def succeeded(self) -> list[ComputeJob]:
        """Those that did what they should."""
        return [job for job in self.values() if job.ok]

    @property
    def failed(self) -> list[ComputeJob]:
        """Those that did not; what was skipped is not among them."""
        return [
            job for job in self.values() if job.outcome is not None and not job.ok and job.outcome.kind != "skipped"
        ]

    @property
    def skipped(self) -> list[ComputeJob]:
        """Those that were not run because what they work on is marked to be skipped."""
        return [job for job in self.values() if job.outcome is not None and job.outcome.kind == "skipped"]

    def raise_for_failures(self) -> None:
        """Raise what went wrong.

        Raises:
            ExceptionGroup: Of one error for each job that failed; nothing, if the failures are within what was allowed.
        """
        if not self.tolerated:
            raise ExceptionGroup(self.message, [_error_of(job) for job in self.failed])


def _error_of(job: ComputeJob) -> GanglineError:
    outcome = job.outcome
    assert outcome is not None
    if outcome.error is not None:
        return outcome.error
    return CommandFailed(
        f"{job.label}: {outcome.message}", host=outcome.host, argv=tuple(job.words), exit_code=outcome.exit_code,
        signal=outcome.signal,
    )  # fmt: skip
