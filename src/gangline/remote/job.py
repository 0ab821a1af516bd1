"""A command on a host, as its master sees it: gathers what it says, and how it ended."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from gangline.errors import CommandNotStarted, RemoteError
from gangline.remote.agent import wire
from gangline.remote.command import Command, CommandResult, Listener, Stream, shown
from gangline.remote.lines import LineSplitter

__all__ = ["OnEnd", "RemoteJob"]

_log = logging.getLogger("gangline.remote")

OnEnd = Callable[[CommandResult | RemoteError], None]
"""Called once: with the result however the command ended, or with why there is none."""

_TAIL_LINES = 20
_TAIL_CHARS = 500
_MARK = "\x1egangline "
"""How a line on standard error begins that is a message which the log channel could not carry."""


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
        self._prefix = f"{_MARK}{token} " if token else ""
        self._listener = listener
        self._on_end = on_end
        self._out = LineSplitter()
        self._err = LineSplitter()
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._unread = 0

    def on_frame(self, kind: int, payload: bytes) -> bool:
        """Take in a frame of this job; whether it was its last."""
        if kind == wire.STDOUT:
            self._hear("stdout", self._out.feed(payload))
        elif kind == wire.STDERR:
            self._hear("stderr", self._err.feed(payload))
        elif kind == wire.LOG:
            for line in payload.splitlines():
                self._take_message(line)
        elif kind == wire.STARTED:
            self.pid = int(json.loads(payload)["pid"])
            self.started_at = time.time()
            self._tell_start()
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

    def _tell_start(self) -> None:
        if self._listener is not None:
            try:
                self._listener.on_start()
            except Exception:  # as in _hear
                _log.exception("a listener failed at the start of %s on %s", self._command.argv[0], self._host)

    def _on_ended(self, ended: Mapping[str, Any]) -> None:
        self._hear("stdout", self._out.end())
        self._hear("stderr", self._err.end())
        duration_s = float(ended["seconds"])
        result = CommandResult(
            host=self._host,
            argv=self._command.argv,
            pid=self.pid,
            exit_code=None if ended["exit"] is None else int(ended["exit"]),
            signal=str(ended["signal"]),
            duration_s=duration_s,
            started_at=min(self.started_at, time.time() - duration_s),  # word of both may have come at once
            stderr_tail=tuple(self._tail),
        )
        self._on_end(result)

    def _hear(self, stream: Stream, lines: list[str]) -> None:
        for line in lines:
            if stream == "stderr":
                if self._prefix and line.startswith(self._prefix):
                    self._take_message(line.removeprefix(self._prefix))
                    continue
                self._tail.append(line[:_TAIL_CHARS])
            if self._listener is not None:
                try:
                    self._listener.on_line(stream, line)
                except Exception:  # the user's own code; what the host sends must be taken in all the same
                    _log.exception("a listener failed on a line of %s on %s", self._command.argv[0], self._host)

    def _take_message(self, line: bytes | str) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self._unread += 1
            if self._unread == 1:
                shown = line[:100]
                _log.warning(
                    "%s on %s sent a message that is no JSON object: %r", self._command.argv[0], self._host, shown
                )
            return
        if self._listener is not None:
            try:
                self._listener.on_message(message)
            except Exception:  # as above
                _log.exception("a listener failed on a message of %s on %s", self._command.argv[0], self._host)
