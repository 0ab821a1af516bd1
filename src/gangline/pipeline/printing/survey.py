"""A look at a pipeline as it is now, for all that only shows it. Nothing on the disk changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import get_level
from gangline.pipeline.freshness.rules import Assessor
from gangline.pipeline.printing.judging import Judge
from gangline.pipeline.printing.temporary import FactsWithAbsent, TemporaryFiles
from gangline.pipeline.stages.expansion import Expansion
from gangline.pipeline.stages.graph import Graph
from gangline.pipeline.stages.stage import Stage

__all__ = ["Survey", "survey"]


class Survey(NamedTuple):
    """What is seen.

    Attributes:
        expansion: The jobs of all stages.
        assessor: What is known of files and of earlier runs.
        judge: Says which of them have something to do.
        temporary: The stages whose outputs are removed when nothing needs them.
    """

    expansion: Expansion
    assessor: Assessor
    judge: Judge
    temporary: TemporaryFiles

    def needed(
        self,
        graph: Graph[Stage],
        forced: Collection[Stage],
        is_fresh: Callable[[Stage], bool],
        *,
        maximal_rebuild: bool,
    ) -> tuple[Stage, ...]:
        """The stages that would run, each after its parents; see `Graph.needed`."""
        needed = graph.needed(forced, is_fresh, maximal_rebuild=maximal_rebuild)
        return self.temporary.add_makers(graph, needed, forced, self.judge)


@contextmanager
def survey(
    stages: tuple[Stage, ...],
    runtime_data: Mapping[str, Any] | None,
    checksum_level: int | str | None,
    history_file: str | None,
    *,
    with_times: bool = False,
) -> Iterator[Survey]:
    """A look at these stages; it must not be used after the context has ended.

    Args:
        stages: All that may be asked about; they are wired.
        runtime_data: Values for `runtime_parameter`.
        checksum_level: How closely files are compared, see `get_level`.
        history_file: Where earlier runs were noted down; None for the usual place.
        with_times: Whether the times of files that are up to date will be shown, too.

    Raises:
        error_checksum_level: There is no such level.
        StoreError: The history cannot be read.
        UsageError: `runtime_data` is no dictionary.
    """
    level = get_level(checksum_level)
    expansion = Expansion(stages, runtime_data)
    with History.open(history_file, level, writing=False) as history:
        facts = FactsWithAbsent(history)
        assessor = Assessor(level, history, facts, with_times=with_times)
        yield Survey(expansion, assessor, Judge(expansion, assessor), TemporaryFiles(stages, expansion, facts))
