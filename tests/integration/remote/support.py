"""What the tests of remote commands share."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from gangline.errors import RemoteError
from gangline.remote import Command, CommandResult, HostConnection

WAIT_S = 60.0


class Heard:
    """A listener that keeps what it hears, and how the command ended."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.messages: list[dict[str, Any]] = []
        self.outcome: CommandResult | RemoteError | None = None
        self._changed = threading.Condition()
        self._ended = threading.Event()

    def on_start(self) -> None:
        pass

    def on_line(self, stream: str, line: str) -> None:
        with self._changed:
            self.lines.append((stream, line))
            self._changed.notify_all()

    def on_message(self, message: Mapping[str, Any]) -> None:
        with self._changed:
            self.messages.append(dict(message))
            self._changed.notify_all()

    def on_end(self, outcome: CommandResult | RemoteError) -> None:
        assert self.outcome is None, "a command ends once"
        self.outcome = outcome
        self._ended.set()

    def wait_for_lines(self, count: int = 1) -> list[str]:
        """The lines, when there are so many."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.lines) >= count, WAIT_S), self.lines
        return [line for _, line in self.lines]

    def wait(self) -> CommandResult | RemoteError:
        """How the command ended."""
        assert self._ended.wait(WAIT_S)
        assert self.outcome is not None
        return self.outcome

    @property
    def result(self) -> CommandResult:
        """The command's result, which there must be."""
        outcome = self.wait()
        assert isinstance(outcome, CommandResult), outcome
        return outcome

    @property
    def text(self) -> str:
        """What it has written to standard output."""
        return "\n".join(line for stream, line in self.lines if stream == "stdout")


def begin(connection: HostConnection, *argv: str, **options: Any) -> Heard:
    """Have a command run."""
    heard = Heard()
    connection.run(Command(argv, **options), heard, heard.on_end)
    return heard
