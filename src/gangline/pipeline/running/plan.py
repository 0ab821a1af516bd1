"""What a run works with: the stages that are meant, what is known of their files, and which of them must run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import get_level
from gangline.pipeline.freshness.recorder import Recorder
from gangline.pipeline.freshness.rules import Assessor
from gangline.pipeline.printing.judging import Judge
from gangline.pipeline.printing.stage_lines import StageLines
from gangline.pipeline.printing.temporary import FactsWithAbsent, TemporaryFiles
from gangline.pipeline.running.failures import expanding
from gangline.pipeline.running.log import Log
from gangline.pipeline.running.options import RunOptions, Touching
from gangline.pipeline.stages.expansion import Expansion
from gangline.pipeline.stages.selection import Selection, select
from gangline.pipeline.stages.stage import Stage

__all__ = ["Plan", "planned"]

_INDENT = 4


class Plan(NamedTuple):
    """What a run works with.

    Attributes:
        selection: What was asked for.
        expansion: The jobs of the stages.
        assessor: What is known of files and of earlier runs.
        judge: Says which jobs have something to do.
        recorder: Notes what becomes of them.
        needed: The stages that must run, each after its parents.
        forced: Those of them that run whatever their files say.
        temporary: The stages whose outputs are removed when nothing needs them.
    """

    selection: Selection
    expansion: Expansion
    assessor: Assessor
    judge: Judge
    recorder: Recorder
    needed: tuple[Stage, ...]
    forced: frozenset[Stage]
    temporary: TemporaryFiles


@contextmanager
def planned(options: RunOptions, log: Log) -> Iterator[Plan]:
    """Find out what must run; the history is open, and closed to other runs, as long as this is used.

    Raises:
        error_task: A stage is not known or declared wrongly, or stages wait for each other.
        RethrownJobError: The jobs of a stage could not be worked out.
        StoreError: The history cannot be used.
    """
    level = get_level(options.checksum_level)
    selection = select(options.target_tasks, options.forcedtorun_tasks, options.pipeline)
    order = selection.graph.order
    expansion = Expansion(order, options.runtime_data)
    with History.open(options.history_file, level, wait_s=options.history_wait) as history:
        facts = FactsWithAbsent(history)
        assessor = Assessor(level, history, facts, with_times=log.tells_times)
        judge = Judge(expansion, assessor)
        temporary = TemporaryFiles(order, expansion, facts)
        needed, forced = _find_needed(options, selection, judge, temporary, expansion, log)
        plan = Plan(selection, expansion, assessor, judge, Recorder(assessor), needed, forced, temporary)
        _tell(plan, options, log)
        yield plan


def _find_needed(
    options: RunOptions, selection: Selection, judge: Judge, temporary: TemporaryFiles, expansion: Expansion, log: Log
) -> tuple[tuple[Stage, ...], frozenset[Stage]]:
    graph = selection.graph
    if options.touching is Touching.HISTORY:
        return graph.order, frozenset(graph.order)

    def is_fresh(stage: Stage) -> bool:
        log.looking_at(stage)
        with expanding(stage):
            fresh = judge.is_fresh(stage)
        if fresh and stage.wiring.expand is not None and expansion.is_active(stage):
            log.odd_stage(stage, expansion.notes(stage))
        return fresh

    needed = graph.needed(selection.forced, is_fresh, maximal_rebuild=options.gnu_make_maximal_rebuild_mode)
    forced = frozenset(selection.forced)
    return temporary.add_makers(graph, needed, forced, judge), forced


def _tell(plan: Plan, options: RunOptions, log: Log) -> None:
    if options.touching is not Touching.NO:
        log.touching()
    if log.tells_fresh_stages:
        running = set(plan.needed)
        fresh = [stage for stage in plan.selection.graph.order if stage not in running]
        if fresh:
            words = StageLines(plan.expansion, plan.judge, log.detail, options.path_level, _INDENT)
            log.fresh_stages(
                [line for stage in fresh for line in words.of(stage, forced=stage in plan.forced, runs=False)]
            )
    log.heading()
