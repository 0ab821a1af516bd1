"""`gangline logs`: what tasks of a run have written, and how they ended."""

from __future__ import annotations

from collections.abc import Iterator

import click
from rich.console import RenderableType
from rich.text import Text

from gangline.cli.output import Screen, output_option
from gangline.cli.pipelines.choosing import Choice, choose_all, choose_failures, choose_latest, choose_tasks
from gangline.cli.pipelines.figures import counted
from gangline.cli.pipelines.reading import (
    attempt_data,
    find_run,
    open_record,
    record_option,
    run_data,
    short_id,
    task_data,
)
from gangline.cli.pipelines.report import task_report
from gangline.errors import UsageError
from gangline.store.reader import Record
from gangline.store.rows import RunRow


@click.command()
@click.argument("what", required=False)
@click.option("--run", "run_id", metavar="ID", help="Of which run: its id, or the start of it.  [default: the last]")
@click.option("--failed", is_flag=True, help="Of what WHAT stands for only the tasks that failed.")
@click.option("--all", "every", is_flag=True, help="All tasks of the run.")
@record_option
@output_option
def logs(what: str | None, run_id: str | None, failed: bool, every: bool, record: str, screen: Screen) -> None:
    r"""Show what tasks of a run have written, and how they ended.

    WHAT is a task's number, a stage, a file that a task makes or reads, or a part of a job's text; without it, the
    tasks that failed. If the last run had nothing to do for WHAT, the latest is shown that had. Shown are command, exit
    code or signal, error, traceback, standard output and standard error.

    \b
    Keys of JSON:
      run       as in `gangline status`
      chosen    how the tasks were chosen: failures, all, task, stage, output,
                input or text
      tasks     task, stage, job, inputs, outputs, reason, waits_for, outcome,
                started_at, ended_at, attempts
      attempts  number, outcome (ok, error, lost, timeout, cancelled), host, pid,
                engine, started_at, ended_at, command, exit_code, signal,
                error_type, error, traceback, stdout, stderr
    """
    if every and (what is not None or failed):
        raise UsageError("--all shows all tasks: leave out WHAT and --failed")
    with open_record(record) as reader:
        run = find_run(reader, run_id)
        if what is None:
            choice = choose_all(reader, run) if every else choose_failures(reader, run)
        elif run_id is not None:
            choice = choose_tasks(reader, run, what)
        else:
            last, (run, choice) = run, choose_latest(reader, run, what)
            if run.id != last.id:
                screen.say(f"Run {short_id(last)}, the last, had nothing to do for {what}; this is an earlier one.")
        if failed:
            choice = choice.only_failed()
        data = {
            "run": run_data(run),
            "chosen": choice.by,
            "tasks": [
                {**task_data(task), "attempts": list(map(attempt_data, reader.attempts(run.id, task.number)))}
                for task in choice.tasks
            ],
        }  # fmt: skip
        screen.result(data, *_for_people(reader, run, choice))


def _for_people(record: Record, run: RunRow, choice: Choice) -> Iterator[RenderableType]:
    if not choice.tasks:
        yield Text(choice.why_none)
        return
    for number, task in enumerate(choice.tasks):
        if number:
            yield Text("")
        yield from task_report(task, record.attempts(run.id, task.number), run)
    yield Text("")
    yield Text(f"{counted(len(choice.tasks), 'task')} of run {short_id(run)} of {run.program}", style="dim")
