"""The options that the commands about a program with a pipeline share, and how they are laid over the program's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gangline.errors import UsageError

if TYPE_CHECKING:
    from gangline.pipeline.running.options import RunOptions

__all__ = ["RECORD_FOLDER", "Asked", "asked_options", "program_arguments"]

RECORD_FOLDER = ".gangline"
"""Where runs of the command line are recorded, unless the program says otherwise."""

_DEEPEST_LEVEL, _MOST_VERBOSE = 5, 11

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for; what it does not mention is left to the program.

    Attributes:
        target: Names of stages to bring up to date.
        force: Names of stages that run whatever their files say.
        force_all: All stages do.
        touch: Touch outputs instead of calling functions.
        jobs: How many jobs run at once.
        threads: Jobs run in threads of this process.
        backend: Where jobs run.
        keep_going: After a failure, run all that does not build on it.
        retries: How often a failed job is attempted again.
        history: The file in which it is noted down what was made.
        checksum_level: How closely files are looked at.
        pipeline: The name of the pipeline.
        verbose: How much of the log in the words of Ruffus is printed.
    """

    target: tuple[str, ...] = ()
    force: tuple[str, ...] = ()
    force_all: bool = False
    touch: bool = False
    jobs: int | None = None
    threads: bool = False
    backend: str | None = None
    keep_going: bool = False
    retries: int | None = None
    history: str | None = None
    checksum_level: int | None = None
    pipeline: str | None = None
    verbose: int | None = None

    def __post_init__(self) -> None:
        if self.threads and self.backend not in (None, "threads"):
            raise UsageError(f"--threads and --backend {self.backend} contradict each other")
        if self.backend == "inline" and self.jobs not in (None, 1):
            raise UsageError(f"--backend inline runs one job at a time, in this process, and cannot run {self.jobs}")

    def as_data(self) -> dict[str, Any]:
        """What was mentioned, as JSON types: `Asked.from_data` makes the same of it."""
        return {
            name: value
            for name, value in asdict(self).items()
            if value is not None and value is not False and value != ()
        }

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Asked:
        """What `as_data` has given; names that are not known are ignored."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: _tuple(value) for name, value in data.items() if name in known})

    def changed_by(self, other: Asked) -> Asked:
        """The same with all that another one mentions."""
        return Asked.from_data(self.as_data() | other.as_data())

    def laid_over(self, given: RunOptions) -> RunOptions:
        """A run's options with those of the command line over them.

        Args:
            given: What the program asked for.
        """
        changes: dict[str, Any] = {}
        if self.target:
            changes["target_tasks"] = list(self.target)
        if self.force:
            changes["forcedtorun_tasks"] = list(self.force)
        if self.touch:
            changes["touch_files_only"] = True
        if self.keep_going:
            changes["keep_going"] = True
        if self.pipeline is not None:
            changes["pipeline"] = self.pipeline
        if self.retries is not None:
            changes["retries"] = self.retries
        if self.history is not None:
            changes["history_file"] = self.history
        if self.checksum_level is not None:
            changes["checksum_level"] = self.checksum_level
        if self.verbose is not None:
            changes["verbose"] = self.verbose
        options = given._replace(**changes, **self._place(given)).checked()
        return options._replace(forcedtorun_tasks=_all_stages(options)) if self.force_all else options

    def _place(self, given: RunOptions) -> dict[str, Any]:
        """How many jobs run at once, and where."""
        if self.backend is None and self.jobs is None and not self.threads:
            return {}
        jobs = self.jobs or (1 if self.backend == "inline" else given.parallelism)
        in_threads = self.threads or self.backend == "threads" or (self.backend is None and bool(given.multithread))
        in_threads = in_threads or (self.backend == "batch" and self.jobs is not None)  # also one is said then
        changes: dict[str, Any] = {"multiprocess": 1 if in_threads else jobs, "multithread": jobs if in_threads else 0}
        if self.backend is not None or self.threads:
            changes["backend"] = self.backend or "threads"
        return changes


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _all_stages(options: RunOptions) -> list[Any]:
    from gangline.pipeline.stages.selection import select  # only the command line's first words are needed before

    return list(select(options.target_tasks, (), options.pipeline).graph.order)


def _of_definitions() -> list[Callable[[Command], Command]]:
    return [
        click.option("--target", "-t", multiple=True, metavar="STAGE", help="Bring this stage up to date. Repeatable."),
        click.option(
            "--force", "-f", multiple=True, metavar="STAGE", help="Run it whatever its files say. Repeatable."
        ),
        click.option("--force-all", is_flag=True, help="Run all stages whatever their files say."),
        click.option("--pipeline", metavar="NAME", help="Which one, where the program has several."),
        click.option("--history", metavar="FILE", help="Where it is noted down what was made."),
        click.option(
            "--checksum-level",
            type=click.IntRange(0, _DEEPEST_LEVEL),
            help="How closely files are compared with what earlier runs made: 0 by their times only, 1 the history "
            "too, 2 functions too, 3 parameters too, 4 sizes and helpers of functions too, 5 contents too.",
        ),
    ]


def _of_runs(hidden: bool) -> list[Callable[[Command], Command]]:
    return [
        click.option(
            "--jobs", "-j", type=click.IntRange(min=1), metavar="N", hidden=hidden,
            help="How many jobs run at once.  [default: what the program says, or one per core; 200 for batch]",
        ),
        click.option("--threads", is_flag=True, hidden=hidden, help="Run jobs in threads, not in processes."),
        click.option(
            "--backend", type=click.Choice(["processes", "threads", "inline", "dask", "batch"]), hidden=hidden,
            help="Where jobs run; inline is one at a time in this process, batch is the scheduler of this site (Slurm, "
            "Grid Engine, DRMAA), dask the running cluster or one of its own.",
        ),
        click.option(
            "--keep-going", "-k", is_flag=True, hidden=hidden,
            help="After a failure, still run all that does not build on it.",
        ),
        click.option(
            "--retries", type=click.IntRange(min=0), metavar="N", hidden=hidden,
            help="How often a failed job is attempted again.",
        ),
        click.option("--touch", is_flag=True, hidden=hidden, help="Touch outputs instead of making them."),
        click.option(
            "--verbose", "-v", type=click.IntRange(0, _MOST_VERBOSE), metavar="LEVEL", hidden=hidden,
            help="Print the log of pipeline_run too: 1 stages, 3 jobs, 4 why they run, up to 11.",
        ),
    ]  # fmt: skip


def asked_options(*, runs: bool) -> Callable[[Command], Command]:
    """Give a command the options of programs with a pipeline; it gets an `Asked` as the argument `asked`.

    Args:
        runs: It runs jobs. Else the options about running are taken, so that `run` can be replaced by another command,
            but not shown.
    """

    def decorate(command: Command) -> Command:
        names = [each.name for each in fields(Asked)]

        @wraps(command)
        def with_asked(**given: Any) -> Any:
            return command(asked=Asked(**{name: given.pop(name) for name in names}), **given)

        decorated: Any = with_asked
        for option in reversed([*_of_definitions(), *_of_runs(hidden=not runs)]):
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


def program_arguments(command: Command) -> Command:
    """Give a command the arguments `program` (a file's name) and `arguments` (the program's own, a tuple)."""
    decorated = click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGUMENTS]")(command)
    return click.argument("program", metavar="PIPELINE.py")(decorated)
