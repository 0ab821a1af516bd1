"""What a run would do now, and why, as far as it can be told before anything has run. Nothing on the disk changes.

Rules:
    Stages run as `Plan` has it. A job runs when it has something to do as files are now, or when it reads what a job
    that runs will make anew.
    Where contents decide, a file that is made anew may turn out to be the one that it was: then less is done.
    The jobs of a stage are not known yet when they come from globs, and what these match is about to change: of a
    stage with such outputs, or among a stage's own inputs. What is told of such a stage is how things are now.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.names.nested import flat_strings, is_glob
from gangline.pipeline.printing.jobs import describe_job
from gangline.pipeline.printing.judging import Judgement
from gangline.pipeline.printing.survey import Survey, survey
from gangline.pipeline.running.failures import expanding
from gangline.pipeline.running.options import RunOptions, Touching
from gangline.pipeline.stages.kinds import WITHOUT_FILES, Kind
from gangline.pipeline.stages.selection import Selection, select
from gangline.pipeline.stages.stage import Stage

__all__ = ["Forecast", "JobForecast", "JobState", "StageForecast", "forecast"]

_FROM_ANYWHERE = frozenset({Kind.FILES_FUNC, Kind.PARALLEL})
"""Kinds whose jobs may come from a function of the user's, which may look at any file."""


class JobState(Enum):
    """What becomes of a job."""

    FORCED = "forced"
    """It runs, since its stage was forced to."""
    UNCHECKED = "unchecked"
    """It runs each time: nothing says whether it is up to date."""
    STALE = "stale"
    """It runs: it is out of date as files are now."""
    REMADE = "remade"
    """It runs: it is up to date now, but reads what will be made anew."""
    FRESH = "fresh"
    """It is up to date, and will be."""


@dataclass(frozen=True, slots=True)
class JobForecast:
    """One job.

    Attributes:
        kind: What its stage is.
        params: What its function is called with.
        text: It in words, as printouts have them.
        state: What becomes of it.
        judgement: What its files, or the user's check, say now; None where nothing was asked.
        remade: Its inputs that will be made anew, with the stages that do so.
        lacking: Its inputs that do not exist and that no stage makes.
    """

    kind: Kind
    params: JobParams
    text: str
    state: JobState
    judgement: Judgement | None
    remade: dict[str, Stage]
    lacking: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Whether it has something to do."""
        return self.state is not JobState.FRESH

    @property
    def inputs(self) -> list[str]:
        """The files that it reads."""
        return [] if self.kind in WITHOUT_FILES else flat_strings(self.params.inputs)

    @property
    def outputs(self) -> list[str]:
        """The files, or folders, that it makes, as far as they are known."""
        return self._made(self.params.params)

    @property
    def shown_outputs(self) -> list[str]:
        """The same, with globs as they were declared."""
        return self._made(self.params.shown)

    def _made(self, params: Sequence[Any]) -> list[str]:
        if self.kind is Kind.MKDIR:
            return flat_strings(params[-1])
        return [] if self.kind in WITHOUT_FILES or len(params) < 2 else flat_strings(params[1])


@dataclass(frozen=True, slots=True)
class StageForecast:
    """One stage.

    Attributes:
        stage: The stage.
        active: Whether it takes part.
        forced: It runs whatever its files say.
        reached: It is among the stages that a run goes through.
        behind: Its parents that a run goes through.
        unsettled_by: The stages that must have run before its jobs are known; none: they are known.
        jobs: Its jobs as they are now.
        unmatched: Why inputs were left out.
    """

    stage: Stage
    active: bool
    forced: bool
    reached: bool
    behind: tuple[Stage, ...]
    unsettled_by: tuple[Stage, ...]
    jobs: tuple[JobForecast, ...]
    unmatched: tuple[str, ...] = ()

    @property
    def is_fresh(self) -> bool:
        """Whether nothing of it is out of date as files are now."""
        if self.unsettled_by and not self.jobs:
            return False
        return all(job.judgement is not None and not job.judgement.needs_update for job in self.jobs)

    @property
    def running(self) -> list[JobForecast]:
        """Those of its jobs that have something to do."""
        return [job for job in self.jobs if job.runs]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run would do.

    Attributes:
        selection: What was asked for.
        touching: What a run would do in place of calling functions.
        level: How closely files are compared.
        history: What earlier runs have made; open as long as `forecast` is.
        stages: All stages of the run, each after its parents.
        makers: By file, as an absolute path, the stage that makes it.
    """

    selection: Selection
    touching: Touching
    level: Level
    history: History
    stages: tuple[StageForecast, ...]
    makers: dict[str, Stage] = field(repr=False)


