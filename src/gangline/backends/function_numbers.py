"""Sets and lists of function numbers that hold no Python object per number.

A number is an object of 32 bytes; a hundred thousand of them, made while much else was, keep as many pages of memory
from going back to the system. Numbers are counted from 0, so a byte each will do; a number below 0 is never in.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

__all__ = ["NumberList", "NumberSet"]


class NumberSet:
    """Which numbers are in, one byte each."""

    __slots__ = ("_flags",)

    def __init__(self) -> None:
        self._flags = bytearray()

    def __contains__(self, number: int) -> bool:
        return 0 <= number < len(self._flags) and self._flags[number] == 1

    def __iter__(self) -> Iterator[int]:
        return (number for number, flag in enumerate(self._flags) if flag)

    def __len__(self) -> int:
        return self._flags.count(1)

    def add(self, number: int) -> None:
        """Put a number in."""
        if number >= len(self._flags):
            self._flags.extend(bytes(number + 1 - len(self._flags)))
        self._flags[number] = 1

    def discard(self, number: int) -> None:
        """Take a number out, if it is in."""
        if 0 <= number < len(self._flags):
            self._flags[number] = 0


class NumberList:
    """Numbers that gather until they are taken. `append` may be called at any moment, also by the collector."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers = array("q")

    def __len__(self) -> int:
        return len(self._numbers)

    def append(self, number: int) -> None:
        """Add a number."""
        self._numbers.append(number)

    def take(self) -> list[int]:
        """Take out what is there; what is appended meanwhile stays."""
        count = len(self._numbers)
        numbers = self._numbers[:count].tolist()
        del self._numbers[:count]
        return numbers
