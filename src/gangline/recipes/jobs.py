"""One command on one host, as a recipe asks for it, and what became of it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gangline.errors import UsageError
from gangline.recipes.words import shown

if TYPE_CHECKING:
    from gangline.recipes.outcome import JobOutcome

__all__ = ["ComputeJob"]

_LOOK_BYTES = 1024 * 1024
"""So much of a script is read to see whether it is a node script."""

_LABEL_LENGTH = 1000
"""Of longer commands the middle is left out where people read them."""

_CALL = b"run_with_logging"
"""Every node script has this call in it, whatever it is called."""

_CALL_WITH_NUMBER = b"run_with_stored_arguments"
"""Or this one, if it wants the job's number before the address of the log receiver."""


class ComputeJob:
    """A command that is to run on a host.

    A node script gets the address of the log receiver as its first two arguments, before the job's own. Whether the
    command is one is seen from the script: it is, if one of the words is a Python file that calls `run_with_logging`,
    or a Python file that cannot be read here.

    Args:
        host: Where; several are alternatives, of which the first is taken as long as it can be reached.
        command: What: words as a shell would read them, or a list of words that are taken as they are. There is no
            shell: one that is wanted is part of the command, ``["sh", "-c", "…"]``.
        arguments: More words, taken as they are; what is no text is made one with `str`.
        node_script: Whether the command is a node script; None: see above.
        env: Environment variables, added to those of the host.
        cwd: The folder to run in; None: the one that one arrives in on that host, here the current one.
        input: What the command reads from its standard input.
        time_limit_s: How long it may run, in seconds; None is for ever.
        products: Entries of data maps that this job works on: if one of them is to be skipped, the job is not run, and
            if the job fails, they are marked to be skipped.
        label: For people, in logs and in the record; None: host and command, of a long one beginning and end.

    Attributes:
        wants_number: Whether the script is given the number of the job before the address of the log receiver, as those
            are that call `run_with_stored_arguments`.
        results: What the older systems gave: `returncode` (the exit code, or the name of the signal that ended it; 255
            for a host that could not be reached or was lost, 127 and 126 for a command that is not there or cannot be
            executed, 125 for one that was not started for another reason), `job_duration` in seconds, `outputs`, and
            each output by its own name. Empty until the job has ended.
        outcome: The same, typed; None until the job has ended.

    Raises:
        UsageError: The host is no name, there is no command, or another value makes no sense.
    """

    def __init__(
        self,
        host: str | Sequence[str],
        command: str | os.PathLike[str] | Sequence[str],
        arguments: Iterable[Any] = (),
        *,
        node_script: bool | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        input: str | bytes = b"",
        time_limit_s: float | None = None,
        products: Iterable[Any] = (),
        label: str | None = None,
    ) -> None:
        self.hosts = _hosts(host)
        self.host = self.hosts[0]
        self.command = command
        self.words = _words(command)
        if isinstance(arguments, (str, bytes)):
            raise UsageError(f"the arguments of {self.words[0]!r} must be a list, not the text {arguments!r}")
        self.arguments = [_argument(each) for each in arguments]
        calls = _calls(self.words)
        self.node_script = bool(calls) if node_script is None else node_script
        self.wants_number = _CALL_WITH_NUMBER in calls
        self.env = _environment(env)
        self.cwd = None if cwd is None else os.fspath(cwd)
        self.input = input.encode("utf-8", "surrogateescape") if isinstance(input, str) else input
        if not isinstance(self.input, bytes):
            raise UsageError(f"the input of {self.words[0]!r} must be a text or bytes, not {shown(input)}")
        if isinstance(time_limit_s, bool) or not isinstance(time_limit_s, (int, float, type(None))):
            raise UsageError(f"time_limit_s must be a number of seconds, not {shown(time_limit_s)}")
        self.time_limit_s = time_limit_s
        self.products = list(products)
        self.label = label or f"{self.host}: {_shortened(shlex.join([*self.words, *self.arguments]))}"
        self.results: dict[str, Any] = {}
        self.outcome: JobOutcome | None = None

    def __repr__(self) -> str:
        state = "not run" if self.outcome is None else self.outcome.kind
        return f"<ComputeJob {self.label} ({state})>"

    @property
    def name(self) -> str:
        """What the command is called: the script, else the program; without folder and suffix."""
        script = next((word for word in self.words if word.endswith(".py")), self.words[0])
        return os.path.splitext(os.path.basename(script))[0] or self.words[0]

    @property
    def ok(self) -> bool:
        """Whether it has run, and with success."""
        return self.outcome is not None and self.outcome.ok


def _hosts(host: str | Sequence[str]) -> tuple[str, ...]:
    if not isinstance(host, (str, list, tuple)):
        raise UsageError(f"a host is named by a text, several by a list of texts, not by {host!r}")
    hosts = (host,) if isinstance(host, str) else tuple(host)
    if not hosts:
        raise UsageError("a job needs a host; the list of alternatives is empty")
    for each in hosts:
        if not isinstance(each, str):
            raise UsageError(f"a host is named by a text, not by {each!r}")
        if each.startswith("-") or any(letter.isspace() or not letter.isprintable() for letter in each):
            raise UsageError(f"{each!r} is no name of a host")
    return hosts


def _words(command: str | os.PathLike[str] | Sequence[str]) -> list[str]:
    if isinstance(command, str):
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"the command {command!r} cannot be read: {str(error).lower()}") from error
    elif isinstance(command, os.PathLike):
        words = [os.fspath(command)]
    elif isinstance(command, (bytes, Mapping)) or not isinstance(command, Iterable):
        raise UsageError(f"a command is a text or a list of words, not {shown(command)}")
    else:
        words = [_argument(each) for each in command]
    if not words or not words[0]:
        raise UsageError(f"there is no command in {command!r}")
    if nul := next((word for word in words if "\0" in word), None):
        raise UsageError(f"the word {nul!r} of a command has a NUL character in it, which no program can be given")
    return words


def _environment(env: Mapping[str, str] | None) -> dict[str, str]:
    if not isinstance(env, (Mapping, type(None))):
        raise UsageError(f"env must be a dictionary of environment variables, not {shown(env)}")
    return {str(name): str(value) for name, value in (env or {}).items()}


def _shortened(line: str) -> str:
    if len(line) <= _LABEL_LENGTH:
        return line
    return f"{line[: _LABEL_LENGTH - 100]} … {line[-90:]}"


def _argument(value: Any) -> str:
    text = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    if "\0" in text:
        raise UsageError(f"the argument {text!r} has a NUL character in it, which no program can be given")
    return text


def _calls(words: Sequence[str]) -> set[bytes]:
    """Which of the calls that make a node script there are in a script among the words."""
    for word in words:
        try:
            with open(word, "rb") as file:
                head = file.read(_LOOK_BYTES)
        except (OSError, ValueError):  # not here, or no file
            if word.endswith(".py"):
                return {_CALL}
            continue
        if word.endswith(".py") or head.startswith(b"#!"):
            found = {call for call in (_CALL, _CALL_WITH_NUMBER) if call in head}
            if found:
                return found
    return set()
