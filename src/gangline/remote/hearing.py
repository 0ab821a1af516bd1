"""What a command says, handed to its listener, whichever way it comes."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterable

from gangline.remote.command import Listener, Stream

__all__ = ["Hearing"]

_log = logging.getLogger("gangline.remote")

_TAIL_LINES = 20
_TAIL_CHARS = 500
_MARK = "\x1egangline "
"""How a line on standard error begins that is a message which the log channel could not carry."""


class Hearing:
    """Passes on what one command says. Whatever the listener, the user's own code, raises is logged.

    Args:
        listener: Who hears it; None: nobody.
        program: What was started, for messages.
        host: Where.
        token: What stands before messages that come over standard error; "": there are none.
    """

    def __init__(self, listener: Listener | None, program: str, host: str, token: str) -> None:
        self._listener = listener
        self._program = program
        self._host = host
        self._prefix = f"{_MARK}{token} " if token else ""
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._unread = 0

    @property
    def stderr_tail(self) -> tuple[str, ...]:
        """The last lines of standard error."""
        return tuple(self._tail)

    def on_start(self) -> None:
        """It has been started."""
        if self._listener is not None:
            try:
                self._listener.on_start()
            except Exception:  # the user's own code; what the command says must be taken in all the same
                _log.exception("a listener failed at the start of %s on %s", self._program, self._host)

    def on_lines(self, stream: Stream, lines: Iterable[str]) -> None:
        """It has written lines."""
        for line in lines:
            if stream == "stderr":
                if self._prefix and line.startswith(self._prefix):
                    self._take_message(line.removeprefix(self._prefix))
                    continue
                self._tail.append(line[:_TAIL_CHARS])
            if self._listener is not None:
                try:
                    self._listener.on_line(stream, line)
                except Exception:  # as above
                    _log.exception("a listener failed on a line of %s on %s", self._program, self._host)

    def on_messages(self, payload: bytes) -> None:
        """It has handed in messages, one a line."""
        for line in payload.splitlines():
            self._take_message(line)

    def on_warning(self, payload: bytes) -> None:
        """Something about its messages is odd."""
        _log.warning("%s: %s", self._host, json.loads(payload))

    def _take_message(self, line: bytes | str) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self._unread += 1
            if self._unread == 1:
                shown = line[:100]
                _log.warning("%s on %s sent a message that is no JSON object: %r", self._program, self._host, shown)
            return
        if self._listener is not None:
            try:
                self._listener.on_message(message)
            except Exception:  # as above
                _log.exception("a listener failed on a message of %s on %s", self._program, self._host)
