"""How a sequence is dealt out to engines and put together again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

from gangline.errors import UsageError

__all__ = ["Map", "RoundRobinMap", "dealer", "dists", "is_array", "mappable"]


def is_array(value: Any) -> bool:
    """Whether it is a NumPy array. NumPy is not imported for the question."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def mappable(value: Any) -> bool:
    """Whether it is a list, a tuple or an array."""
    return isinstance(value, list | tuple) or is_array(value)


class Map:
    """Contiguous parts, in order; their sizes differ by one at most, the larger ones first."""

    contiguous = True

    def getPartition(self, seq: Any, p: int, q: int, n: int | None = None) -> Any:
        """Part `p` of `q` of a sequence.

        Args:
            seq: The sequence; what cannot be sliced is read through.
            p: Which part, from 0.
            q: How many parts.
            n: The sequence's length, where it should not be asked.

        Raises:
            UsageError: There is no such part.
        """
        n = len(seq) if n is None else n
        if not 0 <= p < q:
            raise UsageError(f"there is no part {p} of {q}")
        size, larger = divmod(n, q)
        low = p * size + min(p, larger)
        high = low + size + (p < larger)
        try:
            return seq[low:high]
        except TypeError:
            return list(islice(seq, low, high))

    def joinPartitions(self, listOfPartitions: Sequence[Any]) -> Any:
        """The parts as one: arrays as an array, lists and tuples as a list, anything else as it is."""
        return self.concatenate(listOfPartitions)

    def concatenate(self, listOfPartitions: Sequence[Any]) -> Any:
        """One after another."""
        parts = listOfPartitions
        first = parts[0]
        if is_array(first):
            return sys.modules["numpy"].concatenate(parts)
        if isinstance(first, list | tuple):
            return list(chain.from_iterable(parts))
        return parts


class RoundRobinMap(Map):
    """Like dealing cards: part `p` has the items `p`, `p + q`, `p + 2q` and so on."""

    contiguous = False

    def getPartition(self, seq: Any, p: int, q: int, n: int | None = None) -> Any:
        """Part `p` of `q` of a sequence."""
        n = len(seq) if n is None else n
        if not 0 <= p < q:
            raise UsageError(f"there is no part {p} of {q}")
        try:
            return seq[p:n:q]
        except TypeError:
            return list(islice(seq, p, n, q))

    def joinPartitions(self, listOfPartitions: Sequence[Any]) -> Any:
        """The parts as one, the items in their first order."""
        parts = listOfPartitions
        first = parts[0]
        if is_array(first):
            return self._interleave_arrays(parts)
        if isinstance(first, list | tuple):
            return [part[i] for i in range(len(first)) for part in parts if len(part) > i]
        return parts

    @staticmethod
    def _interleave_arrays(parts: Sequence[Any]) -> Any:
        numpy: Any = sys.modules["numpy"]
        rows = sum(len(part) for part in parts)
        joined = numpy.empty((rows, *parts[0].shape[1:]), dtype=numpy.result_type(*parts))
        for p, part in enumerate(parts):
            joined[p :: len(parts)] = part
        return joined


dists: dict[str, type[Map]] = {"b": Map, "r": RoundRobinMap}
"""The ways by their short names: ``b`` for blocks, ``r`` for round robin."""


def dealer(dist: str) -> Map:
    """The way of this short name.

    Raises:
        UsageError: There is none.
    """
    if dist not in dists:
        raise UsageError(f"dist must be one of {', '.join(map(repr, dists))}, not {dist!r}")
    return dists[dist]()
