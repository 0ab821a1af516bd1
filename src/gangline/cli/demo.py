"""`gangline demo`: the standard library of the running interpreter, analysed in parallel."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressLine

from gangline.cli.output import Screen, output_option
from gangline.demo.run import Analysis, Progress, analyse
from gangline.demo.sources import find_library
from gangline.demo.summary import table, total
from gangline.errors import MissingExtra, UsageError
from gangline.views import Client

_UNREADABLE_ROWS = 5


@click.command()
@click.option(
    "--backend", type=click.Choice(["processes", "threads", "inline"]), default="processes", show_default=True
)
@click.option("--engines", type=click.IntRange(min=1), help="How many.  [default: one per core]")
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    default=Path("stdlib.svg"),
    show_default=True,
    help="Where to draw the result: .svg, .png or .pdf.",
)
@click.option("--no-picture", is_flag=True, help="Do not draw; needs no plotting library.")
@click.option("--kill", is_flag=True, help="Kill an engine half way, to see that nothing is lost.")
@output_option
def demo(backend: str, engines: int | None, picture: Path, no_picture: bool, kill: bool, screen: Screen) -> None:
    """Analyse Python's standard library on all cores, and draw it.

    Each source file is a task: it is parsed, its functions, classes and imports are counted, and how branched its
    code is. Each package is summed up by a task that waits for those of its modules. One more task draws the whole.
    """
    if kill and backend != "processes":
        raise UsageError(f"--kill needs engines that are processes; those of --backend {backend} live in this one")
    if backend == "inline" and engines not in (None, 1):
        raise UsageError(f"--backend inline has one engine, this thread, and cannot have {engines}")
    if not no_picture:
        _check_picture(picture)
    library = find_library()
    if not library.sources:
        raise UsageError(f"there are no Python sources in {library.root}; this interpreter came without them")
    with (
        tempfile.TemporaryDirectory(prefix="gangline-demo-") as folder,
        Client(backend=backend, n=engines) as client,
        _progress_line(screen) as watch,
    ):
        target = None if no_picture else str(picture.absolute())
        analysis = analyse(client, library, folder, picture=target, kill=kill, watch=watch)
    screen.result(_as_json(analysis, backend), table(analysis.packages), *_remarks(analysis, backend))


def _check_picture(picture: Path) -> None:
    missing = [module for module in ("matplotlib", "squarify") if find_spec(module) is None]
    if missing:
        names = " and ".join(missing)
        raise MissingExtra(
            f"the picture needs {names}: pip install 'gangline[demo]', or leave it out with --no-picture"
        )
    if picture.suffix not in (".svg", ".png", ".pdf"):
        raise UsageError(f"{picture} must end in .svg, .png or .pdf, which says how it is drawn")
    if not picture.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {picture.parent} to draw {picture.name} in")


@contextmanager
def _progress_line(screen: Screen) -> Iterator[Callable[[Progress], None]]:
    columns = (
        TextColumn("analysing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("tasks  {task.fields[lines]:,} lines  {task.fields[engines]} engines"),
        TimeElapsedColumn(),
    )
    with ProgressLine(*columns, console=screen.messages) as line:
        row = line.add_task("", total=None, lines=0, engines=0)

        def watch(progress: Progress) -> None:
            line.update(row, completed=progress.done, total=progress.tasks)
            line.update(row, lines=progress.lines, engines=progress.engines)

        yield watch


def _remarks(analysis: Analysis, backend: str) -> Iterator[str]:
    library = analysis.library
    unreadable = [entry for summary in analysis.packages for entry in summary.unreadable]
    if unreadable:
        yield f"\n{len(unreadable)} files are not valid Python; they are inputs of tests, or broken:"
        yield from (f"  {module}: {reason}" for module, reason in unreadable[:_UNREADABLE_ROWS])
        if unreadable[_UNREADABLE_ROWS:]:
            yield f"  and {len(unreadable) - _UNREADABLE_ROWS} more; --output json names all"
    yield (
        f"\nLeft out: compiled modules without a Python source ({library.extensions}), scripts whose names cannot be "
        f"imported ({library.scripts}), folders of installed packages ({library.installed})."
    )
    yield "Ways: how many there are through a function; ways each: their mean; most branched: the one with most."
    shares = ", ".join(f"engine {engine} did {count:,}" for engine, count in analysis.per_engine.items())
    yield f"{analysis.tasks:,} tasks in {analysis.seconds:.1f} s on {backend}: {shares}."
    if analysis.kill:
        kill = analysis.kill
        successors = " and ".join(f"engine {engine}" for engine in kill.replaced_by) or "no other engine"
        yield (
            f"Engine {kill.engine} was killed when {kill.after:,} tasks were done. What it was running was run again, "
            f"what it had yet to run went elsewhere; {successors} took its place. No result was lost."
        )
    yield f"Answer: {analysis.digest} (the same on every backend)"
    if analysis.picture:
        yield f"Picture: {analysis.picture}"


def _as_json(analysis: Analysis, backend: str) -> dict[str, Any]:
    library = analysis.library
    return {
        "python": platform.python_version(),
        "library": library.root,
        "answer": analysis.digest,
        "totals": total(analysis.packages),
        "packages": [asdict(summary) for summary in analysis.packages],
        "left_out": {"compiled": library.extensions, "scripts": library.scripts, "installed": library.installed},
        "backend": backend,
        "tasks": analysis.tasks,
        "per_engine": {str(engine): count for engine, count in analysis.per_engine.items()},
        "seconds": round(analysis.seconds, 3),
        "killed": asdict(analysis.kill) if analysis.kill else None,
        "picture": analysis.picture,
    }
