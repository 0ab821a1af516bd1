"""`AsyncMapResult`: what became of a map, item by item."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures._base import CANCELLED_AND_NOTIFIED, FINISHED
from typing import Any

from gangline._runtime.handle import Handle
from gangline.errors import WaitTimeout
from gangline.views.chunk import Chunk
from gangline.views.error import composite_of, failure_of
from gangline.views.feed import Feed
from gangline.views.ids import SessionOwner, msg_id
from gangline.views.metadata import Metadata, metadata_of
from gangline.views.result import AsyncResult
from gangline.views.tasks import outcome, patience, resolved

__all__ = ["AsyncMapResult", "LazyMapIterator"]


class AsyncMapResult(AsyncResult):
    """The results of a map: one list, iterable while they arrive.

    A failing item does not cost the others: iteration raises its error in its place and goes on with the next one, and
    ``get(return_exceptions=True)`` has the errors in their places. It equals the list of its results, which the
    comparison waits for.

    Args:
        client: What the tasks were submitted with.
        handles: The tasks, each of which gives a part of the whole.
        join: Makes the whole of the parts; None: the parts are lists of items, one after another.
        fname: The function's name.
        ordered: Iterate in the order of the items; else as they come.
        return_exceptions: Deliver failures in place of results instead of raising them.
        chunk_sizes: How many items each task stands for, by id.
        contiguous: Whether one part after another is the whole; if not, iterating needs all parts first.
        feed: What knows the chunks, in place of `handles`.
    """

    _whole: Any = None
    _known: list[Metadata] | None = None

    def __init__(
        self,
        client: SessionOwner,
        handles: Sequence[Handle] | Sequence[str] = (),
        join: Callable[[list[Any]], Any] | None = None,
        fname: str = "",
        ordered: bool = True,
        return_exceptions: bool = False,
        chunk_sizes: dict[str, int] | None = None,
        *,
        contiguous: bool = True,
        feed: Feed | None = None,
    ) -> None:
        self._client = client
        self._contiguous = contiguous
        self._fname = fname
        self.ordered = ordered
        self._join = join
        self._return_exceptions = return_exceptions
        if feed is None:
            tasks, _ = resolved(client, handles)
            sizes = chunk_sizes or {}
            chunks = [Chunk((), sizes.get(msg_id(each), 1), handle=each) for each in tasks]
            feed = Feed(client._session, chunks=chunks, watched=not ordered)
        self._feed = feed

    @property
    def _handles(self) -> list[Handle]:  # type: ignore[override]
        return list(self._feed.handles())

    # Waiting -------------------------------------------------------------------------------------------------

    def done(self) -> bool:
        """Whether all items have ended, or been cancelled."""
        return self._cancelled or self._feed.is_done()

    def _wait(self, timeout_s: float | None) -> bool:
        return self._feed.wait(self._feed.is_done, timeout_s)

    def _watch(self) -> None:
        self._feed.when_done(self._on_done)

    def _on_done(self) -> None:
        self._settle(CANCELLED_AND_NOTIFIED if self._cancelled or self._cancelling else FINISHED)

    # Results -------------------------------------------------------------------------------------------------

    def get(
        self, timeout: float | None = None, return_exceptions: bool | None = None, return_when: str | None = None
    ) -> Any:
        """The list of results.

        Args:
            timeout: Seconds to wait; None or a negative number is for ever.
            return_exceptions: Deliver failures in place of results; None: as said when the map was called.
            return_when: ``FIRST_EXCEPTION`` raises the first failure without waiting for the rest.

        Raises:
            CompositeError: Items failed; of the type of their own exceptions, too, if that is one.
            TimeoutError: The time was over first; it can be called again.
        """
        if not self._feed.is_done():
            self._wait_to_get(patience(timeout), return_when)
        if return_exceptions is None:
            return_exceptions = self._return_exceptions
        outcomes = self._all_outcomes()
        if self._errors and not return_exceptions:
            raise self._failure().with_traceback(None)
        return self._joined(outcomes)

    def _wait_to_get(self, timeout_s: float | None, return_when: str | None) -> None:
        if return_when != "FIRST_EXCEPTION":
            super()._wait_to_get(timeout_s, return_when)
        elif not self._feed.wait(lambda: self._first_failed() is not None or self._feed.is_done(), timeout_s):
            raise WaitTimeout(
                f"{self._fname}: no result after {timeout_s} s; the map goes on, and get() can be called again"
            )
        elif not self._feed.is_done():
            chunk = self._first_failed()
            assert chunk is not None
            raise composite_of(chunk.results()[1].values(), self._fname)

    def _first_failed(self) -> Chunk | None:
        return next((chunk for chunk in list(self._feed.chunks) if chunk.done and chunk.results()[1]), None)

    def _all_outcomes(self) -> list[Any]:
        if self._outcomes is None:
            errors: dict[int, BaseException] = {}
            outcomes: list[Any] = []
            for chunk in self._feed.chunks:
                values, failed = self._results_of(chunk)
                errors.update((len(outcomes) + index, error) for index, error in failed.items())
                outcomes += values
            for index, error in errors.items():
                outcomes[index] = error
            self._errors, self._outcomes = errors, outcomes
        return self._outcomes

    def _results_of(self, chunk: Chunk) -> tuple[list[Any], dict[int, BaseException]]:
        """Results and failures of a chunk; with `join` a part counts as one."""
        if self._join is None:
            return chunk.results()
        assert chunk.handle is not None
        failed, value = outcome(chunk.handle, self._method)
        return [value], {0: value} if failed else {}

    def _joined(self, outcomes: list[Any]) -> Any:
        if self._join is None or not outcomes:
            return outcomes
        if self._whole is None:
            if self._errors:
                parts = [[each] if isinstance(each, Exception) else each for each in outcomes]
                self._whole = [item for part in parts for item in (part if isinstance(part, list) else [part])]
            else:
                self._whole = self._join(outcomes)
        return self._whole

    def _failed(self) -> bool:
        self._all_outcomes()
        return bool(self._errors)

    def _failure(self) -> BaseException:
        assert self._errors is not None
        return failure_of(self._errors.values(), self._fname)

    def __iter__(self) -> Iterator[Any]:
        """The results as they arrive. A failure is raised in its place; the next one can be asked for."""
        return _Items(self) if self._contiguous else iter(self.get())

    def items(self, deadline: float | None = None) -> Iterator[Any]:
        """As iterating over it, but a failed item raises its own error and not one for the map.

        Args:
            deadline: Monotonic time in seconds after which asking raises TimeoutError; None is for ever.
        """
        return _OwnErrors(self, deadline)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, list):
            return bool(self.get() == other)
        return self is other

    __hash__ = AsyncResult.__hash__

    # Cancelling ----------------------------------------------------------------------------------------------

    def cancel(self) -> bool:
        """Take no more items, and take back what has not started.

        Returns:
            Whether nothing of it runs on; False also if all items have ended.
        """
        if self._cancelled:
            return True
        if self._feed.is_done():
            return False
        self._cancelling = True
        self._cancelled = self._feed.stop()
        self._cancelling = False
        if self._cancelled and self._armed:
            self._settle(CANCELLED_AND_NOTIFIED)
        return self._cancelled

    def abort(self) -> None:
        """Take no more items, and take back what has not started; what runs goes on.

        Raises:
            RuntimeError: All items have ended.
        """
        if self._feed.is_done():
            raise RuntimeError("there is nothing to abort: it has ended")
        self._feed.stop()

    # Parts ---------------------------------------------------------------------------------------------------

    def split(self) -> tuple[AsyncResult, ...]:
        """The same as one result per task; a task's result is the list of its items'."""
        if self._feed.open:
            return self._split()
        return super().split()

    def _split(self, single: bool = True) -> tuple[AsyncResult, ...]:
        if self._join is not None:
            return super()._split()
        return tuple(
            AsyncMapResult(
                self._client,
                (handle,),
                fname=self._fname,
                return_exceptions=self._return_exceptions,
                chunk_sizes={msg_id(handle): chunk.size},
            )
            for chunk in self._feed.chunks
            for handle in chunk.handles()
        )

    def __len__(self) -> int:
        total = self._feed.total
        if total is None:
            self._feed.wait(lambda: self._feed.total is not None)
            total = self._feed.total
        return total or 0

    def __bool__(self) -> bool:
        return self._feed.total != 0

    @property
    def expected(self) -> int | None:
        """How many items there are; None if that is not known yet."""
        return self._feed.total

    @property
    def progress(self) -> int:
        """How many items have ended."""
        return self._feed.progress

    @property
    def msg_ids(self) -> list[str]:
        """The ids of the tasks that have been submitted so far."""
        return [msg_id(handle) for handle in self._handles]

    @property
    def _metadata(self) -> list[Metadata]:
        handles = self._handles
        if self._known is None or len(self._known) != len(handles):
            self._known = [metadata_of(handle) for handle in handles]
        return self._known


class _Chunked(Iterator[Any]):
    """Items one by one, from chunks that have ended. A failure is raised in its place, and iteration can go on."""

    def __init__(self, return_exceptions: bool, fname: str) -> None:
        self._return_exceptions = return_exceptions
        self._fname = fname
        self._values: list[Any] = []
        self._errors: dict[int, BaseException] = {}
        self._at = 0

    def __next__(self) -> Any:
        while self._at >= len(self._values):
            self._values, self._errors = self._next_chunk()
            self._at = 0
        index = self._at
        self._at += 1
        if self._errors and index in self._errors:
            error = self._errors[index]
            if self._return_exceptions:
                return error
            raise self._to_raise(error)
        return self._values[index]

    def _to_raise(self, error: BaseException) -> BaseException:
        return error

    def _next_chunk(self) -> tuple[list[Any], dict[int, BaseException]]:
        """Results and failures of the next chunk; raises StopIteration after the last."""
        raise NotImplementedError


class _Items(_Chunked):
    """The items of a map that is kept: any number of iterations are independent of each other."""

    def __init__(self, result: AsyncMapResult, deadline: float | None = None) -> None:
        super().__init__(result._return_exceptions, result._fname)
        self._result = result
        self._deadline = deadline
        self._next = 0

    def _to_raise(self, error: BaseException) -> BaseException:
        return composite_of([error], self._fname)

    def _next_chunk(self) -> tuple[list[Any], dict[int, BaseException]]:
        result, feed, index = self._result, self._result._feed, self._next
        chunks = feed.ended if feed.watched and not result.ordered else feed.chunks

        def there() -> bool:
            return (index < len(chunks) and chunks[index].done) or (index >= len(chunks) and feed.is_done())

        left_s = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        if not there() and not feed.wait(there, left_s):
            raise WaitTimeout(f"{result._fname}: not all results came in time")
        if index >= len(chunks):
            raise StopIteration
        self._next += 1
        values, errors = result._results_of(chunks[index])
        if result._join is not None and not errors and isinstance(values[0], list):
            values = values[0]
        return values, errors


class _OwnErrors(_Items):
    """As the futures of the standard library have it."""

    def _to_raise(self, error: BaseException) -> BaseException:
        return error


class LazyMapIterator(_Chunked):
    """The results of a map that reads its input as it goes. Only a bounded number of items is on its way at any time.

    Args:
        feed: What knows the chunks; it forgets those that were delivered.
        ordered: In the order of the items; else as they come.
        return_exceptions: Deliver failures in place of results instead of raising them.
        fname: The function's name.
    """

    def __init__(self, feed: Feed, ordered: bool, return_exceptions: bool, fname: str) -> None:
        super().__init__(return_exceptions, fname)
        self._feed = feed
        self._ordered = ordered

    def cancel(self) -> None:
        """Read no more of the input. What has been sent to the engines is still delivered."""
        self._feed.finish()

    def _next_chunk(self) -> tuple[list[Any], dict[int, BaseException]]:
        feed = self._feed
        chunks = feed.chunks if self._ordered else feed.ended

        def there() -> bool:
            return bool(chunks and chunks[0].done) or (not chunks and feed.is_done())

        if not there():
            feed.wait(there)
        if not chunks:
            raise StopIteration
        return feed.deliver(ordered=self._ordered).results()

    def __del__(self) -> None:
        self._feed.finish()
