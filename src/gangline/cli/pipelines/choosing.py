"""Which tasks of a run somebody means."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from gangline.cli.pipelines.figures import counted
from gangline.cli.pipelines.files import stage_name
from gangline.cli.pipelines.reading import short_id
from gangline.errors import UsageError
from gangline.store.reader import Record
from gangline.store.rows import RunRow, TaskRow

__all__ = ["Choice", "choose_all", "choose_failures", "choose_latest", "choose_tasks", "nearest_names"]

_NAMES_SHOWN = 5
_RUNS_SEARCHED = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """Tasks of a run.

    Attributes:
        by: How they were chosen.
        tasks: They, in the order in which they were added.
        why_none: What to say when there are none.
    """

    by: Literal["failures", "all", "task", "stage", "output", "input", "text"]
    tasks: list[TaskRow]
    why_none: str = ""

    def only_failed(self) -> Choice:
        """Those of them that failed."""
        return replace(
            self,
            tasks=[task for task in self.tasks if task.outcome == "failed"],
            why_none=self.why_none or "Nothing of it failed.",
        )


def choose_failures(record: Record, run: RunRow) -> Choice:
    """The tasks of a run that failed."""
    if run.outcome == "running":
        why = f"Nothing has failed in run {short_id(run)} of {run.program} so far; it is still running."
    elif run.outcome == "failed":
        reason = run.message or "no reason is recorded"
        why = f"Run {short_id(run)} of {run.program} failed, but not in one of its tasks: {reason}."
    else:
        why = f"Nothing failed in run {short_id(run)} of {run.program}."
    hint = " `gangline logs --all` shows all of its tasks, `gangline logs WHAT` those of a stage or a file."
    return Choice("failures", record.tasks(run.id, outcome="failed"), why + hint)


def choose_all(record: Record, run: RunRow) -> Choice:
    """All tasks of a run."""
    why = f"Run {short_id(run)} of {run.program} has no tasks: it found nothing to do."
    return Choice("all", record.tasks(run.id), why)


def choose_tasks(record: Record, run: RunRow, what: str) -> Choice:
    """The tasks that a word stands for.

    Args:
        record: Where the run stands.
        run: The run.
        what: A task's number; else a stage; else a file that is made; else one that is read; else a part of the text
            of jobs.

    Raises:
        UsageError: It stands for none; the message names the nearest stages and files.
    """
    tasks = record.tasks(run.id)
    if what.isdecimal():
        numbered = [task for task in tasks if task.number == int(what)]
        if numbered:
            return Choice("task", numbered)
    stages = {stage.name: stage for stage in record.stages(run.id)}
    meant = _find_stage(what, dict.fromkeys((*stages, *(task.stage for task in tasks))))
    of_stage = [task for task in tasks if task.stage == meant]
    if of_stage:
        return Choice("stage", of_stage)
    if meant is not None:
        jobs = counted(stages[meant].total, "job")
        why = f"Stage {what} had nothing to do in run {short_id(run)}: {jobs}, none out of date."
        return Choice("stage", [], why)
    path = os.path.abspath(what)
    making = [task for task in tasks if _names_path(task.outputs, path, what, run.folder)]
    if making:
        return Choice("output", making)
    reading = [task for task in tasks if _names_path(task.inputs, path, what, run.folder)]
    if reading:
        return Choice("input", reading)
    with_text = [
        task for task in tasks if what in task.job or any(what in name for name in (*task.outputs, *task.inputs))
    ]
    if with_text:
        return Choice("text", with_text)
    raise _unknown(record, run, what, tasks)


def _find_stage(what: str, names: Iterable[str]) -> str | None:
    """The stage of this name; the name of its pipeline may be left out where that leaves only one."""
    names = list(names)
    exact = next((name for name in names if what in (name, stage_name(name))), None)
    unprefixed = [name for name in names if what == stage_name(name).rpartition("::")[2]]
    return exact if exact is not None or len(unprefixed) != 1 else unprefixed[0]


def choose_latest(record: Record, last: RunRow, what: str) -> tuple[RunRow, Choice]:
    """The tasks that a word stands for in the latest run that has such tasks, and that run.

    Args:
        record: Where the runs stand.
        last: The last run.
        what: As for `choose_tasks`. Numbers are those of the last run: in another they are about something else.

    Raises:
        UsageError: It stands for none in any of the latest runs.
    """
    try:
        choice = choose_tasks(record, last, what)
    except UsageError:
        found = None if what.isdecimal() else _find_earlier(record, last, what)
        if found is None:
            raise
        return found
    return (None if choice.tasks else _find_earlier(record, last, what)) or (last, choice)


def _find_earlier(record: Record, last: RunRow, what: str) -> tuple[RunRow, Choice] | None:
    for run in record.runs(_RUNS_SEARCHED):
        if run.id != last.id:
            with suppress(UsageError):
                choice = choose_tasks(record, run, what)
                if choice.tasks:
                    return run, choice
    return None


def _names_path(names: Iterable[str], path: str, what: str, folder: str) -> bool:
    return any(name == what or os.path.join(folder, name) == path for name in names)


def _unknown(record: Record, run: RunRow, what: str, tasks: list[TaskRow]) -> UsageError:
    stages = [stage_name(stage.name) for stage in record.stages(run.id)]
    place = f"run {short_id(run)} of {run.program}"
    if not tasks:
        return UsageError(
            f"{place} has no tasks, so none of {what!r}: it found nothing to do. `--run ID` names another run"
        )
    numbers = f"; its tasks have the numbers {tasks[0].number} to {tasks[-1].number}" if what.isdecimal() else ""
    files = (name for task in tasks for name in (*task.outputs, *task.inputs))
    near = nearest_names(what, [*stages, *files])
    hint = f"; did you mean {near}?" if near else f"; its stages are {', '.join(stages)}"
    return UsageError(f"no task of {place} has to do with {what!r}{numbers or hint}")


def nearest_names(word: str, known: Iterable[str]) -> str:
    """The known names that a word was probably meant to be, in words; "" if none is near."""
    names = list(dict.fromkeys(known))
    found = get_close_matches(word, names, n=3, cutoff=0.6)
    if not found:
        # Of a file often only the name is remembered, not the folder.
        base = os.path.basename(word)
        found = [name for name in names if base and os.path.basename(name) == base][:_NAMES_SHOWN]
    return " or ".join(map(repr, found))
