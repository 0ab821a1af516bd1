"""`gangline worker`: the daemon that takes jobs from a queue."""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType

import click

from gangline.cli.output import Output, Screen, output_option

_FORMAT = "%(asctime)s %(levelname)-7s %(message)s"


@click.command()
@click.option(
    "--queue",
    "url",
    metavar="URL",
    help="The queue: sqlite:///PATH or postgresql://...  [default: as configured, else .gangline/queue.db]",
)
@click.option(
    "--slots", type=click.IntRange(min=1), metavar="N", help="How many jobs run at once.  [default: one for each core]"
)
@click.option("--name", metavar="NAME", help="By which jobs choose this worker.  [default: HOST-PID]")
@click.option(
    "--lease",
    "lease_s",
    type=click.FloatRange(min=1),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="After this long without a sign of life the jobs of this worker are given to others.",
)
@click.option(
    "--max-load",
    type=click.FloatRange(min=0, min_open=True),
    metavar="LOAD",
    help="Start nothing while the load of the last minute is above this for each core.",
)
@click.option(
    "--min-free-memory",
    type=click.FloatRange(min=0, max=100),
    metavar="PERCENT",
    help="Start nothing while less of the memory is free.",
)
@click.option("--until-empty", is_flag=True, help="End when nothing is left to do.")
@click.option("-v", "--verbose", is_flag=True, help="Tell of each job.")
@output_option
def worker(
    url: str | None,
    slots: int | None,
    name: str | None,
    lease_s: float,
    max_load: float | None,
    min_free_memory: float | None,
    until_empty: bool,
    verbose: bool,
    screen: Screen,
) -> None:
    """Take durable jobs from a queue and run them on this host.

    It goes on until it is stopped. Start one on each host; several on one host get along. The first SIGTERM or Ctrl-C
    stops it gently: it takes no more jobs and ends when those that run have ended. The second one ends them and hands
    them back to the queue. `gangline queue halt NAME` stops one from elsewhere.

    What it does is told on stderr; the result is how many jobs ended here in which way. With --output quiet only
    trouble is told.
    """
    from gangline.queue import Queue
    from gangline.queue.worker.load import LoadLimits
    from gangline.queue.worker.worker import Worker

    level = logging.DEBUG if verbose else logging.WARNING if screen.form is Output.QUIET else logging.INFO
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=_FORMAT, datefmt="%Y-%m-%d %H:%M:%S")
    logging.getLogger("gangline.worker").setLevel(level)
    limits = LoadLimits(max_load, None if min_free_memory is None else min_free_memory / 100)
    with Queue(url) as queue:
        daemon = Worker(queue, slots=slots, name=name, lease_s=lease_s, limits=limits, until_empty=until_empty)

        def stop(_number: int, _frame: FrameType | None) -> None:
            daemon.stop()

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, stop)
        daemon.run()
    counts = {kind: daemon.done[kind] for kind in ("complete", "deferred", "failed", "killed", "released")}
    words = ", ".join(f"{number} {kind}" for kind, number in counts.items() if number)
    screen.result({"worker": daemon.name, "host": daemon.host, **counts}, f"Jobs here: {words or 'none'}.")
