"""Imports that happen here and on the engines at once."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, TracebackType
from typing import Any

from gangline.views.asyncresult import AsyncResult

__all__ = ["SyncImports"]


class SyncImports:
    """A context whose ``import`` statements are repeated on the engines. Imports that these cause in turn are not.

    Args:
        send: Has the engines import a module, or names from it.
        quiet: Whether to say nothing.
    """

    def __init__(self, send: Callable[[str, Sequence[str]], AsyncResult], *, quiet: bool) -> None:
        self._send = send
        self._quiet = quiet
        self._results: list[AsyncResult] = []
        self._sent: set[tuple[str, tuple[str, ...]]] = set()
        self._frame: FrameType | None = None
        self._import = builtins.__import__

    def __enter__(self) -> None:
        self._frame = sys._getframe(1)
        self._import = builtins.__import__
        builtins.__import__ = self._import_everywhere

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        builtins.__import__ = self._import
        self._frame = None
        if error is None:
            for result in self._results:
                result.get()

    def _import_everywhere(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        module = self._import(name, globals, locals, fromlist or (), level)
        names = tuple(fromlist or ())
        if sys._getframe(1) is not self._frame or level or (name, names) in self._sent:
            return module
        self._sent.add((name, names))
        if not self._quiet:
            what = f"{','.join(names)} from {name}" if names else name
            print(f"importing {what} on engine(s)")  # noqa: T201  the user asked for it
        self._results.append(self._send(name, names))
        return module
