"""Maps: over load-balanced engines with chunks of a measured size, lazily, or in one part per chosen engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from gangline._engine.chunks import MapChunk
from gangline._runtime.session import Call, Session
from gangline.errors import Unpicklable, UsageError
from gangline.messages import Terms, replace
from gangline.views.chunk import Chunk
from gangline.views.feed import Feed
from gangline.views.ids import SessionOwner
from gangline.views.mapresult import AsyncMapResult, LazyMapIterator
from gangline.views.sender import OnSubmit
from gangline.views.source import Sliced, source_of

__all__ = ["balanced_map", "lazy_map", "name_of", "pinned_map"]

_FEW = 128
"""So many items are each a task of their own: nothing is gained by chunks."""
_WINDOW = 64
"""Items that a lazy map is ahead of whoever takes its results, to begin with."""

_ENDLESS = 1 << 62


def balanced_map(
    client: SessionOwner,
    function: Callable[..., Any],
    sequences: Sequence[Iterable[Any]],
    terms: Terms,
    *,
    chunksize: int | None = None,
    ordered: bool = True,
    return_exceptions: bool = False,
    fname: str | None = None,
    on_submit: OnSubmit | None = None,
) -> AsyncMapResult:
    """The results of calling a function on each item, wherever an engine is free.

    Args:
        client: Whose session it is submitted to.
        function: Called with one item of each sequence.
        sequences: The shortest one counts. Iterators are read as the work goes on.
        terms: For each task.
        chunksize: Items in a task; None: so many that a task takes some milliseconds, as measured.
        ordered: Iterate over the results in the order of the items; else as they come.
        return_exceptions: Deliver failures in place of results instead of raising them.
        fname: The function's name.
        on_submit: Told of the tasks as they are submitted, on any thread.

    Raises:
        UsageError: There are no sequences, or the chunk size is not a positive number.
        Unpicklable: The function cannot travel.
    """
    call, sequences = _checked(function, sequences, fname)
    if chunksize is not None and chunksize < 1:
        raise UsageError(f"chunksize must be 1 or more, not {chunksize!r}")
    session = client._session
    source = source_of(sequences)
    if chunksize is None and (terms.prompt or terms.retries or (source.left is not None and source.left <= _FEW)):
        chunksize = 1
    feed = None
    if chunksize is not None and isinstance(source, Sliced):
        watched = chunksize > 1 or not ordered
        feed = _submit_all(session, call, source, terms, chunksize, watched, on_submit)
    if feed is None:
        limit = 0 if chunksize is not None and not source.blocking else None
        feed = Feed(session, call, terms, source, size=chunksize, limit=limit, on_submit=on_submit)
        feed.start()
    return AsyncMapResult(client, fname=call.__name__, ordered=ordered, return_exceptions=return_exceptions, feed=feed)


def lazy_map(
    client: SessionOwner,
    function: Callable[..., Any],
    sequences: Sequence[Iterable[Any]],
    terms: Terms,
    *,
    ordered: bool = True,
    max_outstanding: int | Literal["auto"] = "auto",
    return_exceptions: bool = False,
    fname: str | None = None,
    on_submit: OnSubmit | None = None,
) -> LazyMapIterator:
    """An iterator over the results that reads the sequences as it goes, so that they may be infinite.

    Args:
        client: Whose session it is submitted to.
        function: Called with one item of each sequence.
        sequences: The shortest one counts.
        terms: For each task.
        ordered: In the order of the items; else as they come.
        max_outstanding: Items that have been submitted and have not ended; ``auto``: as many as keep the engines busy;
            0: read the sequences to their end as fast as possible.
        return_exceptions: Deliver failures in place of results instead of raising them.
        fname: The function's name.
        on_submit: Told of the tasks as they are submitted, on any thread.

    Raises:
        UsageError: There are no sequences, or the number is negative.
        Unpicklable: The function cannot travel.
    """
    call, sequences = _checked(function, sequences, fname)
    automatic = max_outstanding == "auto"
    limit = None if automatic else int(max_outstanding)
    if limit is not None and limit < 0:
        raise UsageError(f"max_outstanding must be 0 or more, not {limit}")
    window = _WINDOW if limit is None else max(_WINDOW, 8 * limit) if limit else _ENDLESS
    size = None if automatic and not terms.prompt and not terms.retries else 1
    source = source_of([iter(each) for each in sequences])
    feed = Feed(client._session, call, terms, source, size=size, limit=limit, window=window, on_submit=on_submit)
    feed.start()
    return LazyMapIterator(feed, ordered, return_exceptions, call.__name__)


def pinned_map(
    client: SessionOwner,
    function: Callable[..., Any],
    sequences: Sequence[Iterable[Any]],
    terms_per_target: Sequence[Terms],
    *,
    ordered: bool = True,
    return_exceptions: bool = False,
    fname: str | None = None,
    on_submit: OnSubmit | None = None,
) -> AsyncMapResult:
    """The results of calling a function on each item, with one contiguous part for each of the chosen engines.

    Args:
        client: Whose session it is submitted to.
        function: Called with one item of each sequence.
        sequences: The shortest one counts. Iterators are read to their end at once.
        terms_per_target: The terms of each part.
        ordered: Iterate over the results in the order of the items; else as they come.
        return_exceptions: Deliver failures in place of results instead of raising them.
        fname: The function's name.
        on_submit: Told of the tasks that were submitted.

    Raises:
        UsageError: There are no sequences.
        Unpicklable: The function or a part of the items cannot travel.
    """
    call, sequences = _checked(function, sequences, fname, movable=False)
    source = source_of([each if hasattr(each, "__len__") else list(each) for each in sequences])
    assert isinstance(source, Sliced)
    session = client._session
    size, larger = divmod(source.total, len(terms_per_target))
    chunks = []
    for index, terms in enumerate(terms_per_target):
        arguments, count = source.take(size + (index < larger))
        if count:
            handle = session.submit(call, arguments, {}, terms, name=call.__name__)
            chunks.append(Chunk(arguments, count, handle=handle))
    if on_submit is not None:
        on_submit([chunk.handle for chunk in chunks if chunk.handle is not None])
    feed = Feed(session, chunks=chunks, watched=not ordered)
    return AsyncMapResult(client, fname=call.__name__, ordered=ordered, return_exceptions=return_exceptions, feed=feed)


def _submit_all(
    session: Session,
    call: MapChunk,
    source: Sliced,
    terms: Terms,
    size: int,
    watched: bool,
    on_submit: OnSubmit | None,
) -> Feed | None:
    """Submit all chunks at once; None if an item cannot travel, and nothing was submitted."""
    chunks = []
    while source.left:
        arguments, count = source.take(size)
        chunks.append(Chunk(arguments, count))
    chunk_terms = terms if size == 1 or not terms.retries else replace(terms, retries=0)
    try:
        calls: list[Call] = [(call, chunk.arguments, {}) for chunk in chunks]
        handles = session.submit_many(calls, chunk_terms) if calls else []
    except Unpicklable:
        source.rewind()
        return None
    for chunk, handle in zip(chunks, handles, strict=True):
        chunk.handle = handle
        chunk.watched = watched
    if on_submit is not None and handles:
        on_submit(handles)
    return Feed(session, call, terms, chunks=chunks, watched=watched)


def _checked(
    function: Callable[..., Any], sequences: Sequence[Iterable[Any]], fname: str | None, *, movable: bool = True
) -> tuple[MapChunk, Sequence[Iterable[Any]]]:
    if not callable(function):
        raise TypeError(f"a function is needed to map, not {function!r}")
    if not sequences:
        raise UsageError("map() needs at least one sequence")
    return MapChunk(function, fname or name_of(function), movable=movable), sequences


def name_of(function: Any) -> str:
    """What a function is called, for people."""
    name = getattr(function, "__name__", None) or getattr(function, "name", None)
    return name if isinstance(name, str) else str(function)
