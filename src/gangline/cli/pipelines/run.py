"""`gangline run`: runs a program with a pipeline, and tells how it goes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from gangline.cli.exits import INTERRUPTED, WORK_FAILED
from gangline.cli.output import Output, Screen, output_option
from gangline.cli.pipelines.loading import Program, aside, find_program, run_program, silence
from gangline.cli.pipelines.options import Asked, asked_options, program_arguments

if TYPE_CHECKING:
    from gangline.cli.pipelines.tally import Tally
    from gangline.pipeline.ruffus_exceptions import RethrownJobError
    from gangline.pipeline.running.options import RunOptions

__all__ = ["carry_out", "run"]


@click.command()
@asked_options(runs=True)
@program_arguments
@output_option
def run(program: str, arguments: tuple[str, ...], asked: Asked, screen: Screen) -> None:
    r"""Run a program with a file pipeline: all its stages that have something to do.

    PIPELINE.py declares stages. If it calls pipeline_run itself, the options here are laid over those of each call;
    if it does not, that is done for it, with one process per core. ARGUMENTS after -- are the program's own.

    Each run is recorded in .gangline: see gangline status, logs and retry.

    \b
    Keys of JSON:
      program, run_id, seconds, outcome: ok, failed, interrupted
      tasks     done, fresh (up to date), failed, held (back), cancelled
      stages    name, total, done, fresh, failed, held, cancelled, outcome
      failures  stage, job, task, inputs, outputs, error, error_type, place,
                command, exit_code, signal, output (its last lines), attempts
      runs      run_id, outcome, seconds of each call of pipeline_run
    """
    carry_out(find_program(program, arguments), asked, screen)


def carry_out(program: Program, asked: Asked, screen: Screen) -> None:
    """Run a program, tell how it goes, and exit with a code that says how it ended.

    Raises:
        UsageError: The program cannot be used.
        StoreError: The history cannot be used.
        SystemExit: Something failed, or the program ended itself.
    """
    told = _Told(screen)
    try:
        with _output(screen), _interruptible():
            run_program(program, asked, told)
    except KeyboardInterrupt:
        told.end(program, "interrupted")
        if not told.runs:
            screen.say("Interrupted.")
        raise SystemExit(INTERRUPTED) from None
    except SystemExit as exc:
        told.end(program, "failed" if exc.code else "ok")
        raise
    except Exception as exc:
        from gangline.pipeline.ruffus_exceptions import RethrownJobError

        if not isinstance(exc, RethrownJobError):
            raise
        told.jobs_failed(exc)
        told.end(program, "failed")
        raise SystemExit(WORK_FAILED) from None
    told.end(program, told.outcome)
    if told.outcome != "ok":
        raise SystemExit(INTERRUPTED if told.outcome == "interrupted" else WORK_FAILED)


class _Told:
    """Those who are told of the runs of a program, one for each.

    Attributes:
        runs: They, in their order.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self.runs: list[Tally] = []

    def __call__(self, options: RunOptions) -> Tally:
        """The one for a run that is about to start."""
        from gangline.cli.pipelines.progress import Progress  # after the program, which may end before it runs anything

        progress = Progress(self._screen, options)
        self.runs.append(progress)
        return progress

    @property
    def outcome(self) -> str:
        """How it all went, even where the program has caught what a run raised."""
        outcomes = {tally.outcome for tally in self.runs}
        return next((each for each in ("interrupted", "failed") if each in outcomes), "ok")

    def jobs_failed(self, error: RethrownJobError) -> None:
        """The program ended with this."""
        if not any(tally.failures for tally in self.runs):  # it was known before anything ran
            from gangline.cli.pipelines.tracebacks import dedented

            self._screen.say(dedented(str(error)))

    def end(self, program: Program, outcome: str) -> None:
        """Print the result for programs."""
        if self._screen.form is Output.JSON:
            from gangline.cli.pipelines.tally import as_data

            self._screen.result(as_data(self.runs, program.name, outcome))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Whoever ends this process by SIGTERM or closes its terminal interrupts the run, as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    from gangline._runtime.interrupts import on_interrupt

    numbers = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, on_interrupt)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _output(screen: Screen) -> AbstractContextManager[None]:
    """Where what the program and its jobs print goes."""
    match screen.form:
        case Output.HUMAN:
            return nullcontext()
        case Output.JSON:
            return aside()
        case Output.QUIET:
            return silence()
