"""`gangline status`: how far the last run is, or how it ended."""

from __future__ import annotations

import click

from gangline.cli.output import Output, Screen, output_option
from gangline.cli.pipelines.following import follow
from gangline.cli.pipelines.overview import overview_data, run_overview, runs_table, take_overview
from gangline.cli.pipelines.reading import find_run, open_record, record_option, run_data
from gangline.errors import UsageError


@click.command()
@click.argument("run", required=False)
@click.option("--all", "every", is_flag=True, help="List the runs, newest first.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="With --all: how many.")
@click.option(
    "--follow", "-f", "following", is_flag=True, help="Watch the run until it ends; Ctrl-C ends the watching."
)
@record_option
@output_option
def status(run: str | None, every: bool, limit: int, following: bool, record: str, screen: Screen) -> None:
    r"""Tell how far the last run is, or how it ended.

    RUN is the id of another run, or the start of it; --all lists them. The exit code says only whether the record could
    be read: how the run ended is its "outcome".

    \b
    Keys of JSON:
      run       id, program, argv, folder, backend, engines, options, host, pid,
                started_at, ended_at, seconds, message, and outcome: ok, failed,
                interrupted, running, or lost: it died without a word
      stages    name, jobs, fresh, ok, failed, cancelled, held, running, waiting,
                outcome, started_at, ended_at, seconds
      failures  task, stage, job, inputs, outputs, reason, error, ...
    With --all: runs, each as run above.
    """
    if every and (run is not None or following):
        raise UsageError("--all lists all runs: leave out RUN and --follow")
    with open_record(record) as reader:
        if every:
            runs = reader.runs(limit)
            screen.result({"runs": [run_data(each) for each in runs]}, *runs_table(runs, limit))
            return
        found = find_run(reader, run)
        if following and found.outcome == "running" and screen.form is not Output.QUIET:
            follow(reader, found.id, screen)
        seen = take_overview(reader, found.id if following else found)
        screen.result(overview_data(seen), *run_overview(seen))
