"""A recipe as a program: `sys.exit(MyRecipe().main())`."""

from __future__ import annotations

import inspect
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from gangline.errors import UsageError
from gangline.recipes.arguments import help_text, parse
from gangline.recipes.console import Console
from gangline.recipes.ingredients import InputError
from gangline.recipes.reading import check_runs
from gangline.recipes.running import carry_out
from gangline.recipes.step import BASE_INPUTS

if TYPE_CHECKING:
    from gangline.recipes.step import Step

__all__ = ["main"]

_FAILED = 1
_WRONG_INPUT = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(recipe: Step, argv: Sequence[str]) -> int:
    """Have a recipe done as a command line says; see `BaseRecipe.main`."""
    check_runs()
    program = os.path.basename(sys.argv[0]) or type(recipe).__name__
    text = (inspect.getdoc(type(recipe)) or "") if type(recipe).__doc__ else ""
    try:
        asked = parse(program, text, recipe.inputs.fields, BASE_INPUTS, argv)
    except UsageError as error:  # the declaration itself
        return _complain(f"recipe {recipe.name}: {error}")
    if asked.help:
        sys.stdout.write(help_text(program, text, recipe.inputs.fields, BASE_INPUTS))
        return 0
    if asked.schema:
        sys.stdout.write(json.dumps(type(recipe).json_schema(), indent=2) + "\n")
        return 0
    level = logging.DEBUG if asked.debug else logging.INFO if asked.verbose else logging.WARNING
    with Console(level) as console:
        try:
            recipe.make_ready(asked.values, asked.problems)
            console.configure(recipe.config)
        except UsageError as error:
            return _complain(str(error), program)
        with _interruptible() as came:
            try:
                return _exit_code(recipe, carry_out(recipe))
            except InputError as error:
                return _complain(str(error), program)
            except KeyboardInterrupt:
                number = came[0] if came else signal.SIGINT
                logging.getLogger("gangline.recipes").error("%s was interrupted by %s", recipe.name, number.name)
                return 128 + number


def _exit_code(recipe: Step, status: int) -> int:
    if recipe.is_pipeline and isinstance(recipe.failure, UsageError):
        return _WRONG_INPUT
    return status if 0 <= status < 256 else _FAILED


def _complain(text: str, program: str = "") -> int:
    hint = f"\n{program} --help tells what it takes." if program else ""
    sys.stderr.write(f"{text}{hint}\n")
    return _WRONG_INPUT


@contextmanager
def _interruptible() -> Iterator[list[signal.Signals]]:
    """Ctrl-C, SIGTERM and the end of the terminal interrupt the run; gives the signals that have come.

    Handlers that are not Python's own stay; those that are put in place are taken back.
    """
    came: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    from gangline._runtime.interrupts import on_interrupt

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(signal.Signals(number))
        on_interrupt(number, frame)

    ours = {number: signal.getsignal(number) for number in _SIGNALS}
    defaults = (signal.SIG_DFL, signal.default_int_handler, on_interrupt)
    ours = {number: handler for number, handler in ours.items() if handler in defaults}
    for number in ours:
        signal.signal(number, interrupt)
    try:
        yield came
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
