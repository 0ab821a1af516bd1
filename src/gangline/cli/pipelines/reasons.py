"""Why a stage or a job runs, or need not, in words that name files and times."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from gangline.cli.pipelines.figures import counted, show_clock
from gangline.cli.pipelines.files import short_path, stage_name
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.freshness.verdict import Cause, Freshness, Times
from gangline.pipeline.running.forecast import Forecast, JobForecast, JobState, StageForecast
from gangline.pipeline.stages.stage import Stage

__all__ = ["Reasons", "listed"]

_NAMES_SHOWN = 3


def listed(names: Iterable[str], shown: int = _NAMES_SHOWN) -> str:
    """Names in words, the first few of them: `a, b and 3 more`."""
    every = list(map(short_path, names))
    if len(every) > shown + 1:
        return f"{', '.join(every[:shown])} and {len(every) - shown} more"
    return " and ".join([", ".join(every[:-1]), every[-1]]) if len(every) > 1 else "".join(every)


class Reasons:
    """Puts a forecast into words.

    Args:
        seen: The forecast, while its history is open.
    """

    def __init__(self, seen: Forecast) -> None:
        self._seen = seen
        self._now_s = time.time()

    # Jobs ---------------------------------------------------------------------------------------------------------

    def of_job(self, job: JobForecast) -> str:
        """Why a job would run, or why it need not, on one line."""
        match job.state:
            case JobState.FORCED:
                return "its stage is forced to run"
            case JobState.UNCHECKED:
                return "it runs each time: nothing says whether it is up to date"
            case JobState.REMADE:
                return self._remade(job)
            case _:
                return self._of_files(job)

    def _remade(self, job: JobForecast) -> str:
        by_stage: dict[Stage, list[str]] = {}
        for name, stage in job.remade.items():
            by_stage.setdefault(stage, []).append(name)
        told = (
            f"{listed(names)}, which {stage_name(stage.display_name)} makes anew" for stage, names in by_stage.items()
        )
        return f"it reads {'; '.join(told)}"

    def _of_files(self, job: JobForecast) -> str:
        judgement = job.judgement
        if judgement is None:
            return ""
        found = judgement.found
        if found is None:
            verdict = "must run" if judgement.needs_update else "is up to date"
            return f"its own check says that it {verdict}{f': {judgement.said}' if judgement.said else ''}"
        match found.cause:
            case Cause.MISSING:
                return self._missing(job, found.files)
            case Cause.UNFINISHED:
                return self._unfinished(found.files)
            case Cause.TIMES if found.times is not None:
                return self._newer(found.times)
            case Cause.UP_TO_DATE if found.times is not None and found.times.inputs and found.times.outputs:
                return self._older(found.times)
            case _:
                return self._changed(job, found)

    def _missing(self, job: JobForecast, files: Sequence[str]) -> str:
        outputs = set(job.outputs)
        inputs = [name for name in dict.fromkeys(files) if name not in outputs]
        told = [_sentence([name for name in dict.fromkeys(files) if name in outputs], "is missing", "are missing")]
        makers = {name: self._seen.makers.get(os.path.abspath(name)) for name in inputs}
        coming = {name: stage for name, stage in makers.items() if stage is not None}
        by_stage: dict[str, list[str]] = {}
        for name, stage in coming.items():
            by_stage.setdefault(stage_name(stage.display_name), []).append(name)
        told += [f"{listed(names)} will be made by {stage}" for stage, names in by_stage.items()]
        told.append(_sentence([name for name in inputs if name not in coming], "does not exist", "do not exist"))
        return "; ".join(part for part in told if part)

    def _unfinished(self, files: Sequence[str]) -> str:
        history = self._seen.history
        begun = [name for name in files if history.keys.of(name) in history.begun]
        others = [name for name in files if name not in begun]
        half = _sentence(
            begun,
            "was begun by a task that did not finish it, and may be half-made",
            "were begun by tasks that did not finish them, and may be half-made",
        )
        unknown = _sentence(
            others,
            "is not in the history: it was made by another program, or its history is lost",
            "are not in the history: they were made by another program, or their history is lost",
        )
        return "; ".join(part for part in (half, unknown) if part)

    def _newer(self, times: Times) -> str:
        newest, oldest = max(times.inputs), min(times.outputs)
        if newest[0] == oldest[0]:
            both = f"{short_path(newest[1])} is as new as {short_path(oldest[1])} ({self._clock(newest[0])})"
            return f"{both}: it cannot be told which was first"
        first, second = self._clocks(newest[0], oldest[0])
        return f"{short_path(newest[1])} ({first}) is newer than {short_path(oldest[1])} ({second})"

    def _older(self, times: Times) -> str:
        newest, oldest = max(times.inputs), min(times.outputs)
        if newest[0] >= oldest[0]:
            return "up to date"
        first, second = self._clocks(oldest[0], newest[0])
        return f"{short_path(oldest[1])} ({first}) is newer than {short_path(newest[1])} ({second})"

    def _changed(self, job: JobForecast, found: Freshness) -> str:
        names = list(dict.fromkeys(found.files))
        match found.cause:
            case Cause.FUNCTION:
                return f"the function was changed since it made {listed(names)}"
            case Cause.PARAMETERS:
                return f"the parameters are others than those that {listed(names)} was made with"
            case Cause.HELPERS:
                return f"a function that it calls was changed since {listed(names)} was made"
            case Cause.INPUTS:
                what = "contents" if self._seen.level >= Level.CONTENTS else "size"
                known = [name for name in names if os.path.exists(name)]
                others = [name for name in names if name not in known]
                told = [_sentence(known, f"has another {what} than before", f"have other {what} than before")]
                told.append(_sentence(others, "is no longer read", "are no longer read"))
                return "; ".join(part for part in told if part)
            case Cause.OUTPUTS:
                return _sentence(names, "was changed since it was made", "were changed since they were made")
            case Cause.DIRECTORIES:
                return _sentence(names, "is missing", "are missing")
            case Cause.NOT_SPECIFIED:
                return "it runs each time: it names no files to compare"
            case Cause.NO_OUTPUTS if job.shown_outputs:
                return _sentence(job.shown_outputs, "matches no file", "match no file")
            case Cause.NO_OUTPUTS:
                return "it runs each time: it names no output file"
            case Cause.NO_INPUTS:
                return "its outputs exist, and it reads nothing"
            case Cause.NO_DIRECTORIES:
                return "all directories exist"
            case _:
                return "up to date"

    def awaited(self, job: JobForecast) -> set[str]:
        """Its files that do not exist yet; `of_job` has said so."""
        found = None if job.judgement is None else job.judgement.found
        return set(found.files) if found is not None and found.cause is Cause.MISSING else set()

    def lacks(self, job: JobForecast) -> str:
        """What stands in the way of a job; "" if nothing does."""
        if not job.lacking:
            return ""
        verb = (
            "do not exist, and no stage makes them" if len(job.lacking) > 1 else "does not exist, and no stage makes it"
        )
        return f"it would fail: {listed(job.lacking)} {verb}"

    def checks(self, job: JobForecast) -> list[str]:
        """What was found to be in order of a job that is up to date."""
        judgement = job.judgement
        if job.runs or judgement is None or judgement.found is None:
            return []
        cause = judgement.found.cause
        if cause not in (Cause.UP_TO_DATE, Cause.NO_INPUTS):
            return []
        level = self._seen.level
        told = ["all its files exist"]
        if level >= Level.HISTORY:
            told.append("a run has made its outputs to the end")
        if level >= Level.FUNCTIONS:
            told.append("the function is the one that made them")
        if level >= Level.PARAMETERS:
            told.append("the parameters are those that they were made with")
        if level >= Level.SIZES:
            told.append("the functions that it calls have not changed")
        if level >= Level.CONTENTS:
            told.append("inputs and outputs have the contents that they had then")
        elif level >= Level.SIZES:
            told.append("inputs and outputs have the size that they had then")
        if cause is Cause.UP_TO_DATE and level < Level.CONTENTS:
            told.append("no input is newer than an output")
        return told

    # Stages -------------------------------------------------------------------------------------------------------

    def of_stage(self, each: StageForecast) -> str:
        """What becomes of a stage, and why, on one line."""
        if not each.active:
            return "not active"
        if each.unsettled_by:
            names = listed(stage_name(stage.display_name) for stage in each.unsettled_by)
            have = "has" if len(each.unsettled_by) == 1 else "have"
            return f"jobs are known when {names} {have} run{self._so_far(each)}"
        total, running = len(each.jobs), len(each.running)
        if not total:
            return "no jobs: nothing matches its input"
        if not running:
            return f"{counted(total, 'job')}, {'all ' if total > 1 else ''}up to date"
        some = counted(total, "job") if running == total else f"{running:,} of {counted(total, 'job')}"
        return f"{some} would run{self._since(each)}"

    def _so_far(self, each: StageForecast) -> str:
        if not each.jobs:
            return ""
        return f"; as of now {counted(len(each.jobs), 'job')}, of which {len(each.running):,} would run"

    def _since(self, each: StageForecast) -> str:
        if each.forced:
            return ": it is forced to"
        if all(job.state is JobState.UNCHECKED for job in each.running):
            return " each time"
        if all(job.state is JobState.REMADE for job in each.running):
            makers = dict.fromkeys(
                stage_name(stage.display_name) for job in each.running for stage in job.remade.values()
            )
            return f", since {listed(makers)} {'runs' if len(makers) == 1 else 'run'}"
        return ""

    # Times --------------------------------------------------------------------------------------------------------

    def _clock(self, epoch_s: float) -> str:
        return show_clock(epoch_s, self._now_s)

    def _clocks(self, one_s: float, other_s: float) -> tuple[str, str]:
        """Two moments, as exactly as it takes to tell them apart."""
        shown = self._clock(one_s), self._clock(other_s)
        if shown[0] != shown[1]:
            return shown
        for digits in (3, 6):
            first, second = (
                f"{text}{_fraction(moment, digits)}" for text, moment in zip(shown, (one_s, other_s), strict=True)
            )
            if first != second:
                break
        return first, second


def _fraction(epoch_s: float, digits: int) -> str:
    return f".{datetime.fromtimestamp(epoch_s, UTC).microsecond:06}"[: digits + 1]


def _sentence(names: Sequence[str], verb: str, verb_of_many: str) -> str:
    if not names:
        return ""
    return f"{listed(names)} {verb if len(names) == 1 else verb_of_many}"
