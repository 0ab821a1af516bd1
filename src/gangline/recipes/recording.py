"""Tasks of pipelines and their jobs in the record of runs: a task is a stage there, a job a task."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from gangline.store.record import RunRecord

if TYPE_CHECKING:
    from gangline.recipes.jobs import ComputeJob

__all__ = ["StageRecord"]

_OUTCOMES = {"succeeded": "ok", "lost": "lost", "unreachable": "lost", "timed_out": "timeout", "cancelled": "cancelled"}


class StageRecord:
    """The stage of one task. May be used from any thread.

    Args:
        record: The run's.
        name: The task's.
    """

    def __init__(self, record: RunRecord, name: str) -> None:
        self._record = record
        self._name = name
        self._fresh = 0

    def started(self) -> None:
        """The task runs."""
        self._record.stage_started(self._name, total=0, fresh=0)

    def skipped(self) -> None:
        """The task is done already: it counts as one job that is up to date."""
        self._record.stage_started(self._name, total=1, fresh=1)
        self._record.stage_ended(self._name, "ok")

    def ended(self, outcome: str) -> None:
        """The task is over: "ok" or "failed"."""
        self._record.stage_ended(self._name, outcome)

    def job_added(self, job: ComputeJob, reason: str = "") -> int:
        """A job is about to run; returns its number."""
        self._record.stage_grew(self._name, 1)
        return self._record.task_added(self._name, job.label, reason=reason)

    def job_ended(
        self, job: ComputeJob, number: int | None, *, started_at: float | None, ended_at: float, output: str
    ) -> None:
        """A job is decided.

        Args:
            job: Which.
            number: What `job_added` gave; None if it was not called.
            started_at: When it started, in seconds since the epoch.
            ended_at: When it ended, in seconds since the epoch.
            output: The end of what it wrote.
        """
        outcome = job.outcome
        assert outcome is not None
        if outcome.remembered:
            self._fresh += 1
            self._record.stage_grew(self._name, 1)
            self._record.stage_counted(self._name, fresh=self._fresh)
            return
        if number is None:
            number = self.job_added(job)
        if outcome.kind == "skipped":
            self._record.task_ended(number, "held")
            return
        is_told = outcome.kind in (
            "raised",
            "bad_value",
            "bad_outputs",
        )  # by the node script, better than by its exit code
        self._record.attempt_ended(
            number,
            number=max(outcome.attempts, 1),
            outcome=_OUTCOMES.get(outcome.kind, "error"),
            started_at=started_at,
            ended_at=ended_at,
            host=outcome.host,
            error_type="" if outcome.error is None or is_told else type(outcome.error).__name__,
            error=outcome.message,
            exit_code=None if is_told else outcome.exit_code,
            signal=outcome.signal,
            command=shlex.join([*job.words, *job.arguments]),
            stdout=output,
        )
        self._record.task_ended(
            number, "ok" if outcome.ok else "cancelled" if outcome.kind == "cancelled" else "failed"
        )

    def failed(self, recipe: str, **words: Any) -> None:
        """The recipe itself has failed.

        Args:
            recipe: Its name.
            words: What there is to say, as `RunRecord.attempt_ended` has it.
        """
        self._record.stage_grew(self._name, 1)
        number = self._record.task_added(self._name, f"recipe {recipe}")
        self._record.attempt_ended(number, number=1, outcome="error", **words)
        self._record.task_ended(number, "failed")
