"""`gangline queue`: the group of commands about a queue."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gangline.cli.main import CommandTable, Entry

_HERE = "gangline.cli.queue"
QUEUE_COMMANDS: Mapping[str, Entry] = {
    "enqueue": Entry(f"{_HERE}.entering:enqueue", "Enter a job, or many."),
    "explain": Entry(f"{_HERE}.showing:explain", "Tell why a job is not running, or what became of it."),
    "halt": Entry(f"{_HERE}.orders:halt", "Order a worker to finish what it runs and to stop."),
    "kill": Entry(f"{_HERE}.orders:kill", "End jobs, wherever they run."),
    "list": Entry(f"{_HERE}.listing:list_jobs", "List jobs."),
    "logs": Entry(f"{_HERE}.logs:logs", "Show what a job wrote and logged."),
    "pause": Entry(f"{_HERE}.pausing:pause", "Start no new jobs: of a class, on a host, or at all."),
    "purge": Entry(f"{_HERE}.orders:purge", "Delete the records of jobs that have been over for a while."),
    "remove": Entry(f"{_HERE}.orders:remove", "Take jobs out of the queue, into the journal."),
    "restart": Entry(f"{_HERE}.orders:restart", "Run jobs again."),
    "resume": Entry(f"{_HERE}.pausing:resume", "Start jobs again that were paused."),
    "schedule": Entry(f"{_HERE}.schedules:schedule", "Have jobs entered at certain times, or list when they are."),
    "show": Entry(f"{_HERE}.showing:show", "Show all that is known about a job."),
    "stats": Entry(f"{_HERE}.listing:stats", "Tell how many jobs are in which state, and who works on them."),
    "wait": Entry(f"{_HERE}.orders:wait", "Wait until jobs have ended."),
}


class QueueTable(CommandTable):
    """The commands below `gangline queue`."""

    @property
    def table(self) -> Mapping[str, Entry]:
        """By name."""
        return QUEUE_COMMANDS


@click.group(cls=QueueTable)
def queue() -> None:
    """Enter durable jobs, look after them, give orders to them.

    The queue is what --queue names, else GANGLINE_QUEUE_URL, else what gangline.toml says, else a file in the folder
    .gangline. Jobs are run by `gangline worker`.
    """
