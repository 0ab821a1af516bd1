"""Which jobs have something to do: by the rules of files, by those of directories, or by the user's own check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.freshness.directories import assess_directories
from gangline.pipeline.freshness.rules import Assessor
from gangline.pipeline.freshness.verdict import Freshness
from gangline.pipeline.ruffus_exceptions import RethrownJobError
from gangline.pipeline.stages.expansion import Expansion
from gangline.pipeline.stages.kinds import Kind
from gangline.pipeline.stages.stage import Stage

__all__ = ["Judge", "Judgement", "blaming"]

_UNCHECKED = frozenset({Kind.PLAIN, Kind.PARALLEL})


class Judgement(NamedTuple):
    """Whether a job has something to do.

    Attributes:
        needs_update: Whether it has.
        found: What was found out about its files; None when the user's own check was asked.
        said: What that check said.
    """

    needs_update: bool
    found: Freshness | None = None
    said: str = ""

    def reason(self, path_level: int, directory: str, *, with_times: bool = False) -> str:
        """The reason as printouts show it, see `Freshness.reason`."""
        if self.found is None:
            return self.said
        return self.found.reason(path_level, directory, with_times=with_times)

    def summary(self) -> str:
        """The reason in one short line."""
        if self.found is not None:
            return self.found.summary()
        return self.said or ("its own check says so" if self.needs_update else "up to date by its own check")


class Judge:
    """Tells of jobs and stages whether they have something to do.

    Args:
        expansion: The jobs of the stages.
        assessor: What is known of files and of earlier runs.
    """

    def __init__(self, expansion: Expansion, assessor: Assessor) -> None:
        self._expansion = expansion
        self._assessor = assessor

    @staticmethod
    def has_check(stage: Stage) -> bool:
        """Whether anything can be said of the stage's jobs; without, they run each time."""
        return stage.uptodate_check is not None or stage.kind not in _UNCHECKED

    def judge(self, stage: Stage, job: JobParams, function: Any) -> Judgement:
        """Whether one job has something to do. The stage must have a check.

        Args:
            stage: The job's stage.
            job: The job.
            function: What the stage calls, `stage.function`: worked out once for all of its jobs.
        """
        if stage.uptodate_check is not None:
            return _ask(stage.uptodate_check, job)
        if stage.kind is Kind.MKDIR:
            found = assess_directories(job)
        else:
            found = self._assessor.assess(function, job)
        return Judgement(found.needs_update, found)

    def is_fresh(self, stage: Stage) -> bool:
        """Whether nothing of the stage has to run, its parents apart. A stage that is not active has nothing to do.

        Raises:
            RethrownJobError: Its jobs cannot be worked out or compared; it holds the reason.
        """
        if not self._expansion.is_active(stage):
            return True
        if not self.has_check(stage):
            return False
        with blaming(stage):
            function, jobs = stage.function, self._expansion.jobs(stage)
            if stage.uptodate_check is None and stage.kind is not Kind.MKDIR:
                return self._assessor.all_fresh(function, jobs)
            return not any(self.judge(stage, job, function).needs_update for job in jobs)


@contextmanager
def blaming(stage: Stage) -> Iterator[None]:
    """Around the working out and comparing of a stage's jobs: whatever is raised there names the stage.

    Raises:
        RethrownJobError: Something was raised; it holds the reason.
    """
    try:
        yield
    except RethrownJobError:
        raise
    except Exception as error:  # the user's own functions make jobs and check them
        raise _rethrown(stage, error) from error


def _ask(check: Callable[..., Any], job: JobParams) -> Judgement:
    """What the user's check says: whether the job must run, and why, or only whether."""
    answer = check(*job.params, **job.named)
    if isinstance(answer, tuple) and len(answer) == 2:
        return Judgement(bool(answer[0]), None, str(answer[1]))
    return Judgement(bool(answer))


def _rethrown(stage: Stage, error: Exception) -> RethrownJobError:
    import traceback

    kind = type(error)
    value = f"({error})" if str(error) else ""
    stack = "".join(traceback.format_exception(error))
    row = (stage.name, "", f"{kind.__module__}.{kind.__name__}", value, stack)
    group = ExceptionGroup(f"the jobs of {stage.display_name!r} cannot be worked out", [error])
    return RethrownJobError([row], group).specify_task(stage, "Exceptions generating parameters")
