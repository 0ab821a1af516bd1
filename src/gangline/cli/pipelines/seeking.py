"""What of a pipeline somebody means: a stage, or jobs by a file that they make or by a part of their text."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

from gangline.cli.pipelines.choosing import nearest_names
from gangline.cli.pipelines.files import files_words, stage_name
from gangline.cli.pipelines.reasons import listed
from gangline.errors import UsageError
from gangline.pipeline.running.forecast import Forecast, JobForecast, StageForecast

__all__ = ["Found", "seek"]

_READERS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What is meant.

    Attributes:
        stage: The stage, or that of the jobs.
        jobs: The jobs; None when the stage as a whole is meant.
    """

    stage: StageForecast
    jobs: tuple[JobForecast, ...] | None = None


def seek(seen: Forecast, what: str) -> list[Found]:
    """What a word stands for, in the order of the stages.

    Args:
        seen: The stages and jobs that there are.
        what: A stage; else a file that is made; else a part of the text of jobs.

    Raises:
        UsageError: It stands for nothing; the message names the nearest stages and files.
    """
    for each in seen.stages:
        stage = each.stage
        if what in (stage.display_name, stage_name(stage.display_name), stage.name, stage.function_name):
            return [Found(each)]
    path = os.path.abspath(what)
    found = _jobs(seen, lambda job: _is_among(path, job.outputs))
    found = found or _jobs(seen, lambda job: _matches_any(path, job.shown_outputs))
    if found:
        return found
    readers = _jobs(seen, lambda job: _is_among(path, job.inputs))
    if readers:
        raise UsageError(f"no stage makes {what}: it is an input, {listed(_readers(readers), _READERS_SHOWN)}")
    found = _jobs(seen, lambda job: what in job.text or any(what in name for name in (*job.outputs, *job.inputs)))
    if found:
        return found
    stages = [each.stage.display_name for each in seen.stages]
    files = [name for each in seen.stages for job in each.jobs for name in job.outputs]
    near = nearest_names(what, [*stages, *files])
    hint = f"did you mean {near}?" if near else f"the stages are {', '.join(stages)}"
    raise UsageError(f"{what!r} is no stage, no file that a stage makes, and no part of a job; {hint}")


def _jobs(seen: Forecast, is_meant: Callable[[JobForecast], bool]) -> list[Found]:
    found = []
    for each in seen.stages:
        jobs = tuple(filter(is_meant, each.jobs))
        if jobs:
            found.append(Found(each, jobs))
    return found


def _is_among(path: str, names: list[str]) -> bool:
    return any(os.path.abspath(name) == path for name in names)


def _matches_any(path: str, patterns: list[str]) -> bool:
    return any(fnmatch(path, os.path.abspath(pattern)) for pattern in patterns)


def _readers(readers: list[Found]) -> Iterator[str]:
    for found in readers:
        for job in found.jobs or ():
            words = files_words(job.inputs, job.shown_outputs, job.text)
            yield f"of {stage_name(found.stage.stage.display_name)} ({words})"
