"""Outputs that are there for other stages only: removed when nothing needs them, and not missed when they are gone.

An absent output of such a stage counts as if it were still there, as old as when it was made. Then its absence alone
is no reason to run anything; but if a job that reads it has something to do, its maker runs first.

What matches a pattern is kept: when it is gone, nobody can tell what it was.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Sequence

from gangline.pipeline.freshness.facts import REMOVED, Fact, FileFacts
from gangline.pipeline.freshness.history import History
from gangline.pipeline.names.nested import flat_strings, is_glob
from gangline.pipeline.printing.judging import Judge
from gangline.pipeline.printing.lookahead import Lookahead
from gangline.pipeline.stages.expansion import Expansion
from gangline.pipeline.stages.graph import Graph
from gangline.pipeline.stages.stage import Stage

__all__ = ["FactsWithAbsent", "TemporaryFiles"]


class FactsWithAbsent(FileFacts):
    """What is known of files, with some that count as being there, though they are not.

    Args:
        history: Says when they were made.
    """

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history
        self._is_expected: Callable[[str], bool] = frozenset[str]().__contains__

    def expect(self, names: Iterable[str]) -> None:
        """From now on only these count as being there when they are not, if they were once made."""
        self.forget_all()
        self._is_expected = frozenset(names).__contains__

    def _absent(self, path: str) -> Fact | None:
        if not self._is_expected(path):
            return None
        made_at = self._history.mtimes.get(self._history.keys.of(path))
        return None if made_at is None else (made_at, REMOVED)

    def was_made(self, path: str) -> bool:
        """Whether the history has it as made by a job that came to its end."""
        return self._history.keys.of(path) in self._history.mtimes


class TemporaryFiles:
    """The stages of a run whose outputs are temporary.

    Args:
        order: The stages of the run.
        expansion: Their jobs.
        facts: What is known of files.
    """

    def __init__(self, order: Sequence[Stage], expansion: Expansion, facts: FactsWithAbsent) -> None:
        self._expansion = expansion
        self._facts = facts
        self._readers: dict[Stage, set[Stage]] = {stage: set() for stage in order if stage.options.temporary}
        for stage in order:
            for parent in stage.parents:
                if parent in self._readers:
                    self._readers[parent].add(stage)
        if self._readers:
            facts.expect(name for stage in self._readers for name in self._outputs(stage))

    def _outputs(self, stage: Stage) -> list[str]:
        return flat_strings(self._expansion.outputs(stage))

    @property
    def stages(self) -> list[Stage]:
        """Those whose outputs are temporary."""
        return list(self._readers)

    def patterns(self, stage: Stage) -> list[str]:
        """Outputs of a stage that are not named, but stand for what matches them."""
        if not stage.reglobs:
            return []
        jobs = self._expansion.jobs(stage)
        return [name for job in jobs if len(job.shown) > 1 for name in flat_strings(job.shown[1]) if is_glob(name)]

    def add_makers(
        self, graph: Graph[Stage], needed: Sequence[Stage], forced: Collection[Stage], judge: Judge
    ) -> tuple[Stage, ...]:
        """The stages that must run, with those that make again what was removed and is needed now.

        From now on what will be made again counts as missing; all else that was removed still counts as being there.

        Args:
            graph: All stages.
            needed: Those that must run by what files say now.
            forced: Those of them that run whatever files say.
            judge: Says which of their jobs are out of date.
        """
        removed = {name for stage in self._readers for name in self._outputs(stage) if not os.path.exists(name)}
        if not needed or not removed:
            return tuple(needed)
        remade, running = Lookahead(graph.order, needed, forced, judge, self._expansion).find_remade(removed)
        running |= set(needed)
        running |= graph.descendants(running & set(self._readers))
        self._facts.expect(removed - remade)
        return tuple(stage for stage in graph.order if stage in running)

    def remove_unneeded(self, done: Callable[[Stage], bool]) -> None:
        """Remove the outputs of stages all of whose readers are done. Files that nothing reads here are kept.

        Args:
            done: Whether a stage is done, or had nothing to do.
        """
        for stage, readers in list(self._readers.items()):
            if not readers or not (done(stage) and all(map(done, readers))) or self.patterns(stage):
                continue
            del self._readers[stage]
            inputs = {name for job in self._expansion.jobs(stage) for name in flat_strings(job.inputs)}
            for name in self._outputs(stage):
                # What a stage hands on is not its own to remove; nor is what nobody could tell was ever made.
                if name not in inputs and self._facts.was_made(name):
                    with contextlib.suppress(OSError):  # a directory, or gone already
                        os.unlink(name)
