"""`gangline queue kill`, `restart`, `remove`, `purge`, `halt` and `wait`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from rich.text import Text

from gangline.cli.exits import WORK_FAILED, WRONG_USAGE
from gangline.cli.output import Screen, output_option
from gangline.cli.pipelines.figures import counted
from gangline.cli.queue.options import queue_option, span
from gangline.cli.queue.words import job_table
from gangline.errors import UsageError
from gangline.queue.facade import Queue
from gangline.store.jobs.port import FINAL, State

_ids = click.argument("jobs", nargs=-1, required=True, type=int, metavar="ID...")


def _each(jobs: tuple[int, ...], screen: Screen, order: Callable[[int], tuple[dict[str, Any], str]]) -> None:
    """Give an order to each of several jobs; those that refuse it do not keep it from the others."""
    done, refused = [], []
    lines = []
    for job in jobs:
        try:
            data, line = order(job)
        except UsageError as error:
            refused.append({"job": job, "error": str(error)})
            screen.say(Text(str(error), style="bold red"))
        else:
            done.append({"job": job, **data})
            lines.append(Text(line))
    screen.result({"done": done, "refused": refused}, *lines)
    if refused:
        raise SystemExit(WRONG_USAGE)


@click.command()
@_ids
@queue_option()
@output_option
def kill(jobs: tuple[int, ...], queue: Queue, screen: Screen) -> None:
    """End jobs, wherever they run.

    One that does not run is killed at once; of one that does its worker is told, which ends all of its processes.
    """

    def order(job: int) -> tuple[dict[str, Any], str]:
        state = queue.kill(job)
        told = f"job {job} runs, and its worker is told to end it" if state is State.RUNNING else f"job {job} is killed"
        return {"state": str(state)}, told

    _each(jobs, screen, order)


@click.command()
@_ids
@queue_option()
@output_option
def restart(jobs: tuple[int, ...], queue: Queue, screen: Screen) -> None:
    """Run jobs again.

    One that waits for its time runs now. Of one that has ended a copy is entered, and prints its id.
    """

    def order(job: int) -> tuple[dict[str, Any], str]:
        new = queue.restart(job)
        return {"new": new}, f"job {job} runs now" if new == job else f"job {job} runs again as job {new}"

    _each(jobs, screen, order)


@click.command()
@_ids
@click.option("--kill", "kills", is_flag=True, help="End it first, if it runs.")
@queue_option()
@output_option
def remove(jobs: tuple[int, ...], kills: bool, queue: Queue, screen: Screen) -> None:
    """Take jobs out of the queue, into the journal.

    One that runs is removed when it has ended.
    """

    def order(job: int) -> tuple[dict[str, Any], str]:
        state = queue.remove(job, kill=kills)
        waits = f"job {job} runs, and is removed when it has ended"
        return {"state": str(state)}, waits if state is State.RUNNING else f"job {job} is removed"

    _each(jobs, screen, order)


@click.command()
@click.argument("worker", metavar="WORKER")
@queue_option()
@output_option
def halt(worker: str, queue: Queue, screen: Screen) -> None:
    """Order a worker to finish what it runs and to stop.

    Its name is what `gangline queue stats` shows.
    """
    queue.halt(worker)
    screen.result({"worker": worker}, f"{worker} takes no more jobs, and stops when those that it runs have ended")


@click.command()
@click.option("--older-than", required=True, metavar="SPAN", help="Over for so long, such as 12h, 30d.")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(sorted(map(str, FINAL))),
    help="Jobs in this state. Repeatable.  [default: complete]",
)  # fmt: skip
@queue_option()
@output_option
def purge(older_than: str, states: tuple[str, ...], queue: Queue, screen: Screen) -> None:
    """Delete the records of jobs that have been over for a while.

    What they wrote goes with them.
    """
    number = queue.purge(span(older_than), states=states or ("complete",))
    screen.result({"deleted": number}, f"deleted the records of {counted(number, 'job')}")


@click.command()
@_ids
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="How long at most.")
@queue_option()
@output_option
def wait(jobs: tuple[int, ...], timeout: float | None, queue: Queue, screen: Screen) -> None:
    """Wait until jobs have ended.

    The exit code is 0 if all of them are complete, and 1 otherwise.
    """
    records = queue.wait(jobs, timeout)
    screen.result({"jobs": [record.to_json() for record in records]}, job_table(records, queue.database.now()))
    if any(record.state is not State.COMPLETE for record in records):
        raise SystemExit(WORK_FAILED)
