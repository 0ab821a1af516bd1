"""`gangline plan`: what a run would do, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
from rich.console import RenderableType
from rich.text import Text

from gangline.cli.output import Line, Screen, output_option
from gangline.cli.pipelines.figures import counted
from gangline.cli.pipelines.files import files_words, stage_name
from gangline.cli.pipelines.loading import definitions, find_program
from gangline.cli.pipelines.options import Asked, asked_options, program_arguments
from gangline.cli.pipelines.stage_errors import stage_errors

if TYPE_CHECKING:
    from gangline.cli.pipelines.reasons import Reasons
    from gangline.pipeline.running.forecast import Forecast, JobForecast, StageForecast

_JOBS_SHOWN = 10
_INDENT = 4
_WIDEST_NAME = 28


@click.command()
@click.option("--all", "every", is_flag=True, help="Show all jobs, also those that are up to date.")
@asked_options(runs=False)
@program_arguments
@output_option
def plan(asked: Asked, program: str, arguments: tuple[str, ...], every: bool, screen: Screen) -> None:
    r"""Tell what a run would do, and why; nothing is run or changed.

    The program is read as far as its first pipeline_run, whose options hold; those given here are laid over them.
    Of each stage the first jobs that would run are shown. Stages whose jobs are known only when others have run
    say so.

    \b
    Keys of JSON:
      program   the file
      stages    name, runs: true, false, or null: not known yet; why, active,
                forced, known_after (stages), unmatched (why inputs were left
                out), jobs
      jobs      job, inputs, outputs, runs, state (stale, remade, forced,
                unchecked, fresh), why, lacking (inputs that nothing makes)
      totals    stages, jobs, would_run, fresh, unsettled_stages
    """
    found = find_program(program, arguments)
    with definitions(found, asked) as options, stage_errors(program):
        from gangline.cli.pipelines.reasons import Reasons  # the program has imported what these need by now
        from gangline.pipeline.running.forecast import forecast

        with forecast(options) as seen:
            words = Reasons(seen)
            data = {
                "program": program,
                "stages": [stage_data(each, words) for each in seen.stages],
                "totals": totals(seen),
            }
            screen.result(data, *_for_people(seen, words, every))


def stage_data(each: StageForecast, words: Reasons) -> dict[str, Any]:
    """A stage for programs."""
    runs = None if each.unsettled_by else bool(each.running)
    return {
        "name": each.stage.display_name,
        "runs": runs,
        "why": words.of_stage(each),
        "active": each.active,
        "forced": each.forced,
        "known_after": [stage.display_name for stage in each.unsettled_by],
        "unmatched": list(each.unmatched),
        "jobs": [job_data(job, words) for job in each.jobs],
    }


def job_data(job: JobForecast, words: Reasons) -> dict[str, Any]:
    """A job for programs."""
    return {
        "job": job.text,
        "inputs": job.inputs,
        "outputs": job.outputs,
        "runs": job.runs,
        "state": job.state.value,
        "why": words.of_job(job),
        "lacking": list(job.lacking),
    }


def totals(seen: Forecast) -> dict[str, int]:
    """How much there is to do."""
    jobs = [job for each in seen.stages for job in each.jobs]
    running = sum(job.runs for job in jobs)
    return {
        "stages": len(seen.stages),
        "jobs": len(jobs),
        "would_run": running,
        "fresh": len(jobs) - running,
        "unsettled_stages": sum(bool(each.unsettled_by) for each in seen.stages),
    }


def _for_people(seen: Forecast, words: Reasons, every: bool) -> Iterator[RenderableType]:
    names = [stage_name(each.stage.display_name) for each in seen.stages]
    width = min(max(map(len, names), default=0), _WIDEST_NAME)
    for each, name in zip(seen.stages, names, strict=True):
        runs = each.unsettled_by or each.running
        label = Text(name, style="bold" if runs else "dim")
        yield Line(Text(words.of_stage(each), style="" if runs else "dim"), max(width, len(name)) + 2, label)
        yield from _jobs(each, words, every)
    yield Text("")
    yield Text(_summary(seen), style="bold")


def _jobs(each: StageForecast, words: Reasons, every: bool) -> Iterator[RenderableType]:
    jobs = list(each.jobs) if every else each.running
    shown = jobs if every else jobs[:_JOBS_SHOWN]
    for job in shown:
        line = Text(job_words(job))
        yield Line(line.append(f"  {words.of_job(job)}", style="dim" if not job.runs else "cyan"), _INDENT)
        if job.lacking:
            yield Line(Text(words.lacks(job), style="bold red"), 2 * _INDENT)
    if len(jobs) > len(shown):
        yield Text(f"    and {len(jobs) - len(shown):,} more; --all shows them", style="dim")
    if each.unmatched and not each.unsettled_by:
        yield Text(
            f"    {counted(len(each.unmatched), 'input')} left out, since the pattern does not match", style="yellow"
        )


def job_words(job: JobForecast) -> str:
    """A job in few words."""
    return files_words(job.inputs, job.shown_outputs, job.text)


def _summary(seen: Forecast) -> str:
    from gangline.pipeline.freshness.levels import Level

    numbers = totals(seen)
    stages = counted(numbers["stages"], "stage")
    unsettled = numbers["unsettled_stages"]
    if not numbers["would_run"] and not unsettled:
        return f"Nothing to do: {counted(numbers['jobs'], 'job')} of {stages}, all up to date."
    busy = sum(bool(each.running) for each in seen.stages)
    verb = {"NO": "would run", "FILES": "would be touched", "HISTORY": "would be noted as made"}[seen.touching.name]
    at_most = seen.level >= Level.SIZES and any(job.runs and job.remade for each in seen.stages for job in each.jobs)
    text = f"{numbers['would_run']:,} of {counted(numbers['jobs'], 'job')} {verb}, in {busy:,} of {stages}"
    if at_most:
        text += "; fewer, if what is made anew is what it was before"
    if unsettled:
        text += f"; what {counted(unsettled, 'stage')} will do is known only when others have run"
    return f"{text}."
