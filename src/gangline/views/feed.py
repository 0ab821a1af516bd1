"""Sends the items of a map to the engines, chunk by chunk, and knows what became of each.

Rules:
- Only one thread at a time takes items from the source and submits them: whoever holds `_pumping`. Items that come
  from the user's own iterator are taken by a thread of the feed's own; all others by whoever brings the news that a
  chunk is done. With the inline backend there is no thread but the user's, who takes items of an iterator by waiting.
- A chunk of several items runs without retries. Items of it that failed, or that nobody knows about because the engine
  died, are tried again one by one, as long as the terms allow it: an item that kills its engine takes no other one
  with it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, MutableSequence, Sequence
from functools import partial

from gangline._engine.chunks import MapChunk
from gangline._runtime.handle import Handle
from gangline._runtime.session import Session
from gangline.errors import GanglineError, Unpicklable
from gangline.messages import PLAIN, Terms, replace
from gangline.views.chunk import Chunk, to_run_again
from gangline.views.error import TaskAborted
from gangline.views.sender import OnSubmit, Sender
from gangline.views.source import Arguments, Pace, Sliced, Source
from gangline.views.tasks import take_back
from gangline.views.valve import Valve

__all__ = ["Feed"]


class Feed:
    """The chunks of one map.

    Args:
        session: Where they are submitted.
        call: What is called with each chunk.
        terms: The terms of each chunk.
        source: The items that have not been submitted; None if `chunks` are all.
        chunks: What has been submitted already.
        size: Items in a chunk; None: as measured.
        limit: Chunks under way at a time; None: as many as keep the engines busy; 0: no limit.
        window: Items that may have been submitted and not yet been delivered, to begin with; more when many are being
            taken. None: any number. With a number, chunks are forgotten when they have been delivered.
        watched: Whether to hear of the end of each chunk in `chunks`.
        on_submit: Told of each chunk that is submitted.
    """

    def __init__(
        self,
        session: Session,
        call: MapChunk | None = None,
        terms: Terms = PLAIN,
        source: Source | None = None,
        *,
        chunks: Sequence[Chunk] = (),
        size: int | None = None,
        limit: int | None = None,
        window: int | None = None,
        watched: bool = True,
        on_submit: OnSubmit | None = None,
    ) -> None:
        self.session = session
        self._sender = None if call is None else Sender(session, call, terms, on_submit)
        self._pace = Pace()
        self._valve: Valve | None = None
        if source is not None and self._sender is not None:
            self._valve = Valve(source, self._sender, self._pace, size, limit, window)
        self._terms = terms
        self._source = source
        self.watched = watched
        self.chunks: MutableSequence[Chunk] = list(chunks) if window is None else deque()
        self.ended: MutableSequence[Chunk] = [] if window is None else deque()
        self.open = source is not None
        self._stopped = False
        self.items_ended = 0
        self._items_submitted = sum(chunk.size for chunk in chunks)
        self._items_delivered = 0
        self._in_flight = len(chunks) if watched else 0
        self._unfinished = len(chunks)
        self._first_unended = 0
        self._changed = threading.Condition()
        self._drawn = source is not None and source.blocking and session.backend.name == "inline"
        self._drawing = threading.RLock()
        self._pumping = False
        self._pump_again = False
        self._callbacks: list[Callable[[], None]] = []
        if watched:
            for chunk in chunks:
                self._follow(chunk)

    # Starting and stopping -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Submit the first chunks.

        Raises:
            Unpicklable: The function cannot travel.
        """
        assert self._source is not None
        assert self._sender is not None
        if not self._source.blocking:
            self.pump()
            if self.open and isinstance(self._source, Sliced):
                self._source.keep()
            return
        self._sender.check_function()
        if not self._drawn:
            threading.Thread(target=self._pump_on, name="gangline-map", daemon=True).start()

    def stop(self) -> bool:
        """Take no more items, and take back the chunks that have not started.

        Returns:
            Whether nothing of it runs on.
        """
        self._stopped = True
        self._abandon(TaskAborted("the map was cancelled before this item was submitted"))
        taken = [take_back(handle) for handle in self.handles() if handle.status is None]
        return all(taken)

    def finish(self) -> None:
        """Take no more items; what has been submitted goes on."""
        if self.open:
            self._close()

    # What is known -------------------------------------------------------------------------------------------

    def is_done(self) -> bool:
        """Whether all items have ended."""
        if self.open:
            return False
        if self.watched:
            return self._unfinished == 0
        chunks, first = self.chunks, self._first_unended
        while first < len(chunks) and chunks[first].done:
            first += 1
        self._first_unended = first
        return first == len(chunks)

    def handles(self) -> Iterator[Handle]:
        """The tasks that have been submitted."""
        for chunk in list(self.chunks):
            yield from chunk.handles()

    @property
    def total(self) -> int | None:
        """How many items there are; None if that is not known."""
        left = self._source.left if self.open and self._source is not None else 0
        return None if left is None else self._items_submitted + left

    @property
    def progress(self) -> int:
        """How many items have ended."""
        return self.items_ended if self.watched else sum(chunk.size for chunk in self.chunks if chunk.done)

    def wait(self, condition: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait until a condition on chunks holds.

        Returns:
            Whether it does; False when the time was over first, or when it never will.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not condition():
            left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self.watched:
                return self.session.wait_for(condition, left_s)
            if self._drawn and self.open and left_s != 0 and self._has_room():
                self._draw(condition)
                continue
            if self._in_flight:
                self.session.wait_for(lambda: condition() or not self._in_flight, left_s)
            elif self.open or self._unfinished:  # more is to be submitted, or the end of the last is just being told
                with self._changed:
                    self._changed.wait_for(
                        lambda: condition() or self._in_flight or not (self.open or self._unfinished), left_s
                    )
            else:
                return condition()
            if left_s == 0:
                return condition()
        return True

    def _draw(self, condition: Callable[[], bool]) -> None:
        """Take the next items on this thread."""
        with self._drawing:
            if self.open and not condition():
                self._submit_next()

    def when_done(self, callback: Callable[[], None]) -> None:
        """Call back once all items have ended: at once if they have."""
        if self._drawn:
            self.wait(self.is_done)
        with self._changed:
            self._callbacks.append(callback)
        if not self.watched:
            self._follow_next(None)
        else:
            self._tell_if_done()

    def deliver(self, *, ordered: bool) -> Chunk:
        """The next chunk, whose items have ended: it is forgotten here."""
        with self._changed:
            chunk = self.chunks[0] if ordered else self.ended[0]
            self.chunks.remove(chunk)
            self.ended.remove(chunk)
            self._items_delivered += chunk.size
            self._changed.notify_all()
        return chunk

    # Submitting ----------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Submit as many chunks as there is room for."""
        with self._changed:
            self._pump_again = True
            if self._pumping:
                return
            self._pumping = True
        try:
            while True:
                with self._changed:
                    if not self._pump_again:
                        self._pumping = False
                        return
                    self._pump_again = False
                while self.open and self._has_room():
                    self._submit_next()
        except BaseException:
            self._pumping = False
            raise

    def _pump_on(self) -> None:
        """The feed's own thread, for items that come from the user's code."""
        while self.open:
            with self._changed:
                self._changed.wait_for(lambda: self._has_room() or not self.open)
            if self.open:
                self._submit_next()

    def _has_room(self) -> bool:
        ahead = self._items_submitted - self._items_delivered
        return self._valve is not None and self._valve.is_open(self._in_flight, ahead, self._items_delivered)

    def _next_size(self) -> int:
        assert self._valve is not None
        return self._valve.next_size(self._items_submitted - self._items_delivered, self._items_delivered)

    def _submit_next(self) -> None:
        try:
            arguments, count = self._take()
        except BaseException as error:  # the user's own iterator, or a sequence that cannot be sliced
            self._add_failed(error, 1)
            self._close()
            return
        if count:
            chunk = Chunk(arguments, count)
            first = not self._items_submitted
            self._count(count)
            self._send(chunk, self._terms, first=first)
            self.chunks.append(chunk)
            self._sent(chunk)
        if self._source is not None and self._source.left == 0:
            self._close()

    def _count(self, items: int) -> None:
        with self._changed:
            self._items_submitted += items
            self._unfinished += 1

    def _take(self) -> tuple[Arguments, int]:
        source, size = self._source, self._next_size()
        assert source is not None
        if source.blocking:
            arguments, count = source.take(size)
            return (arguments, count) if self.open else ((), 0)
        with self._changed:
            return source.take(size) if self.open else ((), 0)

    def _close(self) -> None:
        with self._changed:
            self.open = False
            self._changed.notify_all()
        self.session.notify()
        self._tell_if_done()

    def _abandon(self, error: BaseException) -> None:
        """Take no more items: what to raise in the place of those that were not submitted."""
        with self._changed:
            was_open, self.open = self.open, False
        if was_open and self._source is not None and self._source.left != 0:
            self._add_failed(error, self._source.left or 1)
        self._close()

    def _add_failed(self, error: BaseException, count: int) -> None:
        """Items that are not submitted: what to raise in their place."""
        chunk = Chunk((), count)
        self._count(count)
        self.chunks.append(chunk)
        self._fail(chunk, error)

    def _send(self, chunk: Chunk, terms: Terms, *, first: bool = False) -> None:
        """Submit a chunk. If that fails, find out which of its items is to blame."""
        item_s = self._pace.item_s
        expected_s = None if item_s is None else item_s * chunk.size
        if chunk.size > 1 and terms.retries:
            terms = replace(terms, retries=0)
        assert self._sender is not None
        try:
            handle = self._sender.send(chunk.arguments, terms, expected_s)
        except Unpicklable as error:
            if first:
                self._sender.check_function()
            if chunk.size > 1:
                self._split(chunk, [(index, index + 1, terms) for index in range(chunk.size)])
            else:
                self._fail(chunk, self._sender.in_words(error, chunk.arguments))
        except GanglineError as error:  # most likely the session was closed
            self._fail(chunk, error)
            self._abandon(error)
        else:
            chunk.handle = handle
            with self._changed:
                self._in_flight += 1
                self._changed.notify_all()
            self._sender.announce(handle)

    def _sent(self, chunk: Chunk) -> None:
        """A chunk has been submitted, or could not be, and is where `stop` looks for it."""
        if chunk.handle is not None:
            self._follow(chunk)
            if self._stopped and chunk.handle.status is None:  # while it was on its way there
                take_back(chunk.handle)

    def _fail(self, chunk: Chunk, error: BaseException) -> None:
        chunk.error = error
        self._finish(chunk)

    def _follow(self, chunk: Chunk) -> None:
        assert chunk.handle is not None
        chunk.watched = True
        chunk.handle.add_listener(partial(self._on_ended, chunk))

    # When chunks end -----------------------------------------------------------------------------------------

    def _on_ended(self, chunk: Chunk, handle: Handle) -> None:
        """The task of a chunk has ended. Runs on whatever thread brings the news."""
        if handle.started_at is not None and handle.completed_at is not None:
            self._pace.record(chunk.size, handle.completed_at - handle.started_at)
        if self._sender is not None and chunk.size > 1 and not self.session.closed:
            self._split(chunk, to_run_again(chunk.size, handle, self._terms))
        with self._changed:
            self._in_flight -= 1
            self._changed.notify_all()
        if chunk.pieces is None:
            self._finish(chunk)
        if self.open and self._source is not None and not self._source.blocking:
            self.pump()

    def _split(self, chunk: Chunk, parts: Sequence[tuple[int, int, Terms]]) -> None:
        """Submit items of a chunk by themselves; what becomes of them counts."""
        if not parts:
            return
        pieces = [(begin, Chunk(chunk.slice(begin, end), end - begin, chunk)) for begin, end, _ in parts]
        chunk.add_pieces(pieces)
        for (_, piece), (_, _, terms) in zip(pieces, parts, strict=True):
            self._send(piece, terms)
            self._sent(piece)

    def _finish(self, chunk: Chunk) -> None:
        """All items of a chunk have ended."""
        chunk.finished = True
        chunk.arguments = ()
        if chunk.parent is not None:
            if chunk.parent.piece_finished():
                self._finish(chunk.parent)
            return
        with self._changed:
            self.items_ended += chunk.size
            self._unfinished -= 1
            self.ended.append(chunk)
            self._changed.notify_all()
        self.session.notify()
        self._tell_if_done()

    def _follow_next(self, _ended: Handle | None) -> None:
        """Without listeners on each chunk: go on to the first one that has not ended."""
        if self.is_done():
            self._tell_if_done()
        else:
            handle = self.chunks[self._first_unended].handle
            assert handle is not None
            handle.add_listener(self._follow_next)

    def _tell_if_done(self) -> None:
        if self._callbacks and self.is_done():
            with self._changed:
                callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback()
