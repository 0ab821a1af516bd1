"""What is to be run as a job of a site's scheduler: a command, or a call of a Python function."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from typing import Any

from gangline.backends.batch.call import BOOT, pack_call
from gangline.backends.commands import run_command
from gangline.backends.kinds import kind_of
from gangline.errors import Unpicklable, UsageError
from gangline.remote.command import LOG_TOKEN, Command, Listener
from gangline.remote.resources import NOTHING_ASKED, Resources

__all__ = ["Order", "order_of"]

_BYTES = 512


class Order:
    """The payload of one task.

    Attributes:
        name: What the scheduler shows.
        command: What runs; of a call, None.
        call: The pickled call; of a command, None.
        resources: What the job asks for.
        listener: Who hears what a command says.
        token: Which the command hands in messages with; "" if it hands in none.
        fingerprint: The same for the same order given again, also by another run of the same program.
    """

    __slots__ = ("call", "command", "fingerprint", "kind", "listener", "name", "resources", "size_bytes", "token")

    def __init__(
        self,
        name: str,
        command: Command | None,
        call: bytes | None,
        resources: Resources,
        kind: int,
        listener: Listener | None = None,
    ) -> None:
        self.name = name
        self.command = command
        self.call = call
        self.resources = resources
        self.listener = listener
        self.kind = kind
        self.size_bytes = _BYTES + len(call or b"") + (len(command.input) if command else 0)
        self.token = _token_of(command)
        self.fingerprint = _fingerprint(self)

    @property
    def input(self) -> bytes:
        """What the program reads from its standard input."""
        return self.command.input if self.command is not None else b""

    def specification(self, base: str, path_file: str, engine: int, uuid: str) -> dict[str, Any]:
        """What `onnode` has to run.

        Args:
            base: Where the job's files are, up to the dot.
            path_file: Where `sys.path` is.
            engine: For a call: where it runs, as it sees itself.
            uuid: The same.
        """
        command = self.command
        if command is None:
            level = str(logging.getLogger().getEffectiveLevel())
            argv = [sys.executable, "-c", BOOT, path_file, f"{base}.call", f"{base}.result", str(engine), uuid, level]
            return {"argv": argv, "env": {}, "path": [], "cwd": os.getcwd(), "has_input": False, "logs": None}
        return {
            "argv": list(command.argv),
            "env": {name: value for name, value in command.env.items() if name != LOG_TOKEN},
            "path": list(command.path),
            "cwd": os.path.join(os.getcwd(), command.cwd) if command.cwd else os.getcwd(),
            "has_input": bool(command.input),
            "logs": command.logs,
            "log_level": command.log_level,
        }


def _token_of(command: Command | None) -> str:
    if command is None:
        return ""
    return command.env.get(LOG_TOKEN) or ("" if command.logs is None else secrets.token_hex(16))


def order_of(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], usual: Resources) -> Order:
    """Make a call ready: that of a `Command`, of `run_command` with one, or of any function.

    Args:
        function: What is called.
        args: Its arguments.
        kwargs: Its keyword arguments.
        usual: What jobs ask for, if they do not say it themselves.

    Raises:
        Unpicklable: The function or an argument cannot travel.
        UsageError: A command with something that a job cannot have.
    """
    if isinstance(function, Command):
        function.refuse_arguments(args, kwargs)
        return _order_of_command(usual, function)
    if function is run_command:
        return _order_of_command(usual, *args, **kwargs)
    try:
        call = pack_call(function, args, dict(kwargs))
    except Exception as exc:
        name = getattr(function, "__qualname__", type(function).__name__)
        raise Unpicklable(f"the call of {name} cannot be pickled: {exc or type(exc).__name__}") from exc
    name = getattr(function, "__name__", type(function).__name__)
    return Order(name, None, call, usual, kind_of(function))


def _order_of_command(
    usual: Resources, command: Command, listener: Listener | None = None, gate: object = None
) -> Order:
    if not isinstance(command, Command):
        raise UsageError(f"run_command takes a Command, not {type(command).__name__}")
    if gate is not None:
        raise UsageError("jobs of a scheduler do not start together: it starts each when there is room")
    if command.open_input:
        raise UsageError(f"{command.argv[0]} is to read on while it runs, which a job of a scheduler cannot")
    name = command.name or os.path.basename(command.argv[0])
    resources = (command.resources or NOTHING_ASKED).over(usual)
    return Order(name, command, None, resources, id(run_command), listener)


def _fingerprint(order: Order) -> str:
    if order.command is None:
        told = hashlib.sha256(order.call or b"").hexdigest()
        what: dict[str, Any] = {"call": told, "python": sys.executable, "cwd": os.getcwd()}
    else:
        what = order.specification("", "", 0, "")
        del what["log_level"]
        what |= {"input": hashlib.sha256(order.command.input).hexdigest(), "key": order.command.key}
    text = json.dumps([what, repr(order.resources)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
