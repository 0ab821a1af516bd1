"""A command that is to run on a host, and what became of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from gangline.errors import CommandFailed, CommandTimedOut, UsageError
from gangline.remote.resources import Resources

__all__ = ["LOG_TOKEN", "Command", "CommandResult", "Listener", "Stream", "failure_in_words", "failure_of", "shown"]

_CHARS_MAX = 5_000_000
"""Of arguments and environment together. Linux itself takes up to 6 MiB, mostly less."""

LOG_TOKEN = "GANGLINE_LOG_TOKEN"
"""The environment variable that proves for which job somebody speaks."""

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, which reach it exactly as they are; no shell is involved unless it is asked for.

    Called, it runs here: as a task it runs on an engine, and where engines are jobs of a scheduler it is the job.

    Args:
        argv: The program's name or path, and its arguments; or a text, which a shell (`/bin/sh`) reads. Paths and
            numbers among them are written out.
        env: Variables beside those that the host has by itself; their values likewise.
        cwd: The folder to start in; None is the home folder, or on this host the present one.
        input: What the program reads from its standard input; a text as UTF-8.
        open_input: There is more to read, by and by: what is fed to it with `HostConnection.feed`.
        resources: What it asks for as a job of a scheduler, as a dictionary (see `Resources.read`).
        name: What a scheduler shows; by default the program's.
        key: Tells apart jobs that are otherwise the same, for a program that is started again and looks for its jobs.
        path: Folders that are put before the host's PATH, where they exist there.
        logs: At which index of argv the address and the port for log records are put; None: it hands in none.
        log_level: The least level of log records that are wanted; it reads it from GANGLINE_LOG_LEVEL.

    Raises:
        UsageError: There is no program, or something in it is no text, holds a null character or half of one that takes
            two, or is far too long.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    input: bytes = b""
    path: tuple[str, ...] = ()
    logs: int | None = None
    log_level: int = 0
    open_input: bool = False
    resources: Resources | None = None
    name: str = ""
    key: str = ""

    if TYPE_CHECKING:  # it takes more than it keeps

        def __init__(
            self,
            argv: str | Sequence[str | os.PathLike[str] | float],
            env: Mapping[str, str | os.PathLike[str] | float] = ...,
            cwd: str | os.PathLike[str] | None = None,
            input: bytes | str = b"",
            path: tuple[str, ...] = (),
            logs: int | None = None,
            log_level: int = 0,
            open_input: bool = False,
            resources: Resources | Mapping[str, Any] | None = None,
            name: str = "",
            key: str = "",
        ) -> None: ...

    def __call__(self, *given: object, **named: object) -> CommandResult:
        """Run it here and now. What it writes goes to `sys.stdout` and `sys.stderr` as it comes.

        Raises:
            UsageError: It is given arguments, which belong into the command.
            CommandFailed: It ended with another exit code than 0, or by a signal.
            CommandNotStarted: It could not be started.
        """
        self.refuse_arguments(given, named)
        from gangline.remote.here import run_here, signal_name  # which start processes; this is plain data

        ended = run_here(self.argv, self.env, self.cwd, self.path, self.input)
        code = ended.return_code
        result = CommandResult(
            host=os.uname().nodename,
            argv=self.argv,
            pid=ended.pid,
            exit_code=code if code >= 0 else None,
            signal=signal_name(-code) if code < 0 else "",
            duration_s=ended.duration_s,
            started_at=ended.started_at,
            stderr_tail=ended.stderr_tail,
        )
        if not result.ok:
            raise failure_of(result)
        return result

    def refuse_arguments(self, given: Sequence[object], named: Mapping[str, object]) -> None:
        """A command is called with nothing, as map would do.

        Raises:
            UsageError: There are arguments.
        """
        if given or named:
            raise UsageError(
                f"the command {shown(self.argv)!r} is called with arguments, but takes none: map and the like need a "
                "function; make a Command for each task, and give it to apply"
            )

    def __post_init__(self) -> None:
        argv: object = self.argv
        asked: object = self.resources
        env: object = self.env
        cwd: object = self.cwd
        given: object = self.input
        if isinstance(argv, str):
            if not argv.strip():
                raise UsageError("a command must be more than an empty text")
            argv = ("/bin/sh", "-c", argv)
        if isinstance(argv, (list, tuple)):
            argv = tuple([each if type(each) is str else _written(each) for each in argv])
        object.__setattr__(self, "argv", argv)
        if not isinstance(env, Mapping):
            raise UsageError(f"env must be a dictionary, not {env!r}; a program and its arguments are one list")
        if any(type(value) is not str for value in env.values()):
            object.__setattr__(self, "env", {name: _written(value) for name, value in env.items()})
        if isinstance(cwd, os.PathLike):
            object.__setattr__(self, "cwd", os.fspath(cwd))
        if isinstance(given, str):
            object.__setattr__(self, "input", given.encode("utf-8", "surrogateescape"))
        elif not isinstance(given, (bytes, bytearray, memoryview)):
            raise UsageError(f"input must be bytes or a text, not {given!r}")
        if isinstance(asked, Mapping):
            object.__setattr__(self, "resources", Resources.read(asked))
        elif asked is not None and not isinstance(asked, Resources):
            raise UsageError(f"resources must be a dictionary like {{'cores': 2, 'memory': '4 GB'}}, not {asked!r}")
        self._check()

    def _check(self) -> None:
        if not isinstance(self.argv, tuple) or not self.argv or not self.argv[0]:
            raise UsageError(
                f"a command is a list of a program and its arguments, or a text for a shell, not {self.argv!r}"
            )
        texts: Sequence[object] = [*self.argv, *self.env, *self.env.values(), *self.path, self.cwd or ""]
        size = 0
        for text in texts:
            if not isinstance(text, str):
                raise UsageError(f"what goes into a command must be text, not {type(text).__name__}: {text!r}")
            size += len(text)
            if "\0" in text:
                raise UsageError(f"{text!r} holds a null character, which no program can be given")
            if not text.isascii():
                _refuse_what_is_no_character(text)
        for name in self.env:
            if not name or "=" in name:
                raise UsageError(f"{name!r} cannot be the name of an environment variable")
        if size > _CHARS_MAX:
            raise UsageError(f"{self.argv[0]} is given {size:,} characters; no host takes more than {_CHARS_MAX:,}")
        if self.logs is not None and not 1 <= self.logs <= len(self.argv):
            raise UsageError(f"logs must be an index of argv from 1 to {len(self.argv)}, not {self.logs}")


def _written(value: object) -> Any:
    """A path or a number as a text; what is neither stays what it is."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _refuse_what_is_no_character(text: str) -> None:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as exc:
        raise UsageError(f"{text!r} holds half a character, which no program can be given") from exc


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended.

    Attributes:
        host: Where it ran, by the name that was asked for.
        argv: What was asked for.
        pid: Its process on that host.
        exit_code: As it was; None if it was ended by a signal.
        signal: The signal's name, or "".
        duration_s: From its start to its end.
        started_at: Seconds since the epoch, by this host's clock.
        stderr_tail: The last lines that it wrote to its standard error.
    """

    host: str
    argv: tuple[str, ...]
    pid: int
    exit_code: int | None
    signal: str
    duration_s: float
    started_at: float
    stderr_tail: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it ended with exit code 0."""
        return self.exit_code == 0


