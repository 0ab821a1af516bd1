"""What the record knows of a job of a pipeline: when it last ran, how it ended, and what it does at present."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from gangline.cli.pipelines.figures import iso_time, show_duration, show_time
from gangline.cli.pipelines.reading import short_id, what_went_wrong
from gangline.errors import StoreError
from gangline.store.database import FILE
from gangline.store.reader import Record
from gangline.store.rows import RunRow, TaskRow

__all__ = ["Memory", "Remembered", "remembering"]

_RUNS_SEARCHED = 20


@dataclass(frozen=True, slots=True)
class Remembered:
    """The last time that a job had something to do.

    Attributes:
        run: In which run.
        task: What became of it.
        error: Why it failed, if it did.
    """

    run: RunRow
    task: TaskRow
    error: str

    def as_data(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "run": self.run.id,
            "run_outcome": self.run.outcome,
            "task": self.task.number,
            "outcome": self.task.outcome,
            "reason": self.task.reason,
            "waits_for": self.task.waits_for,
            "started_at": iso_time(self.task.started_at),
            "ended_at": iso_time(self.task.ended_at),
            "error": self.error,
        }

    @property
    def is_now(self) -> bool:
        """Whether it is about a run that is going on, and not decided."""
        return self.run.outcome == "running" and self.task.outcome is None

    def words(self) -> str:
        """The same for people, on one line."""
        task, run = self.task, self.run
        place = f"as task {task.number} of run {short_id(run)}"
        if self.is_now:
            if task.started_at is not None:
                return f"running since {show_time(task.started_at)}, {place}"
            waits = task.waits_for or "a free engine, or for a limit that others have used up"
            return f"waiting for {waits}, {place}"
        lasted = ""
        if task.started_at is not None and task.ended_at is not None:
            lasted = f", took {show_duration(task.ended_at - task.started_at)}"
        when = show_time(task.ended_at or task.started_at or task.added_at)
        logs = f"; `gangline logs {task.number} --run {short_id(run)}` shows more"
        match task.outcome:
            case "ok":
                return f"made {when}{lasted}, {place}"
            case "failed":
                return f"failed {when}{lasted}, {place}{f': {self.error}' if self.error else ''}{logs}"
            case "held":
                return f"held back {when}, {place}, since something that it needs had failed"
            case "cancelled":
                return f"taken back {when}, {place}, before it was done"
            case _:
                return f"begun {when}, {place}, which ended before it was done"


class Memory:
    """The latest runs of a folder, as far as they are recorded. Use `remembering`.

    Args:
        record: Where they are recorded; None: nothing is.
    """

    def __init__(self, record: Record | None) -> None:
        self._record = record
        self._runs = [] if record is None else record.runs(_RUNS_SEARCHED)
        self._tasks: dict[tuple[str, str], list[TaskRow]] = {}

    def recall(self, stage: str, outputs: Sequence[str], text: str) -> Remembered | None:
        """The last time that a job had something to do; None if nothing is known of it.

        Args:
            stage: The job's stage.
            outputs: The files that it makes.
            text: The job as printouts show it.
        """
        wanted = set(outputs)
        for run in self._runs:
            for task in reversed(self._tasks_of(run, stage)):
                if not wanted.isdisjoint(task.outputs) or task.job == text:
                    return Remembered(run, task, self._error(task))
        return None

    def _tasks_of(self, run: RunRow, stage: str) -> list[TaskRow]:
        key = run.id, stage
        if key not in self._tasks:
            self._tasks[key] = [] if self._record is None else self._record.tasks(run.id, stage=stage)
        return self._tasks[key]

    def _error(self, task: TaskRow) -> str:
        if task.outcome != "failed" or self._record is None:
            return ""
        attempts = self._record.attempts(task.run, task.number)
        return what_went_wrong(attempts[-1] if attempts else None)


@contextmanager
def remembering(folder: str, say: Callable[[str], None]) -> Iterator[Memory]:
    """What the record of a folder knows; without one, files speak for themselves.

    Args:
        folder: Where runs are recorded.
        say: Is told if there is a record that cannot be read.
    """
    with ExitStack() as stack:
        memory = Memory(None)
        if os.path.exists(os.path.join(folder, FILE)):
            try:
                memory = Memory(stack.enter_context(Record.open(folder)))
            except StoreError as error:
                say(f"What earlier runs did is left out: {error}.")
        yield memory
