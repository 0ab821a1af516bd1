"""A little memory shared by a client and one engine process, which outlives the engine.

It says what the engine is doing, and keeps the results that are finished but not yet sent. So when an engine dies,
nothing is lost but the one task that was running.
"""

from __future__ import annotations

import marshal
import mmap
from typing import Any

__all__ = ["CELL_BYTES", "JOURNAL_END", "NO_TASK", "PACKET", "TASK", "WANTED", "Cell"]

TASK, PACKET, WANTED, JOURNAL_END = range(4)
"""What the words hold: the task that runs, its packet, the task to interrupt, the length of the journal."""

NO_TASK = -1
_WORDS_BYTES = 64
_JOURNAL_BYTES = 64 * 1024
CELL_BYTES = _WORDS_BYTES + _JOURNAL_BYTES


class Cell:
    """The words and the journal.

    Args:
        descriptor: The shared memory; may be closed afterwards.

    Attributes:
        words: See `TASK` and the others.
    """

    def __init__(self, descriptor: int) -> None:
        memory = memoryview(mmap.mmap(descriptor, CELL_BYTES))
        self.words = memory[:_WORDS_BYTES].cast("q")
        self._journal = memory[_WORDS_BYTES:]

    def note(self, row: bytes) -> bool:
        """Keep a marshalled row until it is sent; False when there is no room."""
        start = self.words[JOURNAL_END]
        end = start + len(row)
        if end > _JOURNAL_BYTES:
            return False
        self._journal[start:end] = row
        self.words[JOURNAL_END] = end  # last, so that a row is there as a whole or not at all
        return True

    def forget_notes(self) -> None:
        """The rows are sent."""
        self.words[JOURNAL_END] = 0

    def notes(self) -> list[tuple[Any, ...]]:
        """The rows that were kept, some of which may have been sent as well."""
        rest = self._journal[: self.words[JOURNAL_END]]
        rows = []
        while rest:
            row = marshal.loads(rest)
            rows.append(row)
            rest = rest[len(marshal.dumps(row, 2)) :]
        return rows
