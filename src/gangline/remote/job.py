"""A command on a host, as its master sees it: gathers what it says, and how it ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from gangline.errors import CommandNotStarted, RemoteError
from gangline.remote.agent import wire
from gangline.remote.command import Command, CommandResult, Listener, shown
from gangline.remote.hearing import Hearing
from gangline.remote.lines import LineSplitter

__all__ = ["OnEnd", "RemoteJob"]

OnEnd = Callable[[CommandResult | RemoteError], None]
"""Called once: with the result however the command ended, or with why there is none."""


class RemoteJob:
    """One command that was handed to a host.

    Attributes:
        pid: Its process on the host; 0 before it has been started.
        started_at: When, in seconds since the epoch; 0.0 before.
    """

    def __init__(
        self, number: int, host: str, command: Command, token: str, listener: Listener | None, on_end: OnEnd
    ) -> None:
        self.number = number
        self.pid = 0
        self.started_at = 0.0
        self._host = host
        self._command = command
        self._hearing = Hearing(listener, command.argv[0], host, token)
        self._on_end = on_end
        self._out = LineSplitter()
        self._err = LineSplitter()

    def on_frame(self, kind: int, payload: bytes) -> bool:
        """Take in a frame of this job; whether it was its last."""
        if kind == wire.STDOUT:
            self._hearing.on_lines("stdout", self._out.feed(payload))
        elif kind == wire.STDERR:
            self._hearing.on_lines("stderr", self._err.feed(payload))
        elif kind == wire.LOG:
            self._hearing.on_messages(payload)
        elif kind == wire.STARTED:
            self.pid = int(json.loads(payload)["pid"])
            self.started_at = time.time()
            self._hearing.on_start()
        elif kind == wire.ENDED:
            self._on_ended(json.loads(payload))
            return True
        elif kind == wire.NOT_STARTED:
            why = json.loads(payload)
            argv, what = self._command.argv, str(why["kind"])
            message = f"{shown(argv)} on host {self._host} cannot be started ({what}): {why['message']}"
            self.fail(CommandNotStarted(message, host=self._host, argv=argv, kind=what))
            return True
        return False

    def fail(self, error: RemoteError) -> None:
        """It has ended without a result."""
        self._on_end(error)

    def _on_ended(self, ended: Mapping[str, Any]) -> None:
        self._hearing.on_lines("stdout", self._out.end())
        self._hearing.on_lines("stderr", self._err.end())
        duration_s = float(ended["seconds"])
        result = CommandResult(
            host=self._host,
            argv=self._command.argv,
            pid=self.pid,
            exit_code=None if ended["exit"] is None else int(ended["exit"]),
            signal=str(ended["signal"]),
            duration_s=duration_s,
            started_at=min(self.started_at, time.time() - duration_s),  # word of both may have come at once
            stderr_tail=self._hearing.stderr_tail,
        )
        self._on_end(result)
