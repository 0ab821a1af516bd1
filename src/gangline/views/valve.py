"""When a map sends its next chunk, and how large it is."""

from __future__ import annotations

from gangline.views.sender import Sender
from gangline.views.source import Pace, Source

__all__ = ["Valve"]

_DEPTH = 3
"""Chunks that are under way for each engine: one runs, one waits behind it, one is on its way back."""
_QUICK_S = 0.01
"""Of items that take longer than this, a lazy map has no more than one for each engine under way."""


class Valve:
    """Keeps engines busy without running far ahead of them, or of whoever takes the results.

    Args:
        source: The items.
        sender: Knows how many engines there are.
        pace: Knows how long items take.
        size: Items in a chunk; None: as measured.
        limit: Chunks under way at a time; None: as many as keep the engines busy; 0: no limit.
        window: Items that may be ahead of the results that were taken, to begin with; more when many are being taken.
            None: any number.
    """

    def __init__(
        self, source: Source, sender: Sender, pace: Pace, size: int | None, limit: int | None, window: int | None
    ) -> None:
        self._source = source
        self._sender = sender
        self._pace = pace
        self._size = size
        self._limit = limit
        self._window = window

    def is_open(self, in_flight: int, ahead: int, delivered: int) -> bool:
        """Whether another chunk may be sent.

        Args:
            in_flight: Chunks under way.
            ahead: Items sent whose results have not been taken.
            delivered: Items whose results have been taken.
        """
        limit = self._limit
        if limit is None:
            item_s = self._pace.item_s
            calm = self._window is not None and (item_s is None or item_s > _QUICK_S)
            limit = self._sender.width() * (1 if calm else _DEPTH)
        if limit and in_flight >= limit:
            return False
        return self._room(self._measured_size(), ahead, delivered) > 0

    def next_size(self, ahead: int, delivered: int) -> int:
        """How many items the next chunk takes."""
        size = self._measured_size()
        return max(1, min(size, self._room(size, ahead, delivered)))

    def _measured_size(self) -> int:
        return self._size or self._pace.next_size(self._source.left, self._sender.width())

    def _room(self, size: int, ahead: int, delivered: int) -> int:
        """How many items may be sent, in chunks of this size."""
        if self._window is None:
            return size
        useful = _DEPTH * (self._sender.width() + 1) * size
        return max(self._window, min(delivered, useful)) - ahead
