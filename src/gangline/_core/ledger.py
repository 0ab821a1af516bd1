"""How every task of the past ended, in five bytes each, so that a dependency on one of long ago can be answered."""

from __future__ import annotations

from array import array
from enum import IntEnum

from gangline.messages import EngineId, TaskId


class Ending(IntEnum):
    """How a task ended. UNKNOWN: it has not, or there is no such task."""

    UNKNOWN = 0
    SUCCESS = 1
    FAILURE = 2


_ENDINGS = tuple(Ending)
_GROWTH = 4096
_NOWHERE = -1


class Ledger:
    """Task id → how it ended and on which engine. Ids are counted from 0 without large gaps, so arrays will do."""

    __slots__ = ("_endings", "_engines")

    def __init__(self) -> None:
        self._endings = bytearray()
        self._engines = array("i")

    def close(self, task: TaskId, ending: Ending, engine: EngineId | None) -> None:
        """Enter how a task ended; `engine` is None if it never ran."""
        if task >= len(self._endings):
            growth = task - len(self._endings) + _GROWTH
            self._endings.extend(bytes(growth))
            self._engines.extend([_NOWHERE] * growth)
        self._endings[task] = ending
        if engine is not None:
            self._engines[task] = engine

    def ending(self, task: TaskId) -> Ending:
        """How it ended."""
        return _ENDINGS[self._endings[task]] if 0 <= task < len(self._endings) else Ending.UNKNOWN

    def place(self, task: TaskId) -> EngineId | None:
        """The engine that it ended on, if it ran at all."""
        engine = self._engines[task] if 0 <= task < len(self._engines) else _NOWHERE
        return None if engine == _NOWHERE else EngineId(engine)
