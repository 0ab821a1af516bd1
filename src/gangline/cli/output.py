"""How a command speaks: results to stdout as text or JSON or not at all, everything else to stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import click
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

Command = TypeVar("Command", bound=Callable[..., Any])


_WIDTH_OFF_TERMINALS = 200


class Output(StrEnum):
    """The forms that results can take."""

    HUMAN = "human"
    JSON = "json"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that goes on below its own beginning where a terminal is too narrow for it, and stays whole in a pipe.

    Attributes:
        text: What stands in it.
        indent: How many characters stand before it.
        label: What stands there.
    """

    text: Text
    indent: int
    label: Text = field(default_factory=Text)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not console.is_terminal:
            label = self.label.copy()
            label.pad_right(self.indent - label.cell_len)
            yield label + self.text
            return
        from rich.table import Table  # slow to import, and only long lines on terminals need it

        grid = Table.grid(padding=0)
        grid.add_column(width=self.indent, no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(self.label, self.text)
        yield grid


class Screen:
    """Where a command prints.

    Colours and live lines appear on a terminal only, and never with NO_COLOR set or TERM=dumb; a pipe gets plain lines.

    Args:
        form: What the user asked for with ``--output``.
    """

    def __init__(self, form: Output) -> None:
        self.form = form
        self._results = _open_console(stderr=False)
        self.messages = _open_console(stderr=True)
        self.messages.quiet = form is Output.QUIET

    def result(self, data: Mapping[str, Any], *human: RenderableType) -> None:
        """Print a command's result.

        Args:
            data: As JSON types, for programs.
            human: The same as tables and text, for people.
        """
        if self.form is Output.JSON:
            click.echo(json.dumps(data, indent=2))
        elif self.form is Output.HUMAN:
            for part in human:
                _print(self._results, part)

    def say(self, text: RenderableType) -> None:
        """Print a message that is not part of the result."""
        _print(self.messages, text)


def _open_console(*, stderr: bool) -> Console:
    """A console that takes text as it is, and that leaves tables their width where no terminal limits it."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH_OFF_TERMINALS
    return console


def _print(console: Console, part: RenderableType) -> None:
    # Lines are broken for people only: a program reads them whole, and so are those that are somebody else's words.
    is_line = isinstance(part, (str, Text, Line))
    whole = isinstance(part, Text) and bool(part.no_wrap)
    console.print(part, soft_wrap=whole or (is_line and not console.is_terminal))


def _open_screen(_ctx: click.Context, _option: click.Parameter, form: str) -> Screen:
    return Screen(Output(form))


def output_option(command: Command) -> Command:
    """Give a command the option ``--output``; it gets a `Screen` as the argument `screen`."""
    return click.option(
        "--output",
        "screen",
        type=click.Choice([form.value for form in Output]),
        default=Output.HUMAN.value,
        show_default=True,
        callback=_open_screen,
        help="How results are printed; quiet prints none and leaves the exit code.",
    )(command)
