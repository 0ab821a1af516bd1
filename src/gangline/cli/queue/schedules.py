"""`gangline queue schedule`."""

from __future__ import annotations

import click
from rich.table import Table

from gangline.cli.output import Screen, output_option
from gangline.cli.queue.options import look_here, pairs, queue_option
from gangline.cli.queue.words import arguments, clock, narrow
from gangline.errors import UsageError
from gangline.queue.facade import Queue
from gangline.queue.properties import check_all
from gangline.queue.record import Scheduled, plain


@click.command()
@click.argument("job", required=False, metavar="[MODULE.CLASS]")
@click.argument("line", required=False, metavar="[CRONTAB]")
@click.argument("words", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--name", metavar="NAME", help="What it is called.  [default: the class]")
@click.option("--timezone", metavar="ZONE", help="By which clock, such as Europe/Berlin.  [default: UTC]")
@click.option(
    "--missed", type=click.Choice(["one", "all", "none"]), help="Jobs for times without a worker.  [default: one]"
)
@click.option("-p", "--property", "properties", multiple=True, metavar="NAME=VALUE", help="Of the jobs. Repeatable.")
@click.option("--remove", "removed", metavar="NAME", help="Forget the schedule of this name.")
@queue_option(makes=True)
@output_option
def schedule(
    job: str | None, line: str | None, words: tuple[str, ...], name: str | None, timezone: str | None,
    missed: str | None, properties: tuple[str, ...], removed: str | None, queue: Queue, screen: Screen,
) -> None:  # fmt: skip
    r"""Have jobs entered at certain times, or list when they are.

    The crontab line is minute, hour, day of month, month, day of week. It may be left out if the class has a schedule.

    \b
        gangline queue schedule shop.Report "30 6 * * mon-fri" kind=daily
        gangline queue schedule
        gangline queue schedule --remove shop.Report
    """
    if removed is not None:
        if job is not None:
            raise UsageError("--remove takes the name of a schedule, and nothing else is said with it")
        queue.unschedule(removed)
    elif job is not None:
        look_here()
        if line is not None and "=" in line:
            words = (line, *words)
            line = None
        said = check_all(pairs(properties, "the property"), job)
        if timezone is not None:
            said["timezone"] = timezone
        if missed is not None:
            said["missed"] = missed
        queue.schedule(job, line, name=name, args=pairs(words, "the argument"), **said)
    rows = queue.schedules()
    now = queue.database.now()
    screen.result({"schedules": [plain(row) for row in rows]}, _table(rows, now) if rows else "no schedules")


def _table(rows: list[Scheduled], now: float) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("schedule", "class", "arguments", "times", "clock", "missed", "next", "last"):
        table.add_column(heading, no_wrap=heading != "arguments")
    for row in rows:
        table.add_row(
            row.name, row.job, narrow(arguments(row.args)), row.line, row.timezone or "UTC", row.missed,
            clock(row.next_at, now), clock(row.last_at, now) or "never",
        )  # fmt: skip
    return table
