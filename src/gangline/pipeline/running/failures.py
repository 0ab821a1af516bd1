"""What failed in a run, as exceptions and as the rows of text that programs know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from gangline.errors import ResultUnreadable
from gangline.pipeline.ruffus_exceptions import RethrownJobError
from gangline.pipeline.running.jobs import JobRun
from gangline.pipeline.stages.stage import Stage

if TYPE_CHECKING:
    from gangline.messages import Failure

__all__ = ["Failed", "Failures", "expanding", "failed_job", "failed_stage", "own_failure", "was_ended"]

_SHORT = 20


class Failed(NamedTuple):
    """One failure.

    Attributes:
        stage: The stage.
        job: The job in words; empty if it is about the stage as a whole.
        error: The exception.
        value: What it says.
        trace: Its traceback as text.
        ename: What it was called where it was raised, if the exception here only stands for it.
    """

    stage: Stage
    job: str
    error: BaseException
    value: str
    trace: str
    ename: str = ""

    def row(self) -> list[str]:
        """Stage, job, exception, what it says, and traceback, as programs know them."""
        kind = type(self.error)
        name = self.ename or f"{kind.__module__}.{kind.__qualname__}"
        return [self.stage.name, self.job, name, f"({self.value})" if self.value else "", self.trace]


def own_failure(error: BaseException) -> Failure:
    """The failure of a job whose function ended well: no engine has reported it."""
    from gangline.messages import Failure  # runs without failures need no messages

    return Failure(error, type(error).__name__, str(error).strip(), "")


def failed_job(job: JobRun, failure: Failure) -> Failed:
    """The failure of a job."""
    error, trace = failure.error, failure.traceback
    if error.__traceback__ is None and trace and not getattr(error, "__notes__", None):
        # It comes from another process: the place where it was raised is known as text only.
        error.add_note(f"raised by the job {job.text} of stage {job.stage.stage.name}:\n{trace}")
    ename = failure.ename if isinstance(error, ResultUnreadable) else ""
    trace = trace or f"{failure.ename}: {failure.evalue}\n"
    return Failed(job.stage.stage, job.text, error, failure.evalue, trace, ename)


def was_ended(error: BaseException) -> bool:
    """Whether a job failed since a command of it was ended by a signal."""
    code, name = getattr(error, "returncode", None), getattr(error, "signal", None)
    return bool(name) or (isinstance(code, int) and code < 0)


def failed_stage(stage: Stage, error: BaseException, job: str = "") -> Failed:
    """A failure in this process: jobs could not be worked out, or a function to call at the end failed."""
    import traceback

    trace = "".join(traceback.format_exception(error))
    return Failed(stage, job, error, str(error), trace)


@contextmanager
def expanding(stage: Stage) -> Iterator[None]:
    """Around the working out of a stage's jobs: what the user's functions raise there says which stage it is about.

    Raises:
        RethrownJobError: Something was raised.
    """
    try:
        yield
    except RethrownJobError:
        raise
    except Exception as exc:  # the user's own functions, and wrong declarations that show only now
        failures = Failures()
        failures.add(failed_stage(stage, exc))
        error = failures.error()
        error.specify_task(stage, "Exceptions generating parameters")
        raise error from exc


class Failures:
    """All failures of a run, in the order in which they happened."""

    def __init__(self) -> None:
        self._all: list[Failed] = []
        self._main: tuple[Stage, str] | None = None

    def __len__(self) -> int:
        return len(self._all)

    def add(self, failed: Failed) -> None:
        """One more."""
        self._all.append(failed)

    def head(self, stage: Stage, text: str) -> None:
        """Put a heading over all of them, which names a stage."""
        self._main = (stage, text)

    def error(self, held: Sequence[JobRun] = ()) -> RethrownJobError:
        """All of them as one exception.

        Args:
            held: Jobs that were not run because of them.
        """
        errors = [failed.error for failed in self._all]
        group = BaseExceptionGroup("jobs of a pipeline failed", errors)
        error = RethrownJobError([failed.row() for failed in self._all], group)
        if self._main is not None:
            error.specify_task(*self._main)
        if held:
            error.add_note(held_back(held))
        return error

    def last_text(self) -> str:
        """The last one in words."""
        return RethrownJobError([failed.row() for failed in self._all]).get_nth_exception_str()


def held_back(held: Sequence[JobRun]) -> str:
    """Jobs that were not run since what they need has failed, in words."""
    lines = [f"    {job.stage.stage.display_name}: {job.text}" for job in held[:_SHORT]]
    if len(held) > _SHORT:
        lines.append(f"    and {len(held) - _SHORT} more")
    jobs = "1 job was" if len(held) == 1 else f"{len(held)} jobs were"
    return "\n".join([f"{jobs} held back by these failures:", *lines])
