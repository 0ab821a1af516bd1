"""Watches a run in the record until it ends: live on a terminal, a line for each task that ends in a pipe."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from rich.console import Group
from rich.live import Live
from rich.text import Text

from gangline.cli.output import Screen
from gangline.cli.pipelines.figures import show_duration
from gangline.cli.pipelines.files import stage_name
from gangline.cli.pipelines.overview import STYLES, run_overview, take_overview
from gangline.cli.pipelines.reading import task_words, what_went_wrong
from gangline.store.reader import Record
from gangline.store.rows import TaskRow

__all__ = ["follow"]

_LOOKS_PER_S = 2
_OVERLAP_S = 2.0
"""Tasks are looked for that ended that much before the last look: they come to the disk a little later."""


def follow(record: Record, run_id: str, screen: Screen) -> None:
    """Watch a run until it is over, and leave nothing of it on a terminal.

    Args:
        record: Where the run stands.
        run_id: Which.
        screen: Where to show it.
    """
    if screen.messages.is_terminal and not screen.messages.is_dumb_terminal:
        _show_live(record, run_id, screen)
        return
    ended = _EndedTasks(record, run_id)
    while record.run(run_id).outcome == "running":
        for task in ended.new():
            screen.say(_line(record, task))
        time.sleep(1 / _LOOKS_PER_S)
    for task in ended.new():
        screen.say(_line(record, task))


def _show_live(record: Record, run_id: str, screen: Screen) -> None:
    with Live(console=screen.messages, auto_refresh=False, transient=True) as live:
        while (seen := take_overview(record, run_id)).run.outcome == "running":
            live.update(Group(*run_overview(replace(seen, watched=True))), refresh=True)
            time.sleep(1 / _LOOKS_PER_S)


class _EndedTasks:
    """Tells of each task once that it has ended."""

    def __init__(self, record: Record, run_id: str) -> None:
        self._record = record
        self._run_id = run_id
        self._since = 0.0
        self._told: set[int] = set()

    def new(self) -> Iterator[TaskRow]:
        """Those that have ended since the last time."""
        for task in self._record.ended_tasks(self._run_id, self._since - _OVERLAP_S):
            if task.number not in self._told:
                self._told.add(task.number)
                self._since = max(self._since, task.ended_at or 0.0)
                yield task


def _line(record: Record, task: TaskRow) -> Text:
    line = Text(f"{task.outcome or '':<9}", style=STYLES.get(task.outcome or "", ""))
    line.append(f" {stage_name(task.stage)}  {task_words(task)}", style="not bold default")
    if task.outcome in ("ok", "failed") and task.started_at is not None and task.ended_at is not None:
        line.append(f"  {show_duration(task.ended_at - task.started_at)}", style="not bold default")
    if task.outcome == "failed":
        attempts = record.attempts(task.run, task.number)
        line.append(f"  {what_went_wrong(attempts[-1] if attempts else None)}", style="not bold default")
    return line
