"""How jobs, workers and pauses look on a screen."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from rich.table import Table
from rich.text import Text

from gangline.cli.pipelines.figures import show_clock, show_duration
from gangline.queue.record import JobRecord, Paused, WorkerRecord

__all__ = ["STYLES", "clock", "field_table", "job_table", "narrow", "pause_lines", "shortened", "worker_table"]

STYLES = {
    "pending": "", "running": "cyan", "deferred": "yellow", "failed": "yellow", "complete": "green",
    "error": "bold red", "inactive": "bold red", "killed": "red",
}  # fmt: skip
_ARGS_SHOWN = 40
_MESSAGE_SHOWN = 60


def clock(moment: datetime | None, now: float) -> str:
    """A time, with its date if it is not of today; empty for none."""
    return "" if moment is None else show_clock(moment.timestamp(), now)


def shortened(text: str, most: int) -> str:
    """The first line of a text, and not too much of it."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if len(line) <= most else f"{line[: most - 1]}…"


def job_table(jobs: Sequence[JobRecord], now: float) -> Table:
    """Jobs, one in a row."""
    columns: dict[str, Callable[[JobRecord], str | Text]] = {
        "id": lambda job: str(job.id),
        "class": lambda job: job.name,
        "arguments": lambda job: narrow(arguments(job.args)),
        "state": state_of,
    }
    if any(job.priority for job in jobs):
        columns["priority"] = lambda job: str(job.priority)
    if any(job.trial > 1 for job in jobs):
        columns["trial"] = lambda job: str(job.trial)
    columns |= {
        "entered": lambda job: clock(job.enqueued.at, now),
        "": lambda job: when(job, now),
        " ": lambda job: narrow(what(job)),
    }
    table = _table(*columns, right=("id", "priority", "trial"), narrow=("arguments", " "))
    for job in jobs:
        table.add_row(*(show(job) for show in columns.values()))
    return table


def state_of(job: JobRecord) -> Text:
    """A job's state, and what was noticed about it."""
    state = Text(str(job.state), style=STYLES[job.state])
    if job.flags:
        state.append(f" ({', '.join(job.flags)})", style="bold red")
    return state


def narrow(text: str) -> Text:
    """A text that is cut off where the terminal is too narrow for it."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def arguments(args: dict[str, Any]) -> str:
    """Arguments as they are typed, and not too many of them."""
    words = " ".join(f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in args.items())
    return shortened(words, _ARGS_SHOWN)


def when(job: JobRecord, now: float) -> str:
    """The time that matters most in a job's state."""
    match job.state:
        case "running":
            return f"for {show_duration(now - job.started_at.timestamp())}" if job.started_at else ""
        case "complete" | "error":
            return f"took {show_duration(job.runtime)}" if job.runtime is not None else ""
        case "killed":
            return f"at {clock(job.killed_at, now)}" if job.killed_at else ""
        case "inactive":
            return f"at {clock(job.inactive_at, now)}" if job.inactive_at else ""
        case _:
            later = job.query_at is not None and job.query_at.timestamp() > now
            return f"from {clock(job.query_at, now)}" if later else ""


def what(job: JobRecord) -> str:
    """What there is to say about a job, in a few words."""
    if job.state == "running":
        share = "" if job.prog.value is None else f"{100 * job.prog.value:.0f} % "
        place = f"on {job.locked.host} " if job.locked else ""
        return shortened(f"{place}{share}{job.prog.message}", _MESSAGE_SHOWN)
    if job.state in ("error", "failed"):
        lines = job.last_error.strip().splitlines()
        return shortened(lines[-1] if lines else "", _MESSAGE_SHOWN)
    return shortened(job.prog.message, _MESSAGE_SHOWN)


def worker_table(workers: Iterable[WorkerRecord], now: float) -> Table:
    """Workers, one in a row."""
    table = _table("worker", "host", "process", "jobs", "since", "", right=("process", "jobs"), narrow=("",))
    for worker in workers:
        if not worker.alive:
            state = Text(f"not heard of since {clock(worker.heartbeat, now)}", style="bold red")
        else:
            state = Text("stopping" if worker.halting else "", style="yellow")
        table.add_row(
            worker.name, worker.host, str(worker.pid), f"{worker.running} of {worker.slots}",
            clock(worker.started_at, now), state,
        )  # fmt: skip
    return table


def pause_lines(paused: Iterable[Paused], now: float) -> Iterator[Text]:
    """What is paused, one in a line."""
    for one in paused:
        what = {"queue": "the whole queue", "class": f"the class {one.name}", "host": f"the host {one.name}"}[one.scope]
        reason = f": {one.reason}" if one.reason else ""
        yield Text(f"{what} is paused since {clock(one.since, now)}{reason}", style="yellow")


def field_table(fields: Iterable[tuple[str, Any]]) -> Table:
    """Names and values, one in a row; without those that are empty."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, value in fields:
        if value not in ("", None, [], (), {}):
            table.add_row(name, value if isinstance(value, Text) else str(value))
    return table


def _table(*headings: str, right: Container[str] = (), narrow: Container[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        # A column that may wrap is the first to become narrower; its cells are then cut off and not wrapped.
        justify: Literal["left", "right"] = "right" if heading in right else "left"
        table.add_column(heading, justify=justify, no_wrap=heading not in narrow)
    return table
