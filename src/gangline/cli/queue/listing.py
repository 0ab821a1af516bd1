"""`gangline queue list` and `gangline queue stats`."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.text import Text

from gangline.cli.output import Screen, output_option
from gangline.cli.pipelines.figures import counted
from gangline.cli.queue.options import queue_option
from gangline.cli.queue.words import STYLES, job_table, pause_lines, worker_table
from gangline.errors import UsageError
from gangline.queue.facade import Queue
from gangline.queue.record import Counts, plain
from gangline.store.jobs.port import State


@click.command("list")
@click.option(
    "--state", "states", multiple=True, type=click.Choice([str(state) for state in State]), help="Repeatable."
)
@click.option("--class", "names", multiple=True, metavar="MODULE.CLASS", help="Only jobs of this class. Repeatable.")
@click.option("--parent", type=int, metavar="ID", help="Only children of this job.")
@click.option("--tag", metavar="TAG", help="Only jobs with this tag.")
@click.option("--filter", "text", metavar="JSON", help="""Such as '{"args.year": {"$gte": 2020}}'.""")
@click.option("--journal", is_flag=True, help="Jobs that are complete or removed, instead of those in the queue.")
@click.option("--all", "everything", is_flag=True, help="Both.")
@click.option("--hidden", is_flag=True, help="Those, too, that are left out of lists.")
@click.option("--order", default="id", show_default=True, metavar="FIELD", help="Sorted by this; -FIELD for falling.")
@click.option("--limit", type=click.IntRange(min=0), default=100, show_default=True, help="At most so many; 0 for all.")
@queue_option()
@output_option
def list_jobs(
    states: tuple[str, ...], names: tuple[str, ...], parent: int | None, tag: str | None, text: str | None,
    journal: bool, everything: bool, hidden: bool, order: str, limit: int, queue: Queue, screen: Screen,
) -> None:  # fmt: skip
    """List jobs."""
    conditions = [_parse(text)] if text else []
    if states:
        conditions.append({"state": {"$in": list(states)}})
    if names:
        conditions.append({"name": {"$in": list(names)}})
    if parent is not None:
        conditions.append({"parent": parent})
    if tag is not None:
        conditions.append({"tag": tag})
    if not hidden:
        conditions.append({"hidden": False})
    where = {"$and": conditions} if conditions else {}
    place = None if everything else journal
    # What is complete is in the journal only: who asks for it means that.
    if states and set(states) == {"complete"} and not journal:
        place = None
    jobs = queue.find(where, journal=place, order=order, limit=limit or None)
    total = len(jobs) if not limit or len(jobs) < limit else queue.count(where, journal=place)
    data = {"queue": queue.url, "total": total, "jobs": [job.to_json() for job in jobs]}
    if jobs:
        parts: list[Any] = [job_table(jobs, queue.database.now())]
        if total > len(jobs):
            parts.append(f"... and {counted(total - len(jobs), 'more job')}; --limit 0 shows all")
    else:
        parts = ["no jobs" + (" in the queue; --all shows the finished ones, too" if place is False else "")]
    screen.result(data, *parts)


def _parse(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--filter is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"--filter is to be a JSON object of fields and values, not {text}")
    return found


@click.command()
@queue_option()
@output_option
def stats(queue: Queue, screen: Screen) -> None:
    """Tell how many jobs are in which state, and who works on them."""
    now = queue.database.now()
    waiting, over = queue.counts(journal=False), queue.counts(journal=True)
    workers, paused = queue.workers(), queue.paused()
    schedules = queue.schedules()
    data = {
        "queue": queue.url,
        "jobs": {str(state): waiting[state] for state in State},
        "journal": {str(state): over[state] for state in State if over[state]},
        "workers": [plain(worker) for worker in workers],
        "paused": [plain(one) for one in paused],
        "schedules": len(schedules),
    }
    parts: list[Any] = [Text(queue.url, style="bold"), _line("in the queue", waiting), _line("in the journal", over)]
    if schedules:
        soonest = min(schedules, key=lambda one: one.next_at)
        seconds = max(0, soonest.next_at.timestamp() - now)
        parts.append(Text(f"{counted(len(schedules), 'schedule')}, the next is {soonest.name} in {seconds:.0f} s"))
    parts += pause_lines(paused, now)
    parts += [Text(""), worker_table(workers, now)] if workers else [_no_worker(waiting)]
    screen.result(data, *parts)


def _line(where: str, counts: Counts) -> Text:
    line = Text(f"{where}: ")
    if not counts.total():
        return line.append("nothing")
    for number, state in enumerate(state for state in State if counts[state]):
        line.append(", " if number else "")
        line.append(f"{counts[state]:,} {state}", style=STYLES[state])
    return line


def _no_worker(waiting: Counts) -> Text:
    style = "bold red" if waiting.unfinished else ""
    return Text("no worker; start one: gangline worker", style=style)
