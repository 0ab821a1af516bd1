"""The functions that an engine has been sent, by number."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from gangline._engine import serialize

__all__ = ["IN_BODY", "SYS_PATH", "FunctionTable"]

IN_BODY = -1
"""In place of a function's number: the function travels with its arguments."""
SYS_PATH = -2
"""In place of a function's number: not a function but the client's `sys.path`."""


class FunctionTable:
    """Definitions arrive pickled and wait.

    A function is made when it is first called, so that a failing import fails that task alone.

    Attributes:
        ready: The functions made so far.
    """

    def __init__(self) -> None:
        self.ready: dict[int, Callable[..., Any]] = {}
        self._pickled: dict[int, bytes] = {}

    def update(self, definitions: Iterable[tuple[int, bytes]], forgotten: Iterable[int]) -> None:
        """Take in new definitions and drop those that are not needed any more."""
        for number, data in definitions:
            if number == SYS_PATH:
                sys.path[:] = serialize.loads(data)
            else:
                self._pickled[number] = data
        for number in forgotten:
            self._pickled.pop(number, None)
            self.ready.pop(number, None)

    def __contains__(self, number: int) -> bool:
        return number in self._pickled or number == IN_BODY

    def get(self, number: int) -> Callable[..., Any]:
        """The function.

        Raises:
            Exception: whatever goes wrong when its module is imported or it is rebuilt.
        """
        function = self.ready.get(number)
        if function is None:
            try:
                function = self.ready[number] = serialize.loads(self._pickled[number])
            except (ImportError, AttributeError) as exc:
                exc.add_note("The engine could not import the task's function: is its module on the engine's sys.path?")
                raise
        return function
