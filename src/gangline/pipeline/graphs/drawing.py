"""The picture of a pipeline, in every format.

Every program that imports all of Gangline's names imports this module, and most draw nothing: what draws, and what
writes a format, is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gangline.errors import UsageError
from gangline.pipeline.graphs.output import format_of_name, write_picture
from gangline.pipeline.printing.judging import Judge
from gangline.pipeline.printing.survey import survey
from gangline.pipeline.stages.graph import Graph, find_circle
from gangline.pipeline.stages.lookup import lookup_pipeline, lookup_stages
from gangline.pipeline.stages.pipeline import Pipeline
from gangline.pipeline.stages.stage import Stage
from gangline.pipeline.stages.wiring import wire_pipelines
from gangline.pipeline.steering import find_steering

if TYPE_CHECKING:
    from gangline.pipeline.graphs.chart import Chart
    from gangline.pipeline.graphs.colours import ColourScheme

__all__ = ["graph_colour_demo_printout", "pipeline_printout_graph"]

_MERMAID = frozenset({"mermaid", "mmd"})
_TEXTS = _MERMAID | {"dot", "svg"}


def pipeline_printout_graph(
    stream: Any,
    output_format: str | None = None,
    target_tasks: Any = (),
    forcedtorun_tasks: Any = (),
    draw_vertically: bool = True,
    ignore_upstream_of_target: bool = False,
    skip_uptodate_tasks: bool = False,
    gnu_make_maximal_rebuild_mode: bool = True,
    test_all_task_for_update: bool = True,
    no_key_legend: bool = False,
    minimal_key_legend: bool = True,
    user_colour_scheme: Mapping[str, Any] | None = None,
    pipeline_name: str = "Pipeline:",
    size: tuple[float, float] | str = (11, 8),
    dpi: int | str = 120,
    runtime_data: Mapping[str, Any] | None = None,
    checksum_level: int | str | None = None,
    history_file: str | None = None,
    pipeline: Pipeline | str | None = None,
) -> None:
    """Draw the stages, what each builds on, and which of them would run now.

    Args:
        stream: The name of a file, or an open one.
        output_format: `dot`, `svg` and `mermaid` need nothing, all else that graphviz can write needs its program
            `dot`, which draws the svg too where it is there. By default, what the file's name ends with.
        target_tasks: Stages to bring up to date: themselves, their functions or names; all by default.
        forcedtorun_tasks: Stages that run whether they are out of date or not.
        draw_vertically: Read from top to bottom, else from left to right.
        ignore_upstream_of_target: Leave out what builds on the targets, and what only that builds on.
        skip_uptodate_tasks: Leave out what would not run.
        gnu_make_maximal_rebuild_mode: All out-of-date stages run; else only those that the targets cannot do without.
        test_all_task_for_update: Tell stages that run for their parents' sake only from those that are out of date.
        no_key_legend: Leave out the key.
        minimal_key_legend: Explain only what is there.
        user_colour_scheme: Colours that are different, see `colour_scheme`.
        pipeline_name: The title.
        size: At most so large, width and height in inches.
        dpi: Pixels per inch.
        runtime_data: Values for `runtime_parameter`.
        checksum_level: 0 to 5: how closely files are compared with what earlier runs have made.
        history_file: Where earlier runs were noted down.
        pipeline: The pipeline, or its name, if it is not the main one.

    Raises:
        UsageError: The format needs graphviz and it is not installed, or an argument makes no sense.
        error_task: A stage is not known or declared wrongly.
        CalledProcessError: Graphviz' `dot` failed.
        StoreError: The history cannot be read.
    """
    from gangline.pipeline.graphs.colours import colour_scheme
    from gangline.pipeline.graphs.scene import Scene, find_relatives, with_ancestors

    steering = find_steering()
    if steering is not None and not steering.print_wanted():
        return
    drawn_as = format_of_name(stream) if output_format is None else output_format
    colours = colour_scheme(user_colour_scheme)
    inches = _parse_size(size)
    home = lookup_pipeline(pipeline)
    targets = _stages("Target", target_tasks, home) or _all_stages(home, pipeline is None)
    forced = _stages("Forced to run", forcedtorun_tasks, home)
    wire_pipelines(stage.pipeline for stage in (*forced, *targets))
    graph = Graph(tuple(targets), tuple(with_ancestors(targets)))
    running, fresh = set(graph.order), set[Stage]()
    # Nothing can be said of stages that wait for each other but that; then all of them are drawn as if they would run.
    if not find_circle(graph.order):
        with survey(graph.order, runtime_data, checksum_level, history_file) as seen:
            asked = _Asked(seen.judge)
            running = set(seen.needed(graph, forced, asked.is_fresh, maximal_rebuild=gnu_make_maximal_rebuild_mode))
            fresh = {stage for stage in graph.order if asked.is_known_as_fresh(stage, ask=test_all_task_for_update)}
    shown = list(graph.order) if ignore_upstream_of_target else find_relatives(targets)
    chart = Scene(shown, set(targets), set(forced), running, fresh).draw(
        pipeline_name,
        vertical=draw_vertically,
        skip_fresh=skip_uptodate_tasks,
        no_key=no_key_legend,
        minimal_key=minimal_key_legend,
    )
    write_picture(stream, _picture(chart, colours, drawn_as, inches, dpi), is_text=drawn_as in _TEXTS)


class _Asked:
    """Asks of each stage at most once whether it is fresh."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._answers: dict[Stage, bool] = {}

    def is_fresh(self, stage: Stage) -> bool:
        """Whether nothing of the stage is out of date."""
        if stage not in self._answers:
            self._answers[stage] = self._judge.is_fresh(stage)
        return self._answers[stage]

    def is_known_as_fresh(self, stage: Stage, *, ask: bool) -> bool:
        """The same; False for a stage that was not asked so far, unless it may be."""
        return self.is_fresh(stage) if ask else self._answers.get(stage, False)


