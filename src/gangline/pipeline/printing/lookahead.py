"""Which jobs will run, as far as can be told before any does; so which of the files that were removed are needed again.

Files that were removed count as being there meanwhile. A job counts as one that will run if it is out of date, if it
reads what another one will make, or if it makes a file that is needed again. Where that cannot be told, since its
inputs are known only later, it counts as one that will.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.names.nested import find_references, flat_strings
from gangline.pipeline.printing.judging import Judge, blaming
from gangline.pipeline.stages.expansion import Expansion
from gangline.pipeline.stages.kinds import Kind
from gangline.pipeline.stages.stage import Stage

__all__ = ["Lookahead"]


class _Job(NamedTuple):
    """A job as it is seen now: the names of its files, and whether they, or the user's check, say that it must run."""

    inputs: list[str]
    outputs: list[str]
    stale: bool


class Lookahead:
    """Looks at the jobs of the stages that must run.

    Args:
        order: All stages, each after its parents.
        needed: Those that must run.
        forced: Those that run whatever their files say.
        judge: Says which of their jobs are out of date.
        expansion: The jobs.
    """

    def __init__(
        self,
        order: Sequence[Stage],
        needed: Collection[Stage],
        forced: Collection[Stage],
        judge: Judge,
        expansion: Expansion,
    ) -> None:
        self._order = [stage for stage in order if expansion.is_active(stage)]
        self._needed = frozenset(needed)
        self._forced = frozenset(forced)
        self._judge = judge
        self._jobs = {stage: self._look_at(stage, expansion) for stage in self._order}

    def find_remade(self, removed: Collection[str]) -> tuple[set[str], set[Stage]]:
        """What has to be made again.

        Args:
            removed: Files that do not exist and count as being there.

        Returns:
            Those of them that do not, any more, since their makers will run; and all stages that have jobs to run.
        """
        remade: set[str] = set()
        while True:
            made, read, stages = self._run_through(remade)
            again = made.intersection(removed) | read.intersection(removed)
            if again <= remade:
                return remade, stages
            remade |= again

    def _run_through(self, remade: set[str]) -> tuple[set[str], set[str], set[Stage]]:
        """What the jobs make and read that will run, and whose they are, if these files have to be made again."""
        made: set[str] = set()
        read: set[str] = set()
        stages: set[Stage] = set()
        unsettled: set[Stage] = set()
        for stage in self._order:
            open_ended = [
                each for each in stage.wiring.sources if each in unsettled or (each.reglobs and each in stages)
            ]
            globbing = any(parent in stages for parent in stage.parents) and stage.arguments.reads_globs
            if open_ended or globbing:
                unsettled.add(stage)
            unknown = stage in unsettled and not _one_by_one(stage, open_ended)
            for job in self._jobs[stage]:
                if unknown or job.stale or not (made.isdisjoint(job.inputs) and remade.isdisjoint(job.outputs)):
                    stages.add(stage)
                    made.update(job.outputs)
                    read.update(job.inputs)
        return made, read, stages

    def _look_at(self, stage: Stage, expansion: Expansion) -> list[_Job]:
        must, asks = stage in self._forced, stage in self._needed
        with blaming(stage):
            function = stage.function
            return [
                _Job(
                    flat_strings(job.inputs),
                    flat_strings(job.outputs),
                    must or (asks and not self._is_fresh(stage, job, function)),
                )
                for job in expansion.jobs(stage)
            ]

    def _is_fresh(self, stage: Stage, job: JobParams, function: object) -> bool:
        return self._judge.has_check(stage) and not self._judge.judge(stage, job, function).needs_update


def _one_by_one(stage: Stage, open_ended: Collection[Stage]) -> bool:
    """Whether more items from these sources mean more jobs, and leave those that are known now as they are."""
    if stage.kind not in (Kind.TRANSFORM, Kind.SUBDIVIDE):
        return False
    added = find_references(stage.arguments.more)
    if added.globs:
        return False
    settled = [each for each in stage.wiring.sources if each not in open_ended]
    return all(any(_means(reference, each) for each in settled) for reference in added.stages)


def _means(reference: object, stage: Stage) -> bool:
    return reference is stage or reference in (stage.name, stage.function)
