"""Commands as tasks: how they travel to a slot on a host, and what their end is to a session."""

from __future__ import annotations

import time

from gangline.backends.gate import Gate
from gangline.errors import GanglineError, TaskCancelled, UsageError
from gangline.messages import Attempt, Failure, Status, TaskId
from gangline.remote.command import Command, CommandResult, Listener, failure_of

__all__ = ["CommandCall", "attempt_of", "build_call", "not_begun", "run_command"]


def run_command(command: Command, listener: Listener | None = None, gate: Gate | None = None) -> CommandResult:
    """What is submitted to a session with `HostsBackend`; nothing else can be.

    Args:
        command: What to run.
        listener: Who hears what it says.
        gate: Where it waits for others, with which it is to start.

    Raises:
        UsageError: Always: elsewhere it means nothing.
    """
    raise UsageError("run_command is for sessions whose engines are slots on hosts")


class CommandCall:
    """A command on its way to a slot."""

    __slots__ = ("command", "gate", "kind", "listener", "size_bytes")

    def __init__(self, command: Command, listener: Listener | None, gate: Gate | None) -> None:
        self.command = command
        self.listener = listener
        self.gate = gate
        self.kind = id(run_command)
        self.size_bytes = 256 + len(command.input) + sum(map(len, command.argv))


def build_call(command: object, listener: Listener | None = None, gate: Gate | None = None) -> CommandCall:
    """Make the arguments of `run_command` ready.

    Raises:
        UsageError: The first is no command.
    """
    if not isinstance(command, Command):
        raise UsageError(f"run_command takes a Command, not {type(command).__name__}")
    return CommandCall(command, listener, gate)


def not_begun(reason: str) -> TaskCancelled:
    """What became of a command that waited at a gate."""
    return TaskCancelled(f"the command was not started: {reason}")


def attempt_of(task: TaskId, how: CommandResult | GanglineError, sent_at: float) -> Attempt:
    """How a command ended, as engines report it."""
    now = time.time()
    if isinstance(how, CommandResult):
        begun, ended = how.started_at, how.started_at + how.duration_s
        if how.ok:
            return Attempt(task, Status.OK, how, begun, ended, None)
        error: GanglineError = failure_of(how)
    else:
        begun, ended, error = sent_at or now, now, how
    return Attempt(task, Status.ERROR, Failure(error, type(error).__name__, str(error), ""), begun, ended, None)