def graph_colour_demo_printout(
    stream: Any, output_format: str | None = None, size: tuple[float, float] | str = "11,8", dpi: int | str = 120
) -> None:
    """Draw all colour schemes, to choose one for `user_colour_scheme={"colour_scheme_index": 3}`.

    Args:
        stream: The name of a file, or an open one.
        output_format: See `pipeline_printout_graph`; all but `mermaid`.
        size: At most so large, width and height in inches.
        dpi: Pixels per inch.

    Raises:
        UsageError: The format needs graphviz and it is not installed, or an argument makes no sense.
        CalledProcessError: Graphviz' `dot` failed.
    """
    from gangline.pipeline.graphs.dot import demo_dot
    from gangline.pipeline.graphs.graphviz import find_dot, render

    drawn_as = format_of_name(stream) if output_format is None else output_format
    inches = _parse_size(size)
    if drawn_as in _MERMAID:
        raise UsageError("the colour schemes are drawn as dot, svg, or what graphviz makes of it, not as mermaid")
    if drawn_as == "dot":
        picture = demo_dot().encode()
    elif drawn_as == "svg" and find_dot() is None:
        from gangline.pipeline.graphs.svg import demo_svg

        picture = demo_svg(inches).encode()
    else:
        picture = render(demo_dot(), drawn_as, dpi)
    write_picture(stream, picture, is_text=drawn_as in _TEXTS)


def _stages(description: str, named: Any, home: Pipeline) -> list[Stage]:
    return list(dict.fromkeys(lookup_stages(description, () if named is None else named, home)))


def _all_stages(home: Pipeline, everywhere: bool) -> list[Stage]:
    pipelines = list(Pipeline.pipelines.values()) if everywhere else [home]
    return [stage for pipeline in pipelines for stage in pipeline.tasks]


def _parse_size(size: tuple[float, float] | str) -> tuple[float, float]:
    parts = size.strip("()! ").split(",") if isinstance(size, str) else size
    try:
        width, height = map(float, parts)
    except (TypeError, ValueError) as error:
        raise UsageError(f"Flowchart print size [{size}] should be specified as a tuple of X,Y in inches") from error
    if not (width > 0 and height > 0):
        raise UsageError(f"the size of a picture must be more than nothing, not {size!r}")
    return width, height


def _picture(chart: Chart, colours: ColourScheme, drawn_as: str, inches: tuple[float, float], dpi: int | str) -> bytes:
    from gangline.pipeline.graphs.dot import USUAL_SIZE, dot_text
    from gangline.pipeline.graphs.graphviz import find_dot, render

    if drawn_as == "dot":
        return dot_text(chart, colours, USUAL_SIZE).encode()
    if drawn_as in _MERMAID:
        from gangline.pipeline.graphs.mermaid import mermaid_text

        return mermaid_text(chart, colours).encode()
    if drawn_as == "svg" and find_dot() is None:
        from gangline.pipeline.graphs.svg import svg_text

        return svg_text(chart, colours, inches).encode()
    return render(dot_text(chart, colours, f"{inches[0]:g},{inches[1]:g}"), drawn_as, dpi)
