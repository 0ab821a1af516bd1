"""`gangline queue logs`."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from gangline.cli.output import Output, Screen, output_option
from gangline.cli.queue.options import queue_option
from gangline.queue.facade import Queue
from gangline.queue.record import LogLine, plain

_AT_ONCE = 1000
_LOOK_EVERY_S = 0.5
_LOUD = {"error": "bold red", "critical": "bold red", "warning": "yellow"}
_RAW = ("stdout", "stderr")


@click.command()
@click.argument("job", type=int, metavar="ID")
@click.option("--trial", type=click.IntRange(min=1), metavar="N", help="Only of this run of the job.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.option("-t", "--times", is_flag=True, help="With the time of each line, and where it comes from.")
@queue_option()
@output_option
def logs(job: int, trial: int | None, follow: bool, times: bool, queue: Queue, screen: Screen) -> None:
    """Show what a job wrote and logged."""
    queue.get(job)
    kept: list[dict[str, Any]] = []
    after = 0
    while True:
        over = not follow or queue.get(job).final
        while found := queue.logs(job, after=after, limit=_AT_ONCE):
            after = found[-1].number
            for line in found:
                if trial is None or line.trial == trial:
                    kept += _print(line, times, screen)
        if over:
            break
        queue.database.wait_for_change(_LOOK_EVERY_S, ends=True)
    if screen.form is Output.JSON:
        screen.result({"job": job, "output": kept})
    elif not after:
        screen.say(f"job {job} has written nothing")


def _print(line: LogLine, times: bool, screen: Screen) -> list[dict[str, Any]]:
    if screen.form is Output.JSON:
        return [{key: plain(value) for key, value in line._asdict().items()}]
    style = _LOUD.get(line.stream, "")
    prefix = f"{line.at.astimezone():%H:%M:%S} {line.stream:<8} " if times else ""
    if not times and line.stream not in _RAW:
        prefix = f"{line.stream.upper()} "
    for text in line.text.rstrip("\n").split("\n"):
        screen.result({}, Text(f"{prefix}{text}", style=style))
    return []
