"""Whether the code that an engine has loaded is still what stands in the files."""

from __future__ import annotations

import os
import sys
import time

__all__ = ["CodeWatch"]

_LOOK_EVERY_S = 0.5


class CodeWatch:
    """Watches the modules that lie beside the classes of jobs, where users work on them.

    Packages that are installed are not watched: who installs something anew restarts the workers.
    """

    def __init__(self) -> None:
        self._folders: set[str] = set()
        self._seen: dict[str, int] = {}
        self._known = 0
        self._next_look = 0.0

    def note(self, kind: type) -> None:
        """A class was loaded."""
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        if file is None or "site-packages" in file:
            return
        depth = kind.__module__.count(".")
        folder = os.path.dirname(os.path.abspath(file))
        for _ in range(depth):
            folder = os.path.dirname(folder)
        if folder not in self._folders:
            self._folders.add(folder)
            self._known = 0
        if len(sys.modules) != self._known:
            self._known = len(sys.modules)
            self._take_in()

    def is_stale(self) -> bool:
        """Whether a file has changed since it was loaded."""
        now = time.monotonic()
        if not self._seen or now < self._next_look:
            return False
        self._next_look = now + _LOOK_EVERY_S
        return any(_changed_at(file) != at for file, at in self._seen.items())

    def _take_in(self) -> None:
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and file not in self._seen and self._is_watched(file):
                self._seen[file] = _changed_at(file)

    def _is_watched(self, file: str) -> bool:
        return "site-packages" not in file and any(file.startswith(f"{folder}{os.sep}") for folder in self._folders)


def _changed_at(file: str) -> int:
    try:
        return os.stat(file).st_mtime_ns
    except OSError:
        return 0
