"""The loggers that a run is given when the user has none: to standard error, to a stream, to nowhere."""

from __future__ import annotations

import random
import sys
from typing import Any, TextIO

__all__ = ["black_hole_logger", "stderr_logger", "t_black_hole_logger", "t_stderr_logger", "t_stream_logger"]


class t_black_hole_logger:
    """Says nothing."""

    def info(self, message: object, *args: object, **kwargs: object) -> None:
        """Nothing."""

    debug = warning = error = info


class t_stream_logger:
    """Writes to a stream, warnings and errors set apart.

    Args:
        stream: Where to.
    """

    def __init__(self, stream: TextIO | Any) -> None:
        self._stream = stream

    @property
    def stream(self) -> TextIO | Any:
        """Where it writes to."""
        return self._stream

    def info(self, message: str) -> None:
        """Write a line."""
        self.stream.write(f"{message}\n")

    debug = info

    def warning(self, message: str) -> None:
        """Write a warning."""
        self.stream.write(f"\n\nWARNING:\n    {message}\n\n")

    def error(self, message: str) -> None:
        """Write an error."""
        self.stream.write(f"\n\nERROR:\n    {message}\n\n")


class t_stderr_logger(t_stream_logger):
    """Writes to what standard error is at that moment."""

    def __init__(self) -> None:
        super().__init__(None)
        self.unique_prefix = ""

    @property
    def stream(self) -> TextIO | Any:
        """Standard error."""
        return sys.stderr

    def add_unique_prefix(self) -> None:
        """Begin what follows with a random number, to tell one run from another."""
        self.unique_prefix = f"{random.randint(0, 1000)} "

    def info(self, message: str) -> None:
        """Write a line."""
        super().info(self.unique_prefix + message)

    debug = info

    def warning(self, message: str) -> None:
        """Write a warning."""
        self.stream.write(f"\n\n{self.unique_prefix}WARNING:\n    {message}\n\n")

    def error(self, message: str) -> None:
        """Write an error."""
        self.stream.write(f"\n\n{self.unique_prefix}ERROR:\n    {message}\n\n")


black_hole_logger = t_black_hole_logger()
stderr_logger = t_stderr_logger()
