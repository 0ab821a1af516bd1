"""The names under which a history keeps its files: relative to the history's own folder.

So a folder can be moved with its history, and it does not matter from where the pipeline is started. Names that are
no text, since their bytes are not UTF-8, have these bytes written out.
"""

from __future__ import annotations

import os.path

__all__ = ["Keys"]

_NO_NAMES = frozenset(("", ".", ".."))


class Keys:
    """Makes the key of a file, quickly for many files in few folders.

    Symbolic links are names of their own: nothing here looks at the file system.

    Args:
        base: The history's folder, absolute.
        directory: Where relative names start, absolute.
    """

    def __init__(self, base: str, directory: str) -> None:
        self._base = base
        self._directory = directory
        self._prefixes: dict[str, str] = {}

    def of(self, path: str) -> str:
        """The key of a file."""
        if not path.isascii():
            path = _as_text(path)
        cut = path.rfind("/") + 1
        folder, name = path[:cut], path[cut:]
        prefix = self._prefixes.get(folder)
        if prefix is None:
            relative = self._relative(folder)
            prefix = self._prefixes[folder] = "" if relative == "." else f"{relative}/"
        if name in _NO_NAMES:
            return self._relative(path)
        return prefix + name

    def _relative(self, path: str) -> str:
        return os.path.relpath(os.path.join(self._directory, path), self._base)


def _as_text(path: str) -> str:
    try:
        path.encode()
    except UnicodeEncodeError:
        return path.encode("utf-8", "backslashreplace").decode()
    return path
