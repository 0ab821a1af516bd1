"""`gangline retry`: runs a program again after a failure, as it was run then."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from gangline.cli.output import Screen, output_option
from gangline.cli.pipelines.figures import counted
from gangline.cli.pipelines.loading import Program, find_program
from gangline.cli.pipelines.options import Asked, asked_options
from gangline.cli.pipelines.reading import find_run, open_record, record_option, short_id
from gangline.cli.pipelines.run import carry_out
from gangline.errors import UsageError
from gangline.store.reader import Record
from gangline.store.rows import RunRow

_ONCE = ("force", "force_all", "touch")
"""What was asked for once is not asked for again: what has been done by force is done."""


@click.command()
@click.argument("run", required=False)
@asked_options(runs=True)
@record_option
@output_option
def retry(run: str | None, record: str, asked: Asked, screen: Screen) -> None:
    """Run the program of the last run again, if that failed, was interrupted or killed.

    RUN is the id of another run, or the start of it. The program gets the same arguments and options, in the same
    folder; options given here go before them, and what was forced or touched then is not forced or touched again.
    Only what failed, what that held back, and what was not finished has something to do. Prints what gangline run
    prints; if there is nothing to retry, says so and does nothing.
    """
    with open_record(record) as reader:
        found = find_run(reader, run)
        told = _what_is_left(reader, found)
    if found.outcome == "ok":
        text = f"Run {short_id(found)} of {found.program} ended well: there is nothing to retry."
        screen.result({"program": found.program, "run_id": found.id, "outcome": "nothing to retry"}, text)
        return
    if found.outcome == "running":
        raise UsageError(f"run {short_id(found)} of {found.program} is still running, as process {found.pid}")
    with _folder(found):
        program = _program_of(found)
        screen.say(told)
        carry_out(program, _asked_then(found).changed_by(asked), screen)


def _what_is_left(reader: Record, run: RunRow) -> str:
    counts = reader.counts(run.id).values()
    total = {state: sum(stage.get(state, 0) for stage in counts) for state in ("failed", "held")}
    words = {"failed": "failed", "held": "held back"}
    parts = [f"{counted(number, 'task')} {words[state]}" for state, number in total.items() if number]
    how = {"lost": "it died", "interrupted": "it was interrupted"}.get(run.outcome)
    return (
        f"Retrying run {short_id(run)} of {run.program}: {', '.join([*([how] if how else []), *parts]) or 'it failed'}."
    )


@contextmanager
def _folder(run: RunRow) -> Iterator[None]:
    """The folder in which the run was."""
    before = os.getcwd()
    try:
        os.chdir(run.folder)
    except OSError as exc:
        raise UsageError(f"the folder of run {short_id(run)}, {run.folder}, cannot be entered: {exc.strerror}") from exc
    try:
        yield
    finally:
        os.chdir(before)


def _program_of(run: RunRow) -> Program:
    if not run.program:
        raise UsageError(f"run {short_id(run)} was not that of a program in a file, and cannot be repeated")
    return find_program(run.program, run.argv[1:])


def _asked_then(run: RunRow) -> Asked:
    data = run.options.get("asked", {})
    return Asked.from_data({name: value for name, value in data.items() if name not in _ONCE})
