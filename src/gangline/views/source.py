"""Where the items of a map come from, and how many of them make a good chunk."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Protocol

from gangline.views.partition import is_array

__all__ = ["Pace", "Sliced", "Source", "Streamed", "source_of"]

_TARGET_S = 0.004
"""How long a chunk should run: long against the cost of sending it, and short enough to be sent ahead of its turn."""
_GROWTH = 16
"""A chunk is at most so many times as large as the largest one that has been measured."""
_FORGETTING = 0.9
"""Weight of what was measured before, against each new chunk."""

Arguments = tuple[Sequence[Any], ...]
"""A part of each sequence, all of one length."""


class Source(Protocol):
    """Items that are taken off from the front."""

    blocking: bool
    """Whether taking items runs the user's own code, which may block."""

    @property
    def left(self) -> int | None:
        """How many there are still; None if that is not known."""

    def take(self, count: int) -> tuple[Arguments, int]:
        """The next items, and how many they are: fewer than asked for only at the end."""


class Sliced:
    """Sequences of known length. The shortest one counts."""

    blocking = False

    def __init__(self, sequences: Sequence[Any]) -> None:
        self._sequences = sequences
        self._next = 0
        self.total = min(map(len, sequences))

    @property
    def left(self) -> int:
        """How many there are still."""
        return self.total - self._next

    def take(self, count: int) -> tuple[Arguments, int]:
        """The next items."""
        begin, end = self._next, min(self._next + count, self.total)
        self._next = end
        if end - begin == 1:
            # A tuple of one small thing travels fastest.
            return tuple([(sequence[begin],) for sequence in self._sequences]), 1
        return tuple([sequence[begin:end] for sequence in self._sequences]), end - begin

    def rewind(self) -> None:
        """All over again."""
        self._next = 0

    def keep(self) -> None:
        """Make sure that what the caller does to the sequences from now on does not change the items."""
        self._sequences = [each.copy() if hasattr(each, "copy") else each for each in self._sequences]


class Streamed:
    """Iterators, read no further than they have to be. The shortest one counts."""

    blocking = True
    left: int | None = None

    def __init__(self, iterables: Sequence[Iterable[Any]]) -> None:
        self._width = len(iterables)
        self._error: BaseException | None = None
        self._items: Iterator[Any] = iter(iterables[0]) if self._width == 1 else zip(*iterables, strict=False)

    def take(self, count: int) -> tuple[Arguments, int]:
        """The next items; runs the user's code. Those in front of an error are given first, the error then."""
        items: list[Any] = []
        try:
            if self._error is not None:
                raise self._error
            items.extend(islice(self._items, count))
        except BaseException as error:
            if not items:
                self.left = 0
                raise
            self._error = error
        else:
            if len(items) < count:
                self.left = 0
        if self._width == 1:
            return (items,), len(items)
        columns: Arguments = tuple(zip(*items, strict=True)) if items else ((),) * self._width
        return columns, len(items)


def source_of(sequences: Sequence[Iterable[Any]]) -> Sliced | Streamed:
    """The items of these sequences, taken together one by one.

    Raises:
        TypeError: One of them is not iterable.
    """
    sliceable = [_sliceable(each) for each in sequences]
    if any(each is None for each in sliceable):
        return Streamed(sequences)
    return Sliced(sliceable)


def _sliceable(sequence: Any) -> Any:
    if isinstance(sequence, list | tuple | range | str | bytes | bytearray | array) or is_array(sequence):
        return sequence
    items = iter(sequence)  # raises TypeError here and now, not on another thread
    return list(items) if isinstance(sequence, Sized) else None


class Pace:
    """How many items make a chunk of the right length, by what has been measured."""

    def __init__(self) -> None:
        self._items = 0.0
        self._seconds = 0.0
        self._largest = 1

    @property
    def item_s(self) -> float | None:
        """Seconds for an item; None as long as nothing has been measured."""
        return self._seconds / self._items if self._items else None

    def record(self, items: int, seconds: float) -> None:
        """A chunk of so many items ran so long."""
        self._items = self._items * _FORGETTING + items
        self._seconds = self._seconds * _FORGETTING + max(seconds, 1e-9)
        self._largest = max(self._largest, items)

    def next_size(self, left: int | None, engines: int) -> int:
        """Items for the next chunk: never so many that an engine would be the last one at work for long."""
        item_s = self.item_s
        if item_s is None:
            return 1
        size = min(int(_TARGET_S / item_s), _GROWTH * self._largest)
        if left is not None:
            size = min(size, left // (2 * engines))
        return max(1, size)
