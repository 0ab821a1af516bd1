"""What the file system says of files, asked once for each in one pass of planning."""

from __future__ import annotations

import os
from collections.abc import Iterable

__all__ = ["REMOVED", "Fact", "FileFacts"]

Fact = tuple[float, int]
"""Modification time in seconds since the epoch, and inode."""

REMOVED = -1
"""Stands for the inode of a file that was removed on purpose, and counts as being there."""


class FileFacts:
    """Remembers what was seen of files, until told to forget.

    One `stat` for each file is what it costs; listing folders instead was measured to be slower, since times need a
    `stat` each all the same. Symbolic links are followed.
    """

    def __init__(self) -> None:
        self._seen: dict[str, Fact | None] = {}

    def get(self, path: str) -> Fact | None:
        """What is known of a file; None when it does not exist, or cannot be reached."""
        if path not in self._seen:
            self._seen[path] = self._look(path)
        return self._seen[path]

    def _look(self, path: str) -> Fact | None:
        try:
            status = os.stat(path)
        except (OSError, ValueError):  # a name with a null character in it names no file
            return self._absent(path)
        return status.st_mtime, status.st_ino

    def _absent(self, path: str) -> Fact | None:
        """What is known of a file that is not there."""
        return None

    def same_file(self, first: str, second: str) -> bool:
        """Whether two names of existing files lead to the same one, over symbolic links; hard links are two files."""
        if first == second:
            return True
        one, other = self.get(first), self.get(second)
        if one is None or other is None or one[1] != other[1]:
            return False
        return os.path.realpath(first) == os.path.realpath(second)

    def forget(self, paths: Iterable[str]) -> None:
        """These files may have changed."""
        for path in paths:
            self._seen.pop(path, None)

    def forget_all(self) -> None:
        """Any file may have changed."""
        self._seen.clear()
