"""Stages that are shell commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from gangline.errors import UsageError
from gangline.pipeline.names.nested import is_sequence

__all__ = ["Callback", "ShellCommand", "checked_callback", "run_commands", "split_commands"]

Callback = Callable[..., Any]
"""Runs a command: called with `command_str`, `input`, `output` and the stage's extras, all by name."""


def checked_callback(callback: Any) -> Callback:
    """The callback, if it can be called.

    Raises:
        UsageError: It cannot.
    """
    if not callable(callback):
        raise UsageError("set_command_str_callback() takes a python function or a callable object.")
    return callback  # type: ignore[no-any-return]


class ShellCommand:
    """The function of a stage that is a shell command.

    Args:
        text: The command, with fields in braces for `input`, `output` and the stage's extras.
        run: Fills it in and runs it.
        reads: Whether its tasks have an input.
    """

    __slots__ = ("reads", "run", "text")

    def __init__(self, text: str, run: Callback, *, reads: bool = True) -> None:
        self.text = text
        self.run = run
        self.reads = reads

    def __call__(self, *files: Any, **extras: Any) -> Any:
        """Run it for one task: called with input and output, or with the output alone if it reads nothing."""
        read, made = files if self.reads else (None, *files)
        return self.run(command_str=self.text, input=read, output=made, **extras)


class _Word(str):
    """A text that stands in a command as one word, whatever is in it."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        import shlex

        return shlex.quote(format(str(self), spec))


class _Words(tuple[Any, ...]):
    """Several files, which stand in a command as so many words."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return " ".join(format(part, spec) for part in self)


def _as_words(value: Any) -> Any:
    if isinstance(value, str):
        return _Word(value)
    if is_sequence(value):
        return _Words(_as_words(part) for part in value)
    return value


def run_commands(*, command_str: str, input: Any = None, output: Any = None, **extras: Any) -> None:
    """Run a command line of a stage; commands separated by `;` run one after the other, up to the first that fails.

    Each has a shell of its own. Loops, conditions and groups count as one command.

    Args:
        command_str: May be written over several lines. Braces that are no fields are doubled: `awk '{{print $1}}'`.
        input: For `{input}`: names are quoted where the shell needs it, several of them separated by blanks;
            `{input[0]}` is the first.
        output: For `{output}`, likewise.
        extras: More fields.

    Raises:
        CalledProcessError: A command failed.
    """
    from gangline.pipeline.stages.commands import run_in_order  # most pipelines have no stage that is a command

    fields: Mapping[str, Any] = {"input": _as_words(input), "output": _as_words(output)} | extras
    if commands := [command.format(**fields) for command in split_commands(command_str)]:
        run_in_order(commands)


_TOKEN = r"""
      (?P<blank>\s+)
    | (?P<word>(?: '[^']*' | "(?:\\.|[^"\\])*" | \\. | [^\s'"\\;()|&] )+)
    | (?P<operator>;+ | [()|&])
    | (?P<rest>.+)  # a quote that has no end
"""
_OPENING = frozenset({"{{", "if", "for", "while", "until", "case", "select"})
_CLOSING = frozenset({"}}", "fi", "done", "esac"})
_BEFORE_COMMANDS = frozenset({"{{", "if", "while", "until", "do", "then", "else", "elif", "!"})


def split_commands(text: str) -> list[str]:
    """The commands of a command line, without those that are empty.

    A `;` ends none in quotes, after a backslash, in parentheses, or within a loop, a condition or a group.

    Example:
        >>> split_commands("sort {input} > a; awk '{{print; next}}' a")
        ['sort {input} > a', "awk '{{print; next}}' a"]
        >>> split_commands("for name in {input}; do cat $name; done > {output}; ls")
        ['for name in {input}; do cat $name; done > {output}', 'ls']
    """
    commands, current = [], ""
    blocks = parentheses = 0
    starts = True  # whether a command begins here: only there are words like `do` and `fi` more than words
    for token in re.finditer(_TOKEN, text.replace("\n", " "), re.VERBOSE):
        found = token.group()
        if token.lastgroup == "operator":
            if found[0] == ";" and not blocks and not parentheses:
                commands.append(current)
                current, starts = "", True
                continue
            if found in "()":
                parentheses = max(0, parentheses + (1 if found == "(" else -1))
            starts = True
        elif token.lastgroup != "blank" and starts:
            blocks = max(0, blocks + (found in _OPENING) - (found in _CLOSING))
            starts = found in _BEFORE_COMMANDS
        current += found
    commands.append(current)
    return [command.strip() for command in commands if command.strip()]
