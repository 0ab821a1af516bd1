"""How the chunks of a map get to the engines."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from gangline._engine.chunks import MapChunk
from gangline._runtime.handle import Handle
from gangline._runtime.session import Session
from gangline.errors import Unpicklable
from gangline.messages import Terms

__all__ = ["OnSubmit", "Sender"]

_COUNTED_FOR_S = 0.05
"""How long the number of engines is believed before they are counted again."""

OnSubmit = Callable[[Sequence[Handle]], None]
"""Told of tasks that were submitted, on any thread."""


class Sender:
    """Submits chunks of one map.

    Args:
        session: Where to.
        call: What is called with each chunk.
        terms: The terms of the map.
        on_submit: Told of each chunk that is submitted.
    """

    def __init__(self, session: Session, call: MapChunk, terms: Terms, on_submit: OnSubmit | None) -> None:
        self._session = session
        self._call = call
        self._targets = terms.targets
        self._on_submit = on_submit
        self._width = 0
        self._counted_at = 0.0

    def width(self) -> int:
        """How many engines may run the chunks; at least 1."""
        now = time.monotonic()
        if now - self._counted_at > _COUNTED_FOR_S:
            engines, targets = self._session.engines, self._targets
            count = len(engines) if targets is None else len(targets & engines.keys())
            self._width, self._counted_at = max(1, count), now
        return self._width

    def send(self, arguments: tuple[Sequence[Any], ...], terms: Terms, expected_s: float | None) -> Handle:
        """Submit a chunk.

        Raises:
            Unpicklable: An item of it cannot travel.
            SessionClosed: There is no way to send it.
        """
        call = self._call
        return self._session.submit(call, arguments, {}, terms, name=call.__name__, expected_s=expected_s)

    def announce(self, handle: Handle) -> None:
        """Tell of a chunk that was submitted."""
        if self._on_submit is not None:
            self._on_submit((handle,))

    def check_function(self) -> None:
        """Make sure that the function can travel.

        Raises:
            Unpicklable: It cannot.
            SessionClosed: There is no way to send it.
        """
        self._session.check_usable()
        try:
            self._session.backend.prepare(self._call, (), {})
        except Unpicklable as error:
            raise self.in_words(error, ()) from error

    def in_words(self, error: Unpicklable, arguments: tuple[Sequence[Any], ...]) -> Unpicklable:
        """What cannot travel, in terms of the user's function and not of what is wrapped around it."""
        try:
            self._session.backend.prepare(self._call.func, tuple([each[0] for each in arguments]), {})
        except Unpicklable as better:
            return better
        return error
