"""Where commands wait for each other, so that they start together or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from gangline.errors import UsageError

__all__ = ["Gate"]


class Gate:
    """Opens when all have arrived, and stays open. A broken gate lets nobody through.

    Args:
        parties: How many are awaited.

    Raises:
        UsageError: That is less than one.
    """

    def __init__(self, parties: int) -> None:
        if parties < 1:
            raise UsageError(f"a gate needs 1 party or more, not {parties}")
        self._parties = parties
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, tuple[Callable[[], None], Callable[[str], None]]] = {}
        self._open = False
        self._broken: str | None = None

    def arrive(self, who: Hashable, start: Callable[[], None], refuse: Callable[[str], None]) -> None:
        """Wait for the others.

        Args:
            who: The one who waits.
            start: Called when all are there; by the last who arrives.
            refuse: Called instead, with the reason, when the gate is broken.
        """
        starting: list[Callable[[], None]] = []
        with self._lock:
            broken = self._broken
            if broken is None:
                self._waiting[who] = (start, refuse)
                if self._open or len(self._waiting) == self._parties:
                    self._open = True
                    starting = [each for each, _ in self._waiting.values()]
                    self._waiting.clear()
        if broken is not None:
            refuse(broken)
        for each in starting:
            each()

    def depart(self, who: Hashable) -> bool:
        """Wait no more; whether it did."""
        with self._lock:
            return self._waiting.pop(who, None) is not None

    def break_(self, reason: str = "another of those that were to start together has failed") -> None:
        """Let nobody through any more: those who wait are refused."""
        with self._lock:
            if self._broken is None:
                self._broken = reason
            refusing = [refuse for _, refuse in self._waiting.values()]
            self._waiting.clear()
        for each in refusing:
            each(reason)
