"""Loggers that need no setting up: everything to standard error, everything to a stream, or nothing at all."""

from __future__ import annotations

import sys
from typing import Any, TextIO

__all__ = ["BlackHoleLogger", "StderrLogger", "StreamLogger", "black_hole_logger", "stderr_logger"]


class BlackHoleLogger:
    """Takes messages and does nothing with them."""

    def info(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def debug(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def warning(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def error(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Nothing."""


class StreamLogger:
    """Writes messages to a stream, warnings and errors so that they stand out.

    Args:
        stream: Where to write.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.unique_prefix = ""

    @property
    def stream(self) -> TextIO:
        """Where messages go."""
        return self._stream

    def info(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Write a line."""
        self.stream.write(f"{self.unique_prefix}{_filled_in(message, args)}\n")

    def debug(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Write a line."""
        self.info(message, *args)

    def warning(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Write a paragraph under the heading of a warning."""
        self._stand_out("WARNING", _filled_in(message, args))

    def error(self, message: object, *args: Any, **kwargs: Any) -> None:
        """Write a paragraph under the heading of an error."""
        self._stand_out("ERROR", _filled_in(message, args))

    def _stand_out(self, heading: str, text: str) -> None:
        self.stream.write(f"\n\n{self.unique_prefix}{heading}:\n    {text}\n\n")


class StderrLogger(StreamLogger):
    """Writes messages to what is standard error at that moment."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    @property
    def stream(self) -> TextIO:
        """Standard error now: programs and tests put another stream there."""
        return sys.stderr

    def add_unique_prefix(self) -> None:
        """From now on begin each message with a number, so that the texts of several runs can be told apart."""
        import random

        self.unique_prefix = f"{random.Random().randint(0, 1000)} "

    def __reduce__(self) -> tuple[Any, ...]:
        return _stderr_logger, (self.unique_prefix,)


def _stderr_logger(unique_prefix: str) -> StderrLogger:
    """The logger as it arrives in another process."""
    made = StderrLogger()
    made.unique_prefix = unique_prefix
    return made


def _filled_in(message: object, args: tuple[Any, ...]) -> str:
    return str(message) % args if args else str(message)


black_hole_logger = BlackHoleLogger()
stderr_logger = StderrLogger()
