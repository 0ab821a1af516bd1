"""Some items of a map that went out together as one task."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from gangline._engine.chunks import ChunkResult
from gangline._runtime.handle import Handle
from gangline.errors import EngineError, ImpossibleDependency
from gangline.messages import Terms, replace
from gangline.views.error import TaskAborted, as_exception, partial_errors
from gangline.views.tasks import outcome

__all__ = ["Chunk", "to_run_again"]

_lock = threading.Lock()


class Chunk:
    """Some items of a map.

    Attributes:
        arguments: The items; given up once they have ended.
        size: How many they are.
        parent: The chunk that this one is a piece of.
        handle: The task; None if it could not be submitted.
        error: Why it was not submitted.
        watched: `finished` is set when they have ended; else the task's own status says so.
        finished: Whether they have ended, with all their pieces.
        pieces: Items that were submitted again by themselves, by position.
    """

    __slots__ = ("_open_pieces", "arguments", "error", "finished", "handle", "parent", "pieces", "size", "watched")

    def __init__(
        self,
        arguments: tuple[Sequence[Any], ...],
        size: int,
        parent: Chunk | None = None,
        handle: Handle | None = None,
    ) -> None:
        self.arguments = arguments
        self.size = size
        self.parent = parent
        self.handle = handle
        self.error: BaseException | None = None
        self.watched = handle is None
        self.finished = False
        self.pieces: list[tuple[int, Chunk]] | None = None
        self._open_pieces = 0

    @property
    def done(self) -> bool:
        """Whether all items have ended."""
        return self.finished if self.watched or self.handle is None else self.handle.status is not None

    def handles(self) -> Iterator[Handle]:
        """The task, and those of the pieces."""
        if self.handle is not None:
            yield self.handle
        for _, piece in self.pieces or ():
            yield from piece.handles()

    def slice(self, begin: int, end: int) -> tuple[Sequence[Any], ...]:
        """Some of the items."""
        return tuple(each[begin:end] for each in self.arguments)

    def add_pieces(self, pieces: Sequence[tuple[int, Chunk]]) -> None:
        """These items are submitted again by themselves."""
        with _lock:
            self.pieces = [*(self.pieces or ()), *pieces]
            self._open_pieces += len(pieces)

    def piece_finished(self) -> bool:
        """One of the pieces has ended: whether it was the last."""
        with _lock:
            self._open_pieces -= 1
            return self._open_pieces == 0

    def results(self) -> tuple[list[Any], dict[int, BaseException]]:
        """The results by position, None where there is none, and the failures by position; all items have ended."""
        values, errors = self._own_results()
        for begin, piece in self.pieces or ():
            again, failed = piece.results()
            values[begin : begin + piece.size] = again
            for index in range(piece.size):
                errors.pop(begin + index, None)
            errors.update((begin + index, error) for index, error in failed.items())
        return values, errors

    def _own_results(self) -> tuple[list[Any], dict[int, BaseException]]:
        handle = self.handle
        if handle is None or handle.status != "ok":
            error = self.error if handle is None else as_exception(handle)
            assert error is not None or self.pieces is not None
            return [None] * self.size, {} if error is None else dict.fromkeys(range(self.size), error)
        value = handle.value
        if type(value) is not ChunkResult:
            _, value = outcome(handle, "apply")
            return value if isinstance(value, list) else [value], {}
        if not value.whole:
            values = [*value.values, *[None] * value.left]
            errors: dict[int, BaseException] = dict(partial_errors(handle))
            left = range(len(value.values), self.size)
            return values, errors | dict.fromkeys(left, TaskAborted("its engine refused another item of its chunk"))
        return value.values, {}


def to_run_again(size: int, handle: Handle, terms: Terms) -> list[tuple[int, int, Terms]]:
    """Which items of a chunk whose task has ended deserve to be submitted again: from, to, and under which terms.

    Args:
        size: How many items the chunk has.
        handle: Its task.
        terms: Those of the map.
    """
    retries = terms.retries
    fewer = replace(terms, retries=retries - 1) if retries else terms
    parts: list[tuple[int, int, Terms]] = []
    if type(handle.value) is ChunkResult:
        if retries:
            parts += [(index, index + 1, fewer) for index in handle.value.failures]
        if handle.value.left:
            parts.append((size - handle.value.left, size, terms))
    elif handle.failure is not None and handle.engine is not None:
        if isinstance(handle.failure.error, ImpossibleDependency):
            # The first item found no engine; the others have not been asked.
            parts += [(index, index + 1, terms) for index in range(size)]
        elif isinstance(handle.failure.error, EngineError) and retries:
            parts += [(index, index + 1, fewer) for index in range(size)]
    return parts
