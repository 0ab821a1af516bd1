"""Running a user's program as `python FILE` would, or only as far as its first `pipeline_run`.

    program = find_program("pipeline.py", ["--its", "option"])

    with definitions(program, asked) as options:        # nothing is run
        select(options.target_tasks, options.forcedtorun_tasks, options.pipeline)

    run_program(program, asked, watch)                   # everything is run

In both cases the file is `__main__` while it is used: its stages have no prefix, blocks under
`if __name__ == "__main__":` are entered, its functions travel as those of a script do. Which pipelines there are,
`sys.argv`, `sys.path` and the modules of the program's folder are put back afterwards, so stages must be used within
the `with` block.

Rules:
    The folder stays where the user is; only imports look into the program's folder.
    Errors of the program come as `ProgramError`, with the lines of the program and no others. Errors of stores and
    backends, `SystemExit` and `KeyboardInterrupt` pass as they are.
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from gangline.cli.pipelines.options import RECORD_FOLDER, Asked
from gangline.cli.pipelines.stage_errors import ProgramError, stage_errors
from gangline.cli.pipelines.tracebacks import dedented, last_line, own_traceback
from gangline.errors import BackendError, GanglineError, InternalError, RemoteError, StoreError, UsageError
from gangline.pipeline.steering import Steering, steered
from gangline.recipes.reading import only_reading

if TYPE_CHECKING:
    from gangline.pipeline.running.options import RunOptions
    from gangline.pipeline.running.watching import Watcher

__all__ = [
    "Program",
    "ProgramError",
    "ProgramFailed",
    "aside",
    "definitions",
    "find_program",
    "run_program",
    "silence",
]

_PASSED = (StoreError, BackendError, RemoteError, InternalError)


class ProgramFailed(GanglineError):
    """A program failed after its pipeline had run."""


@dataclass(frozen=True, slots=True)
class Program:
    """A file that declares stages.

    Attributes:
        name: As the user calls it.
        path: The whole path.
        arguments: Its own arguments.
    """

    name: str
    path: str
    arguments: tuple[str, ...] = ()


def find_program(name: str, arguments: Sequence[str] = ()) -> Program:
    """The program that is meant.

    Args:
        name: A file's name.
        arguments: The program's own arguments.

    Raises:
        UsageError: There is none, or it is no file.
    """
    if os.path.isdir(name):
        raise UsageError(f"{name} is a folder; name the Python file that declares the pipeline")
    if not os.path.exists(name):
        near = _nearest_program(name)
        raise UsageError(f"there is no file {name}" + (f"; did you mean {near}?" if near else ""))
    return Program(name, os.path.abspath(name), tuple(arguments))


def _nearest_program(name: str) -> str | None:
    folder, file = os.path.split(name)
    stems: list[str] = []
    with suppress(OSError):
        stems = [each[:-3] for each in os.listdir(folder or ".") if each.endswith(".py")]
    near = get_close_matches(os.path.splitext(file)[0], stems, n=1)
    return os.path.join(folder, f"{near[0]}.py") if near else None


# Reading ----------------------------------------------------------------------------------------------------------


@contextmanager
def definitions(program: Program, asked: Asked) -> Iterator[RunOptions]:
    """The stages of a program are declared and nothing is run; gives what its first run would be asked to do.

    The program is ended at its first call of `pipeline_run`; if it makes none, it is what `run_program` would do then.
    Its printouts and graphs are left out, and whatever else it prints goes to stderr. The command line's options are
    laid over the program's own.

    Raises:
        ProgramError: The program does not come so far, or declares no stage.
        UsageError: It has several pipelines and none was chosen.
        SystemExit: The program ended itself with a code other than 0, or before it declared a stage.
    """
    reading = _Reading()
    with _as_main(program) as module:
        with aside(), steered(reading), only_reading(), _explained(program):
            try:
                exec(_compiled(program), module.__dict__)
            except _Enough:
                pass
            except SystemExit as exc:
                if exc.code not in (None, 0) or not _declared():
                    raise
        given = reading.options
        with _explained(program):
            if given is None:
                from gangline.pipeline.running.options import RunOptions  # the program has imported it by now

                given = RunOptions(**_by_itself(program, asked))
            options = asked.laid_over(given)
        yield options


class _Enough(BaseException):
    """Ends a program whose stages are known."""


class _Reading(Steering):
    """Ends the program at its first run."""

    def __init__(self) -> None:
        self.options: RunOptions | None = None

    def run_wanted(self, options: RunOptions) -> RunOptions:
        if self.options is None:
            self.options = options
        raise _Enough

    def print_wanted(self) -> bool:
        return False


# Running ----------------------------------------------------------------------------------------------------------


def run_program(program: Program, asked: Asked, watch: Callable[[RunOptions], Watcher]) -> None:
    """Run a program to its end; if it has not called `pipeline_run` by then, that is done for it.

    The command line's options are laid over those of each run, and each is recorded.

    Args:
        program: The program.
        asked: The options of the command line.
        watch: Is called with the options of each run; gives who is told of what happens in it.

    Raises:
        RethrownJobError: Jobs failed, and the program did not catch it.
        ProgramError: The program does not come as far as its first run, declares no stage, or declares them wrongly.
        ProgramFailed: It failed after that, for another reason than its jobs.
        UsageError: It has several pipelines, runs none of them, and none was chosen.
        SystemExit: The program ended itself.
    """
    running = _Running(asked, watch)
    with _as_main(program) as module, steered(running), stage_errors(program.name):
        with _explained(program, running):
            exec(_compiled(program), module.__dict__)
        if running.decided:
            return
        with _explained(program, running):
            from gangline.pipeline.running.entry import pipeline_run  # the program has imported it by now

            pipeline_run(**_by_itself(program, asked))


class _Running(Steering):
    """Lays the command line over the options of every run."""

    def __init__(self, asked: Asked, watch: Callable[[RunOptions], Watcher]) -> None:
        self._asked = asked
        self._watch = watch
        self._watchers: tuple[Watcher, ...] = ()
        self.decided = False
        """The program has asked for a run, or has printed what would run."""

    def run_wanted(self, options: RunOptions) -> RunOptions:
        self.decided = True
        options = self._asked.laid_over(options)
        verbose = 0 if self._asked.verbose is None else options.verbose
        options = options._replace(verbose=verbose, record=options.record or RECORD_FOLDER)
        self._watchers = (self._watch(options),)
        return options

    def watchers(self) -> Sequence[Watcher]:
        return self._watchers

    def notes(self) -> Mapping[str, Any]:
        return {"asked": self._asked.as_data()}

    def warn(self, text: str) -> None:
        for watcher in self._watchers:
            watcher.warned(text)

    def shows_output(self, *, failed: bool) -> bool:
        return not failed  # then its last lines are shown with the failure

    def print_wanted(self) -> bool:
        self.decided = True
        return True


# Both -------------------------------------------------------------------------------------------------------------


def _by_itself(program: Program, asked: Asked) -> dict[str, Any]:
    """The arguments with which `pipeline_run` is called for a program that does not call it."""
    names = _declared()
    if not names:
        raise ProgramError(
            f"{program.name} declares no stage and does not call pipeline_run: a pipeline is made of functions with "
            "decorators from gangline.pipeline, such as @transform(...)"
        )
    name = asked.pipeline
    if name is None and len(names) > 1 and "main" not in names and not asked.target:
        raise ProgramError(
            f"{program.name} declares {len(names)} pipelines; choose with --pipeline: {', '.join(names)}"
        )
    if name is not None and name not in names:
        raise ProgramError(f"{program.name} declares no pipeline {name!r}; there is: {', '.join(names)}")
    if name is None:
        name = "main" if "main" in names else names[0]
    # A scheduler is given as many jobs as it may have; how many cores this host has does not matter then.
    return {"pipeline": name, "multiprocess": 1 if asked.backend == "batch" else len(os.sched_getaffinity(0))}


def _declared() -> list[str]:
    """The names of the pipelines that have stages."""
    from gangline.pipeline.stages.pipeline import Pipeline

    return [name for name, pipeline in Pipeline.pipelines.items() if pipeline.tasks]


def _compiled(program: Program) -> CodeType:
    try:
        with open(program.path, "rb") as file:
            source = file.read()
    except OSError as exc:
        raise ProgramError(f"{program.name} cannot be read: {exc.strerror}") from exc
    if b"\0" in source:
        raise ProgramError(f"{program.name} is not a Python program")
    return compile(source, program.path, "exec", dont_inherit=True)


@contextmanager
def _as_main(program: Program) -> Iterator[ModuleType]:
    """A new `__main__`, and everything as it was before at the end."""
    from gangline.pipeline.stages.pipeline import Pipeline, main_pipeline

    module = ModuleType("__main__")
    loader = SourceFileLoader("__main__", program.path)
    module.__dict__.update(
        __file__=program.path, __loader__=loader, __builtins__=builtins, __cached__=None, __annotations__={}
    )
    main, argv, path = sys.modules["__main__"], sys.argv, list(sys.path)
    modules, pipelines = set(sys.modules), dict(Pipeline.pipelines)
    folder = os.path.dirname(os.path.realpath(program.path))
    Pipeline.clear_all()
    main_pipeline()
    sys.modules["__main__"] = module
    sys.argv = [program.name, *program.arguments]
    sys.path.insert(0, folder)
    try:
        yield module
    finally:
        sys.modules["__main__"], sys.argv, sys.path[:] = main, argv, path
        for name in set(sys.modules) - modules:
            if os.path.dirname(getattr(sys.modules[name], "__file__", None) or "") == folder:
                del sys.modules[name]
        Pipeline.clear_all()
        Pipeline.pipelines.update(pipelines)


@contextmanager
def _explained(program: Program, running: _Running | None = None) -> Iterator[None]:
    """What goes wrong in a program, told with its own lines."""
    try:
        yield
    except (ProgramError, *_PASSED):
        raise
    except Exception as exc:  # the user's own code
        from gangline.pipeline.ruffus_exceptions import RethrownJobError, error_task

        declared = running is not None and running.decided  # then it is about stages, and not about a line
        if isinstance(exc, RethrownJobError) or (declared and isinstance(exc, error_task)):
            raise
        after = running is not None and running.decided and not isinstance(exc, GanglineError)
        told = _told(program, exc, "failed after its pipeline had been run" if after else "cannot be used")
        raise (ProgramFailed if after else ProgramError)(told) from exc


def _told(program: Program, error: Exception, what: str) -> str:
    line = last_line(error, program.path)
    place = "" if line is None else f"line {line}"
    if isinstance(error, GanglineError):  # its words say what is wrong
        return f"{program.name}{place and ', '}{place}: {dedented(str(error))}"
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == "ruffus":
        hint = "\n\nA program for Ruffus runs here when its import lines name gangline.pipeline in place of ruffus."
    else:
        hint = ""
    return f"{program.name} {what}{place and ': '}{place}\n\n{own_traceback(error)}{hint}"


@contextmanager
def aside() -> Iterator[None]:
    """What is printed to stdout meanwhile, also by commands, goes to stderr: stdout is for a command's result."""
    with _diverted({1: 2}), redirect_stdout(sys.stderr):
        yield


@contextmanager
def silence() -> Iterator[None]:
    """What is printed meanwhile, also by commands, goes nowhere."""
    with (
        open(os.devnull, "w") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
        _diverted({1: nowhere.fileno(), 2: nowhere.fileno()}),
    ):
        yield


@contextmanager
def _diverted(descriptors: Mapping[int, int]) -> Iterator[None]:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    saved = {number: os.dup(number) for number in descriptors}
    for number, other in descriptors.items():
        os.dup2(other, number)
    try:
        yield
    finally:
        for number, before in saved.items():
            os.dup2(before, number)
            os.close(before)
