"""`gangline explain`: why a stage or a file is out of date, or is not, or is waited for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
from rich.console import RenderableType
from rich.text import Text

from gangline.cli.output import Line, Screen, output_option
from gangline.cli.pipelines.files import short_path, stage_name
from gangline.cli.pipelines.loading import definitions, find_program
from gangline.cli.pipelines.options import RECORD_FOLDER, Asked, asked_options
from gangline.cli.pipelines.plan import job_data, job_words, stage_data
from gangline.cli.pipelines.stage_errors import stage_errors

if TYPE_CHECKING:
    from gangline.cli.pipelines.memory import Memory, Remembered
    from gangline.cli.pipelines.reasons import Reasons
    from gangline.cli.pipelines.seeking import Found
    from gangline.pipeline.running.forecast import Forecast, JobForecast, StageForecast

_JOBS_SHOWN = 10
_DEEPEST = 10
_INDENT = 13


@click.command()
@asked_options(runs=False)
@click.argument("program", metavar="PIPELINE.py")
@click.argument("what")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGUMENTS]")
@output_option
def explain(asked: Asked, program: str, what: str, arguments: tuple[str, ...], screen: Screen) -> None:
    r"""Tell why a stage or a file is out of date, or is not, or is waited for.

    WHAT is a stage, a file that a stage makes, or a part of a job's text. Nothing is run or changed. What the record
    of runs knows is told, too: when a job last ran, how that ended, and what it does in a run that is going on.

    \b
    Keys of JSON:
      program   the file
      what      as it was asked
      found     stage (name, runs, why, active, forced, known_after,
                unmatched), whole: whether the stage as a whole was meant, jobs
      jobs      job, inputs, outputs, runs, state, why, lacking, as of
                `gangline plan`; checks: what is in order, if it is up to date;
                because: by the inputs that are made anew, why they are;
                last: what the record knows (run, run_outcome, task, outcome,
                reason, waits_for, started_at, ended_at, error), or null
    """
    program_file = find_program(program, arguments)
    with definitions(program_file, asked) as options, stage_errors(program):
        from gangline.cli.pipelines.memory import remembering  # the program has imported what these need by now
        from gangline.cli.pipelines.reasons import Reasons
        from gangline.cli.pipelines.seeking import seek
        from gangline.pipeline.running.forecast import forecast

        with (
            forecast(options, with_times=True) as seen,
            remembering(options.record or RECORD_FOLDER, screen.say) as memory,
        ):
            explainer = _Explainer(seen, Reasons(seen), memory)
            found = seek(seen, what)
            data = {"program": program, "what": what, "found": list(map(explainer.data, found))}
            screen.result(data, *explainer.for_people(found))


class _Explainer:
    def __init__(self, seen: Forecast, words: Reasons, memory: Memory) -> None:
        self._words = words
        self._memory = memory
        self._making = {os.path.abspath(name): job for each in seen.stages for job in each.jobs for name in job.outputs}

    def data(self, found: Found) -> dict[str, Any]:
        """What was found for programs."""
        each = found.stage
        stage = stage_data(each, self._words)
        del stage["jobs"]
        jobs = each.jobs if found.jobs is None else found.jobs
        return {
            "stage": stage,
            "whole": found.jobs is None,
            "jobs": [
                {
                    **job_data(job, self._words),
                    "checks": self._words.checks(job),
                    "because": {name: why for _, name, why in self._because(job)},
                    "last": last.as_data() if (last := self._recall(each, job)) else None,
                }
                for job in jobs
            ],
        }

    def for_people(self, found: list[Found]) -> Iterator[RenderableType]:
        """What was found, line by line."""
        for number, each in enumerate(found):
            if number:
                yield Text("")
            if each.jobs is None:
                yield from self._stage(each.stage)
            else:
                yield from self._some(each.stage, each.jobs)

    def _stage(self, each: StageForecast) -> Iterator[RenderableType]:
        stage = each.stage
        line = Text(stage_name(stage.display_name), style="bold")
        yield line.append(f"  {self._words.of_stage(each)}", style="not bold")
        if stage.description:
            yield _row("is", stage.description)
        if stage.parents:
            yield _row("builds on", ", ".join(stage_name(parent.display_name) for parent in stage.parents))
        if stage.limit is not None:
            yield _row(
                "limit", f"at most {stage.limit[1]} of its jobs at once, shared with all of limit {stage.limit[0]!r}"
            )
        for reason in each.unmatched[:_JOBS_SHOWN]:
            yield _row("left out", " ".join(reason.split()))
        jobs = each.running or list(each.jobs)
        for job in jobs[:_JOBS_SHOWN]:
            yield Text("")
            yield from self._job(each, job)
        if len(jobs) > _JOBS_SHOWN:
            yield Text("")
            yield Text(f"and {len(jobs) - _JOBS_SHOWN:,} more; `gangline plan --all` lists them", style="dim")

    def _some(self, each: StageForecast, jobs: tuple[JobForecast, ...]) -> Iterator[RenderableType]:
        if each.unsettled_by:
            yield Text(f"{stage_name(each.stage.display_name)}: {self._words.of_stage(each)}", style="bold")
        for number, job in enumerate(jobs[:_JOBS_SHOWN]):
            if number:
                yield Text("")
            yield from self._job(each, job)
        if len(jobs) > _JOBS_SHOWN:
            yield Text("")
            yield Text(f"and {len(jobs) - _JOBS_SHOWN:,} more; --output json names all", style="dim")

    def _job(self, each: StageForecast, job: JobForecast) -> Iterator[RenderableType]:
        last = self._recall(each, job)
        state = "would run" if job.runs else "up to date"
        if last is not None and last.is_now:
            state = "runs now" if last.task.started_at is not None else "waits"
        line = Text(f"{stage_name(each.stage.display_name)}  {job_words(job)}: ", style="bold")
        yield line.append(state, style="cyan" if job.runs else "green")
        if last is None or not last.is_now:
            yield _row("why", self._words.of_job(job))
            for depth, _, why in self._because(job):
                yield _row("", f"{'  ' * depth}{why}")
            if job.lacking:
                yield _row("but", self._words.lacks(job), "bold red")
            checks = self._words.checks(job)
            if checks:
                yield _row("in order", "; ".join(checks))
        if last is not None:
            yield _row("now" if last.is_now else "last", last.words())

    def _because(self, job: JobForecast, depth: int = 0) -> Iterator[tuple[int, str, str]]:
        """Why inputs are made anew, and why theirs are: one of each stage, from near to far."""
        told: set[int] = set()
        for name, stage in job.remade.items():
            maker = self._making.get(os.path.abspath(name))
            if maker is None or stage.number in told or depth >= _DEEPEST or name in self._words.awaited(job):
                continue
            told.add(stage.number)
            yield depth, name, f"{short_path(name)} is made anew: {self._words.of_job(maker)}"
            yield from self._because(maker, depth + 1)

    def _recall(self, each: StageForecast, job: JobForecast) -> Remembered | None:
        return self._memory.recall(each.stage.display_name, job.outputs, job.text)


def _row(label: str, text: str, style: str = "") -> Line:
    return Line(Text(text, style=style), _INDENT, Text(f"  {label}", style="dim"))