class Listener(Protocol):
    """Who hears what a command says while it runs; called in order, from a thread of the connection."""

    def on_start(self) -> None:
        """It has been started; once more, if it is tried again."""

    def on_line(self, stream: Stream, line: str) -> None:
        """It has written a line, given without its newline; bytes that are no UTF-8 are shown as escapes."""

    def on_message(self, message: Mapping[str, Any]) -> None:
        """It has sent a message over its log channel."""


_SHOWN_CHARS = 200


def shown(argv: Sequence[str]) -> str:
    """A command line as people read it, cut if it is long."""
    text = " ".join(argument if argument.isprintable() and " " not in argument else repr(argument) for argument in argv)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def failure_of(result: CommandResult, *, time_limit_s: float | None = None) -> CommandFailed:
    """The error that says how a command failed.

    Args:
        result: How it ended.
        time_limit_s: It was ended because it had run for longer than that; None: it was not.
    """
    how = f"was ended by {result.signal}" if result.signal else f"ended with exit code {result.exit_code}"
    kind = CommandFailed
    if time_limit_s is not None:
        how, kind = f"was ended: it ran longer than {time_limit_s:g} s", CommandTimedOut
    last = f": {result.stderr_tail[-1]}" if result.stderr_tail else ""
    return failure_in_words(kind, f"{shown(result.argv)} on host {result.host} {how}{last}", result)


def failure_in_words(kind: type[CommandFailed], text: str, result: CommandResult) -> CommandFailed:
    """The error of that kind and with that text, which has all that is known of how the command ended."""
    return kind(
        text,
        host=result.host,
        argv=result.argv,
        exit_code=result.exit_code,
        signal=result.signal,
        stderr_tail=result.stderr_tail,
        duration_s=result.duration_s,
    )
