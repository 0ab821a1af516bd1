"""Neighbours in a sequence, for programs that import this from Ruffus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

__all__ = ["adjacent_pairs_iterate"]

Item = TypeVar("Item")


def adjacent_pairs_iterate(array: Sequence[Item], reverse: bool = False) -> Iterator[tuple[Item, Item]]:
    """Each item with the next one; backwards, each with the one before it.

    Example:
        >>> list(adjacent_pairs_iterate("abc", reverse=True))
        [('c', 'b'), ('b', 'a')]
    """
    return pairwise(reversed(array) if reverse else array)