@contextmanager
def forecast(options: RunOptions, *, with_times: bool = False) -> Iterator[Forecast]:
    """What a run with these options would do now; the history is open as long as this is used.

    Args:
        options: How the run is asked for.
        with_times: Whether the times of files that are up to date are wanted, too.

    Raises:
        error_task: A stage is not known or declared wrongly, or stages wait for each other.
        RethrownJobError: The jobs of a stage could not be worked out, or not be looked at.
        StoreError: The history cannot be read.
        UsageError: An option makes no sense.
    """
    selection = select(options.target_tasks, options.forcedtorun_tasks, options.pipeline)
    order = selection.graph.order
    with survey(
        order, options.runtime_data, options.checksum_level, options.history_file, with_times=with_times
    ) as seen:
        if options.touching is Touching.HISTORY:
            needed, forced = order, frozenset(order)
        else:
            forced = frozenset(selection.forced)
            needed = seen.needed(
                selection.graph,
                forced,
                seen.judge.is_fresh,
                maximal_rebuild=options.gnu_make_maximal_rebuild_mode,
            )
        seer = _Seer(seen, frozenset(needed), forced, options.path_level)
        stages = tuple(map(seer.look_at, order))
        assessor = seen.assessor
        yield Forecast(selection, options.touching, assessor.level, assessor.history, stages, seer.makers)


class _Seer:
    """Goes through the stages in their order."""

    def __init__(self, seen: Survey, needed: frozenset[Stage], forced: frozenset[Stage], path_level: int) -> None:
        self._expansion = seen.expansion
        self._judge = seen.judge
        self._facts = seen.assessor.files
        self._needed = needed
        self._forced = forced
        self._path_level = path_level
        self._changing: set[Stage] = set()
        """Stages that have jobs with something to do, or whose jobs are not known."""
        self._globbing: set[Stage] = set()
        """Stages whose outputs are what matches a glob."""
        self._unsettled: dict[Stage, tuple[Stage, ...]] = {}
        self._remade: dict[str, Stage] = {}
        self.makers: dict[str, Stage] = {}

    def look_at(self, stage: Stage) -> StageForecast:
        """What becomes of a stage; its parents were looked at before."""
        active, reached = self._expansion.is_active(stage), stage in self._needed
        behind = tuple(parent for parent in stage.parents if parent in self._needed)
        forced = stage in self._forced
        if not active:
            return StageForecast(stage, False, forced, reached, behind, (), ())
        with expanding(stage):
            params = self._expansion.jobs(stage)
            if stage.kind not in WITHOUT_FILES:
                for each in params:
                    self.makers.update(dict.fromkeys(_places(flat_strings(each.outputs)), stage))
            if stage.reglobs and any(map(_makes_globs, params)):
                self._globbing.add(stage)
            unsettled_by = self._find_unsettled(stage)
            function = stage.function
            jobs = tuple(self._look_at_job(stage, each, function, bool(unsettled_by)) for each in params)
        if unsettled_by or any(job.runs for job in jobs):
            self._changing.add(stage)
        unmatched = tuple(self._expansion.notes(stage).unmatched)
        return StageForecast(stage, True, forced, reached, behind, unsettled_by, jobs, unmatched)

    def _find_unsettled(self, stage: Stage) -> tuple[Stage, ...]:
        by: dict[Stage, None] = {}
        if stage in self._needed:
            for source in stage.sources:
                by.update(dict.fromkeys(self._unsettled.get(source, ())))
                if source in self._globbing and source in self._changing:
                    by[source] = None
            if stage.kind in _FROM_ANYWHERE or stage.arguments.reads_globs:
                changing = [parent for parent in stage.parents if parent in self._changing]
                by.update(dict.fromkeys(parent for parent in changing if parent.kind is not Kind.MKDIR))
        if by:
            self._unsettled[stage] = tuple(by)
        return tuple(by)

    def _look_at_job(self, stage: Stage, params: JobParams, function: object, unsettled: bool) -> JobForecast:
        judgement = self._judge.judge(stage, params, function) if self._judge.has_check(stage) else None
        inputs = [] if stage.kind in WITHOUT_FILES else flat_strings(params.inputs)
        remade = self._find_remade(inputs)
        state = self._state(stage, judgement, bool(remade))
        lacking: tuple[str, ...] = ()
        if state is not JobState.FRESH:
            if stage.kind not in WITHOUT_FILES:
                self._remade.update(dict.fromkeys(_places(flat_strings(params.outputs)), stage))
            if judgement is not None and judgement.found is not None and not unsettled:
                absent = [name for name in inputs if self._facts.get(name) is None]
                lacking = tuple(
                    name for name, place in zip(absent, _places(absent), strict=True) if place not in self.makers
                )
        text = describe_job(stage.kind, params.shown, self._path_level, self._expansion.directory).line
        return JobForecast(stage.kind, params, text, state, judgement, remade, lacking)

    def _find_remade(self, inputs: list[str]) -> dict[str, Stage]:
        if not self._remade:
            return {}
        makers = map(self._remade.get, _places(inputs))
        return {name: maker for name, maker in zip(inputs, makers, strict=True) if maker is not None}

    def _state(self, stage: Stage, judgement: Judgement | None, reads_remade: bool) -> JobState:
        if stage not in self._needed:
            return JobState.FRESH
        if stage in self._forced:
            return JobState.FORCED
        if judgement is None:
            return JobState.UNCHECKED
        if judgement.needs_update:
            return JobState.STALE
        return JobState.REMADE if reads_remade and stage.uptodate_check is None else JobState.FRESH


def _makes_globs(job: JobParams) -> bool:
    return len(job.shown) > 1 and any(map(is_glob, flat_strings(job.shown[1])))


def _places(names: Iterable[str]) -> Iterator[str]:
    """Where files are: stages may name the same one differently, from here and from the root."""
    return map(os.path.abspath, names)
