"""`gangline graph`: a picture of a pipeline, with what would run."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click

from gangline.cli.output import Output, Screen, output_option
from gangline.cli.pipelines.loading import definitions, find_program
from gangline.cli.pipelines.options import Asked, asked_options, program_arguments
from gangline.cli.pipelines.stage_errors import stage_errors
from gangline.errors import BackendError, UsageError

if TYPE_CHECKING:
    from gangline.pipeline.graphs.chart import Chart
    from gangline.pipeline.graphs.scene import Scene
    from gangline.pipeline.running.options import RunOptions

_FORMATS = ("svg", "dot", "mermaid", "png", "pdf", "ps", "jpg")
_TEXTS = frozenset({"svg", "dot", "mermaid"})
_ENDINGS = {"mmd": "mermaid", "gv": "dot", "jpeg": "jpg"}
_DPI = 120


@click.command()
@click.option("--format", "drawn_as", type=click.Choice(_FORMATS), help="By default, as FILE's name ends; dot without.")
@click.option("--file", "-o", metavar="FILE", help="Where to draw it.  [default: standard output]")
@click.option("--horizontal", is_flag=True, help="Read from left to right, not from top to bottom.")
@click.option("--only-running", is_flag=True, help="Leave out what would not run.")
@click.option("--no-key", is_flag=True, help="Leave out the key to the colours.")
@asked_options(runs=False)
@program_arguments
@output_option
def graph(
    asked: Asked,
    program: str,
    arguments: tuple[str, ...],
    drawn_as: str | None,
    file: str | None,
    horizontal: bool,
    only_running: bool,
    no_key: bool,
    screen: Screen,
) -> None:
    r"""Draw the stages of a pipeline, what each builds on, and which would run.

    svg, dot and mermaid need nothing else; png, pdf, ps and jpg are drawn by graphviz, if it is installed. Nothing is
    run. With --target only what these stages build on is drawn.

    \b
    Keys of JSON:
      program   the file
      format    of the picture
      file      where it was drawn, or null
      picture   the picture, if it is text and no FILE was named; else null
      stages    name, role (the words of the key), builds_on
    """
    chosen = _choose_format(drawn_as, file)
    if file is None and chosen not in _TEXTS and (screen.form is Output.JSON or sys.stdout.isatty()):
        raise UsageError(f"a {chosen} is no text: name a file with -o, such as -o pipeline.{chosen}")
    found = find_program(program, arguments)
    with definitions(found, asked) as options, stage_errors(program):
        scene = _look(options)
        title = os.path.splitext(os.path.basename(program))[0]
        chart = scene.draw(title, vertical=not horizontal, skip_fresh=only_running, no_key=no_key, minimal_key=True)
        picture = _draw(chart, chosen)
    _put(picture, chosen, file, screen)
    if screen.form is Output.JSON:
        text = picture.decode() if file is None else None
        data = {"program": program, "format": chosen, "file": file, "picture": text, "stages": _stages(chart)}
        screen.result(data)


def _choose_format(drawn_as: str | None, file: str | None) -> str:
    if drawn_as is not None:
        return drawn_as
    if file is None:
        return "dot"
    ending = os.path.splitext(file)[1].lstrip(".").lower()
    chosen = _ENDINGS.get(ending, ending)
    if chosen not in _FORMATS:
        raise UsageError(
            f"{file} does not end in a format that is known: name it .svg, .dot, .mmd (mermaid), .png, .pdf, .ps or "
            ".jpg, or say which it is with --format"
        )
    return chosen


def _look(options: RunOptions) -> Scene:
    """The stages as they are now; of stages that wait for each other only that."""
    from gangline.pipeline.graphs.scene import Scene, with_ancestors  # the program has imported what these need by now
    from gangline.pipeline.ruffus_exceptions import error_circular_dependencies
    from gangline.pipeline.running.forecast import forecast
    from gangline.pipeline.stages.lookup import lookup_pipeline, lookup_stages
    from gangline.pipeline.stages.pipeline import Pipeline

    try:
        with forecast(options) as seen:
            stages = [each.stage for each in seen.stages]
            built_on = {parent for stage in stages for parent in stage.parents}
            named = bool(options.target_tasks)
            targets = seen.selection.targets if named else [stage for stage in stages if stage not in built_on]
            running = {each.stage for each in seen.stages if each.reached and each.active}
            fresh = {each.stage for each in seen.stages if each.is_fresh}
            return Scene(stages, set(targets), set(seen.selection.forced), running, fresh)
    except error_circular_dependencies:
        home = lookup_pipeline(options.pipeline)
        asked_for = lookup_stages("Target", options.target_tasks or (), home)
        known = asked_for or [stage for each in list(Pipeline.pipelines.values()) for stage in each.tasks]
        stages = with_ancestors(known)
        return Scene(stages, set(asked_for), set(), set(stages), set())


def _draw(chart: Chart, chosen: str) -> bytes:
    from gangline.pipeline.graphs.colours import colour_scheme
    from gangline.pipeline.graphs.dot import USUAL_SIZE, dot_text

    colours = colour_scheme()
    match chosen:
        case "dot":
            return dot_text(chart, colours, USUAL_SIZE).encode()
        case "svg":
            from gangline.pipeline.graphs.svg import svg_text

            return svg_text(chart, colours).encode()
        case "mermaid":
            from gangline.pipeline.graphs.mermaid import mermaid_text

            return mermaid_text(chart, colours).encode()
        case _:
            from gangline.pipeline.graphs.graphviz import render

            try:
                return render(dot_text(chart, colours, USUAL_SIZE), chosen, _DPI)
            except subprocess.CalledProcessError as exc:
                notes = "; ".join(getattr(exc, "__notes__", ()))
                raise BackendError(f"graphviz cannot draw it as {chosen}: {notes or exc}") from exc


def _put(picture: bytes, chosen: str, file: str | None, screen: Screen) -> None:
    if file is not None:
        try:
            with open(file, "wb") as stream:
                stream.write(picture)
        except OSError as exc:
            raise UsageError(f"{file} cannot be written: {exc.strerror}") from exc
        screen.say(f"{file}: a picture of the pipeline as {chosen}.")
    elif screen.form is Output.HUMAN:
        click.echo(picture, nl=False)


def _stages(chart: Chart) -> list[dict[str, Any]]:
    names = {box.number: box.name for box in chart.boxes}
    return [
        {
            "name": box.name,
            "role": box.role.value,
            "builds_on": [names[arrow.source] for arrow in chart.arrows.get(box.number, ())],
        }
        for box in chart.boxes
    ]
