"""The printout of what a run would do."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from gangline.errors import UsageError
from gangline.pipeline.printing.stage_lines import StageLines
from gangline.pipeline.printing.survey import survey
from gangline.pipeline.stages.pipeline import Pipeline
from gangline.pipeline.stages.selection import Selection, select
from gangline.pipeline.stages.stage import Stage
from gangline.pipeline.steering import find_steering

__all__ = ["pipeline_printout"]

_RULE = "_" * 40
_USUAL_DETAIL = 4
_USUAL_PATH_LEVEL = 2
_WITH_FRESH_STAGES_BELOW = 3
_WITH_FRESH_STAGES_FROM = 5
_WITH_TIMES_FROM = 7
_MORE_INDENT = 11


class TextStream(Protocol):
    """What is printed to."""

    def write(self, text: str, /) -> object: ...


def pipeline_printout(
    output_stream: TextStream | None = None,
    target_tasks: Any = (),
    forcedtorun_tasks: Any = (),
    verbose: int | None = None,
    indent: int = 4,
    gnu_make_maximal_rebuild_mode: bool = True,
    wrap_width: int = 100,
    runtime_data: Mapping[str, Any] | None = None,
    checksum_level: int | str | None = None,
    history_file: str | None = None,
    verbose_abbreviated_path: int | None = None,
    pipeline: Pipeline | str | None = None,
) -> None:
    """Print which stages and jobs a run would run now, and why.

    Jobs that depend on what earlier jobs will make are not known yet: the printout shows the files as they are.

    Args:
        output_stream: Where to print; standard output by default.
        target_tasks: Stages to bring up to date: themselves, their functions or names; all by default.
        forcedtorun_tasks: Stages that run whether they are out of date or not.
        verbose: 0 nothing, 1 names of stages, 2 their descriptions too, 3 the jobs that would run, 4 why (the default),
            5 the other jobs of their stages, 6 all jobs of all stages, 7 the times of their files, 10 internals.
        indent: By how many spaces what belongs to a stage is moved to the right.
        gnu_make_maximal_rebuild_mode: All out-of-date stages run; else only those that the targets cannot do without.
        wrap_width: Characters on a line.
        runtime_data: Values for `runtime_parameter`.
        checksum_level: 0 to 5: how closely files are compared with what earlier runs have made.
        history_file: Where earlier runs were noted down.
        verbose_abbreviated_path: How many names of a path are shown: 0 for the whole path, 2 by default; a negative
            number limits the characters of a job's inputs, and of its outputs.
        pipeline: The pipeline, or its name, if it is not the main one.

    Raises:
        UsageError: `output_stream` cannot be written to, or `runtime_data` is no dictionary.
        error_task: A stage is not known or declared wrongly, or stages wait for each other.
        StoreError: The history cannot be read.
    """
    steering = find_steering()
    wanted = steering is None or steering.print_wanted()
    if verbose == 0 or not wanted:
        return
    stream = sys.stdout if output_stream is None else output_stream
    if not hasattr(stream, "write"):
        raise UsageError(
            "The first parameter to pipeline_printout needs to be an output file, e.g. sys.stdout and not "
            f"{output_stream!s}"
        )
    detail = _USUAL_DETAIL if verbose is None else verbose
    path_level = _USUAL_PATH_LEVEL if verbose_abbreviated_path is None else verbose_abbreviated_path
    selection = select(target_tasks, forcedtorun_tasks, pipeline)
    order = selection.graph.order
    with_times = detail >= _WITH_TIMES_FROM
    with survey(order, runtime_data, checksum_level, history_file, with_times=with_times) as seen:
        needed = seen.needed(
            selection.graph, selection.forced, seen.judge.is_fresh, maximal_rebuild=gnu_make_maximal_rebuild_mode
        )
        words = StageLines(seen.expansion, seen.judge, detail, path_level, indent)
        margin = " " * (indent + _MORE_INDENT)
        for line in _lines(selection, needed, words):
            stream.write(textwrap.fill(line, subsequent_indent=margin, width=wrap_width) + "\n")


def _lines(selection: Selection, needed: Sequence[Stage], words: StageLines) -> Iterator[str]:
    running = set(needed)
    if words.detail < _WITH_FRESH_STAGES_BELOW or words.detail >= _WITH_FRESH_STAGES_FROM:
        fresh = [stage for stage in selection.graph.order if stage not in running]
        if fresh:
            yield from ("", _RULE, "Tasks which are up-to-date:", "", "")
            for stage in fresh:
                yield from words.of(stage, forced=stage in selection.forced, runs=False)
            yield from (_RULE, "", "")
    yield from ("", _RULE, "Tasks which will be run:", "")
    for stage in needed:
        yield from words.of(stage, forced=stage in selection.forced, runs=True)
    yield _RULE
