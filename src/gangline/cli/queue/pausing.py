"""`gangline queue pause` and `gangline queue resume`."""

from __future__ import annotations

import click
from rich.text import Text

from gangline.cli.output import Screen, output_option
from gangline.cli.queue.options import queue_option
from gangline.cli.queue.words import pause_lines
from gangline.queue.facade import Queue
from gangline.queue.record import plain

_class = click.option("--class", "job", metavar="MODULE.CLASS", help="Only jobs of this class.")
_host = click.option("--host", metavar="HOST", help="Only this host.")


@click.command()
@_class
@_host
@click.option("--reason", default="", metavar="TEXT", help="Shown to those who ask why nothing starts.")
@queue_option()
@output_option
def pause(job: str | None, host: str | None, reason: str, queue: Queue, screen: Screen) -> None:
    """Start no new jobs: of a class, on a host, or at all.

    What runs goes on. `gangline queue resume` ends it.
    """
    queue.pause(job, host=host, reason=reason)
    _show(queue, screen)


@click.command()
@_class
@_host
@queue_option()
@output_option
def resume(job: str | None, host: str | None, queue: Queue, screen: Screen) -> None:
    """Start jobs again that were paused."""
    if not queue.resume(job, host=host):
        what = job or host or "the whole queue"
        screen.say(f"{what} was not paused")
    _show(queue, screen)


def _show(queue: Queue, screen: Screen) -> None:
    paused = queue.paused()
    lines = list(pause_lines(paused, queue.database.now()))
    screen.result({"paused": [plain(one) for one in paused]}, *(lines or [Text("nothing is paused")]))
