"""`gangline queue enqueue`."""

from __future__ import annotations

import json
from typing import IO, Any

import click

from gangline.cli.output import Screen, output_option
from gangline.cli.pipelines.figures import counted
from gangline.cli.queue.options import look_here, pairs, queue_option, span
from gangline.errors import JobExists, UsageError
from gangline.queue.facade import Queue
from gangline.queue.properties import check_all

_MOST_SHOWN = 10


@click.command()
@click.argument("job", metavar="MODULE.CLASS")
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--args", "text", metavar="JSON", help="All arguments as one JSON object.")
@click.option(
    "--many", type=click.File(), metavar="FILE",
    help="Enter a job for each line, a JSON object of arguments; - is stdin.",
)  # fmt: skip
@click.option(
    "-p", "--property", "properties", multiple=True, metavar="NAME=VALUE",
    help="A property, such as priority=5. Repeatable.",
)  # fmt: skip
@click.option("--delay", metavar="SPAN", help="Start it after so long at the earliest, such as 90s, 15min, 12h.")
@click.option("--parent", type=click.IntRange(min=1), metavar="ID", help="The job that it is a child of.")
@click.option("--again", is_flag=True, help="Even if an equal job is not over yet.")
@queue_option(makes=True)
@output_option
def enqueue(
    job: str, arguments: tuple[str, ...], text: str | None, many: IO[str] | None, properties: tuple[str, ...],
    delay: str | None, parent: int | None, again: bool, queue: Queue, screen: Screen,
) -> None:  # fmt: skip
    r"""Enter a job, or many.

    Arguments are written NAME=VALUE; a value is JSON, and a text if it is not. The module is looked for in the current
    folder and where Python is installed. Prints the id of the job.

    \b
        gangline queue enqueue primes.PrimeJob start=1 end=1000000
        gangline queue enqueue shop.Invoices month=May -p priority=5 -p worker=big
        gangline queue enqueue shop.Invoices --many months.jsonl
    """
    look_here()
    said = check_all(pairs(properties, "the property"), job)
    if again:
        said["unique"] = False
    if delay is not None:
        said["delay"] = span(delay)
    if parent is not None:
        said["parent"] = parent
    args = _all_arguments(arguments, text)
    try:
        if many is None:
            jobs = [queue.enqueue(job, args=args, **said)]
        else:
            jobs = queue.enqueue_many(job, [{**args, **line} for line in _lines(many)], **said)
    except JobExists as error:
        raise JobExists(f"{error}; --again enters it all the same", job=error.job) from None
    screen.say(f"entered {counted(len(jobs), 'job')} of {job} into {queue.url}")
    shown = "\n".join(map(str, jobs)) if len(jobs) <= _MOST_SHOWN else f"{jobs[0]} ... {jobs[-1]}"
    screen.result({"queue": queue.url, "class": job, "jobs": jobs}, *([shown] if jobs else []))


def _all_arguments(words: tuple[str, ...], text: str | None) -> dict[str, Any]:
    args: Any = {}
    if text is not None:
        try:
            args = json.loads(text)
        except ValueError as error:
            raise UsageError(f"--args is no JSON: {error}") from error
        if not isinstance(args, dict):
            raise UsageError(f"--args is to be a JSON object, such as {json.dumps({'size': 100})}, not {text}")
    named = pairs(words, "the argument")
    for name in named:
        if name in args:
            raise UsageError(f"the argument {name!r} is given twice, once in --args")
    return {**args, **named}


def _lines(file: IO[str]) -> list[dict[str, Any]]:
    found = []
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            args = json.loads(line)
        except ValueError as error:
            raise UsageError(f"{file.name}, line {number} is no JSON: {error}") from error
        if not isinstance(args, dict):
            raise UsageError(f"{file.name}, line {number} is no JSON object but {line.strip():.60}")
        found.append(args)
    return found
