"""What is to be cleared away even if a process is killed before it could do it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["LastWords", "last_words"]


class LastWords:
    """A shell that waits for the end of this process.

    Args:
        command: What it runs then, unless it was told that all is done.
        folder: Where.
    """

    def __init__(self, command: str, folder: Path | None = None) -> None:
        self._shell = subprocess.Popen(
            ["sh", "-c", f"read -r _ || {{\n{command}\n}}"], cwd=folder, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def done(self) -> None:
        """There is nothing left to clear away."""
        if self._shell.poll() is None:
            self._shell.communicate(b"done\n")

    def close(self) -> None:
        """Have the command run now, unless all is done."""
        if self._shell.poll() is None:
            self._shell.communicate()


@contextmanager
def last_words(command: str, folder: Path | None = None) -> Iterator[LastWords]:
    """Have a command run when the block is left without `done` having been called, be it that the process is killed."""
    words = LastWords(command, folder)
    try:
        yield words
    finally:
        words.close()
