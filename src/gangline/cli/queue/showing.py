"""`gangline queue show` and `gangline queue explain`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
from rich.text import Text

from gangline.cli.output import Screen, output_option
from gangline.cli.pipelines.figures import show_duration
from gangline.cli.queue.options import queue_option
from gangline.cli.queue.words import STYLES, clock, field_table
from gangline.queue.facade import Queue
from gangline.queue.record import JobRecord


@click.command()
@click.argument("job", type=int, metavar="ID")
@queue_option()
@output_option
def show(job: int, queue: Queue, screen: Screen) -> None:
    """Show all that is known about a job."""
    record = queue.get(job)
    children = queue.children(job)
    data = {**record.to_json(), "children": {str(state): number for state, number in children.items()}}
    parts: list[Any] = [_heading(record), field_table(_fields(record, queue.database.now()))]
    if children:
        parts.append(
            field_table([("children", ", ".join(f"{number:,} {state}" for state, number in children.items()))])
        )
    for error in record.errors:
        where = f" on {error['host']}" if error.get("host") else ""
        parts += [Text(f"\ntrial {error['trial']} failed{where}:", style="bold red"), Text(error["error"].rstrip())]
    screen.result(data, *parts)


def _heading(job: JobRecord) -> Text:
    heading = Text(f"job {job.id}  {job.name}  ", style="bold")
    heading.append(str(job.state), style=STYLES[job.state])
    if job.journaled:
        heading.append("  (in the journal)", style="not bold dim")
    return heading


def _fields(job: JobRecord, now: float) -> Iterator[tuple[str, Any]]:
    yield from ((f"argument {name}", _shown(value)) for name, value in job.args.items())
    share = "" if job.prog.value is None else f"{100 * job.prog.value:.1f} %  "
    yield "progress", f"{share}{job.prog.message}".strip()
    yield "result", "" if job.result is None else _shown(job.result)
    yield "entered", f"{clock(job.enqueued.at, now)} by {job.enqueued.user} on {job.enqueued.host}"
    yield "parent", job.parent
    yield "waits for", ", ".join(f"job {need}" if isinstance(need, int) else need for need in job.needs)
    if not job.final and job.query_at is not None and job.query_at.timestamp() > now:
        yield "runs from", clock(job.query_at, now)
    yield "started", clock(job.started_at, now)
    yield "ended", clock(job.finished_at, now)
    yield "took", "" if job.runtime is None else show_duration(job.runtime)
    yield "killed", clock(job.killed_at, now)
    yield "removed", clock(job.removed_at, now)
    yield "inactive", clock(job.inactive_at, now)
    yield "nonstop", clock(job.wall_at, now)
    yield "zombie", clock(job.zombie_at, now)
    if job.locked is not None:
        yield (
            "worker",
            f"{job.locked.worker} on {job.locked.host}" + (f", process {job.locked.pid}" if job.locked.pid else ""),
        )
    yield "trial", job.trial or ""
    yield "attempts", _attempts(job)
    yield "lost", "" if not job.lost else f"{job.lost} times its worker died over it"
    yield "sources", ", ".join(job.sources)
    yield "priority", job.priority or ""
    yield "only on workers", ", ".join(job.worker)
    yield "at once on a host", job.max_parallel
    yield "at once at all", job.max_parallel_total
    yield "interpreter", job.python
    yield "folder", job.folder
    yield from ((name, _shown(value)) for name, value in job.properties.items() if name not in _SHOWN_ELSEWHERE)
    yield "tag", job.tag
    yield "author", job.author


def _attempts(job: JobRecord) -> str:
    if job.attempts == 1:
        return ""
    return f"{job.attempts_left} of {job.attempts} left" if job.errors else f"up to {job.attempts}"


_SHOWN_ELSEWHERE = frozenset(
    {"priority", "worker", "max_parallel", "max_parallel_total", "python", "attempts", "tag", "author"}
)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


@click.command()
@click.argument("job", type=int, metavar="ID")
@queue_option()
@output_option
def explain(job: int, queue: Queue, screen: Screen) -> None:
    """Tell why a job is not running, or what became of it."""
    explanation = queue.explain(job)
    screen.result(explanation.to_json(), Text(str(explanation)))
