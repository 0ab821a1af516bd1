"""`AsyncResult`: one or several tasks as one result that can be waited on, awaited, iterated and asked about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION
from concurrent.futures import wait as wait_for_futures
from concurrent.futures._base import CANCELLED_AND_NOTIFIED, FINISHED
from typing import Any, NoReturn

from gangline._runtime.handle import Handle
from gangline.errors import UsageError, WaitTimeout
from gangline.views.cancelling import Cancellable
from gangline.views.error import TaskAborted, composite_of, failure_of
from gangline.views.ids import SessionOwner, msg_id
from gangline.views.keeping import Keepable
from gangline.views.shown import Shown
from gangline.views.tasks import CONVERTERS, has_failed, outcome, patience, resolved
from gangline.views.timing import Timed

__all__ = ["CONVERTERS", "AsyncResult"]


class AsyncResult(Shown, Timed, Keepable, Cancellable):
    """What became, or will become, of one task or of several.

    It is a `concurrent.futures.Future` and can be awaited. What `metadata` knows about the tasks is an attribute too
    (``ar.stdout``, ``ar.engine_id``, ``ar.started``): a single value if the result is a single one, else a list.

    Args:
        client: What the tasks were submitted with.
        handles: The tasks, or their ids; one that is not in a sequence makes a single result.
        fname: The function's name.
        targets: The engines that they were sent to, where they were chosen.
        owner: Kept as it is.
        return_exceptions: Deliver failures in place of results instead of raising them.
        chunk_sizes: How many items each task stands for, by id.
        single: Whether the result is that of the only task, not a list; None: as `handles` says.
    """

    owner = False
    _return_exceptions = False
    _chunk_sizes: dict[str, int] | None = None
    _cursor = 0
    _outcomes: list[Any] | None = None
    _errors: dict[int, BaseException] | None = None
    _msg_ids: list[str] | None = None
    _parts: tuple[AsyncResult, ...] | None = None

    def __init__(
        self,
        client: SessionOwner,
        handles: Sequence[Handle] | Sequence[str] | Handle | str,
        fname: str = "unknown",
        targets: Sequence[int | None] | int | None = None,
        owner: bool = False,
        return_exceptions: bool = False,
        chunk_sizes: dict[str, int] | None = None,
        *,
        single: bool | None = None,
    ) -> None:
        # A hundred thousand of these are made in a second: only what differs from the class is set.
        self._client = client
        self._fname = fname
        if type(handles) is tuple and single is not None:
            self._handles: Sequence[Handle] = handles
        else:
            self._handles, alone = resolved(client, handles)
            single = alone if single is None else single
        if single:
            self._single_result = True
        if targets is not None:
            self._targets = [targets] if isinstance(targets, int) else targets
        if owner:
            self.owner = True
        if return_exceptions:
            self._return_exceptions = True
        if chunk_sizes:
            self._chunk_sizes = chunk_sizes

    # Waiting -------------------------------------------------------------------------------------------------

    def done(self) -> bool:
        """Whether all tasks have ended, or been cancelled."""
        if self._cancelled:
            return True
        return all(handle.status is not None for handle in self._handles)

    def ready(self) -> bool:
        """Whether all tasks have ended."""
        return self.done()

    def successful(self) -> bool:
        """Whether all tasks have succeeded.

        Raises:
            RuntimeError: They have not all ended.
        """
        if not self.ready():
            raise RuntimeError("whether it was successful is not known yet: it has not ended")
        return not self._failed()

    def wait(self, timeout: float | None = -1, return_when: str | None = None) -> Any:
        """Wait for the tasks to end.

        Args:
            timeout: Seconds; None or a negative number is for ever.
            return_when: A constant of `concurrent.futures`.

        Returns:
            Whether all have ended; with `return_when`, the parts (see `split`) that have and those that have not.
        """
        if return_when is not None:
            return wait_for_futures(self.split(), timeout=patience(timeout), return_when=return_when)
        return self._wait(patience(timeout))

    def _wait(self, timeout_s: float | None) -> bool:
        return self._client._session.wait(self._handles, timeout_s)

    def wait_for_output(self, timeout: float | None = -1) -> bool:
        """Wait for what the tasks write; it is complete when they have ended."""
        return self._wait(patience(timeout))

    @property
    def sent(self) -> bool:
        """Whether the arguments may be changed again without the tasks seeing it: they are copied at submission."""
        return True

    def wait_for_send(self, timeout: float | None = -1) -> None:
        """Wait until the arguments may be changed again: they may, at once."""

    # Results -------------------------------------------------------------------------------------------------

    def get(
        self, timeout: float | None = None, return_exceptions: bool | None = None, return_when: str | None = None
    ) -> Any:
        """The result, or the list of results.

        Args:
            timeout: Seconds to wait; None or a negative number is for ever.
            return_exceptions: Deliver failures in place of results; None: as said when the tasks were submitted.
            return_when: ``FIRST_EXCEPTION`` raises the first failure without waiting for the rest.

        Raises:
            RemoteError: A task failed; of the type of its own exception, too.
            CompositeError: Tasks of several failed.
            TaskAborted: The task was cancelled.
            TimeoutError: The time was over first; it can be called again.
        """
        if self._single_result:
            handle = self._handles[0]
            if handle.status == "ok" and type(handle.value) not in CONVERTERS:
                return handle.value
        if not self.ready() or self._cancelled:
            self._wait_to_get(patience(timeout), return_when)
        if return_exceptions is None:
            return_exceptions = self._return_exceptions
        if not return_exceptions:
            self._raise_failure()
        return self._joined(self._all_outcomes())

    def _wait_to_get(self, timeout_s: float | None, return_when: str | None) -> None:
        if return_when == FIRST_COMPLETED:
            import warnings

            warnings.warn("get() waits for all results: return_when=FIRST_COMPLETED is ignored", stacklevel=3)
        if return_when == FIRST_EXCEPTION and not self._single_result:
            parts = self.split()
            _, pending = wait_for_futures(parts, timeout=timeout_s, return_when=FIRST_EXCEPTION)
            for part in parts if pending else ():
                if part not in pending and part._failed():
                    raise part._failure()
            if not pending:
                return
        elif self._wait(timeout_s):
            return
        raise WaitTimeout(
            f"{self._fname}: no result after {timeout_s} s; the task goes on, and get() can be called again"
        )

    def result(self, timeout: float | None = None) -> Any:
        """As `get`."""
        return self.get(timeout)

    @property
    def r(self) -> Any:
        """The result; waits for it."""
        return self.get()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What `get` would raise, or None.

        Raises:
            CancelledError: It was cancelled with `cancel`.
            TimeoutError: The time was over first.
        """
        if not self.ready():
            self._wait_to_get(patience(timeout), None)
        if self.cancelled():
            raise TaskAborted(f"{self._fname} was cancelled")
        return self._failure() if self._failed() else None

    def get_dict(self, timeout: float | None = -1) -> dict[int | None, Any]:
        """The results by engine.

        Raises:
            UsageError: One engine ran several of the tasks.
        """
        results = self.get(timeout)
        results = [results] if self._single_result else results
        by_engine: dict[int | None, Any] = {}
        for handle, result in zip(self._handles, results, strict=True):
            if handle.engine in by_engine:
                raise UsageError(f"results cannot be told apart by engine: engine {handle.engine} ran several tasks")
            by_engine[handle.engine] = result
        return by_engine

    @property
    def result_dict(self) -> dict[int | None, Any]:
        """The results by engine; waits for them."""
        return self.get_dict()

    def _all_outcomes(self) -> list[Any]:
        """Result or exception of each task; they have ended."""
        if self._outcomes is None:
            errors: dict[int, BaseException] = {}
            outcomes = []
            for index, handle in enumerate(self._handles):
                failed, value = outcome(handle, self._method)
                if failed:
                    errors[index] = value
                outcomes.append(value)
            self._errors = errors
            self._outcomes = outcomes
        return self._outcomes

    def _joined(self, outcomes: list[Any]) -> Any:
        return outcomes[0] if self._single_result else list(outcomes)

    @property
    def _method(self) -> str:
        return "execute" if self._fname == "execute" else "apply"

    def _failed(self) -> bool:
        return any(map(has_failed, self._handles))

    def _failure(self) -> BaseException:
        """What to raise; at least one task has failed."""
        self._all_outcomes()
        assert self._errors is not None
        if self._single_result:
            return self._errors[0]
        return failure_of(self._errors.values(), self._fname)

    def _raise_failure(self) -> None:
        """Raise what has failed, if anything has."""
        if self._failed():
            error = self._failure()
            raise error.with_traceback(None)

    # The future ----------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        if self._cancelled:
            self._settle(CANCELLED_AND_NOTIFIED)
        else:
            self._watch_next(None)

    def _watch_next(self, _ended: Handle | None) -> None:
        """Go on to the first task that has not ended; one listener at a time is enough."""
        handles, cursor = self._handles, self._cursor
        while cursor < len(handles) and handles[cursor].status is not None:
            cursor += 1
        self._cursor = cursor
        if cursor < len(handles):
            handles[cursor].add_listener(self._watch_next)
        else:
            self._settle(CANCELLED_AND_NOTIFIED if self._cancelled or self._cancelling else FINISHED)

    # Parts ---------------------------------------------------------------------------------------------------

    def split(self) -> tuple[AsyncResult, ...]:
        """The same as one result per task, for `concurrent.futures.wait` and the like; always the same objects."""
        if self._parts is None:
            self._parts = self._split()
        return self._parts

    def _split(self, single: bool = True) -> tuple[AsyncResult, ...]:
        if len(self._handles) == 1:
            return (self,)
        targets = self._targets or [None] * len(self._handles)
        exceptions = self._return_exceptions
        return tuple(
            AsyncResult(self._client, (handle,), self._fname, [target], False, exceptions, single=single)
            for handle, target in zip(self._handles, targets, strict=False)
        )

    @classmethod
    def join(cls, *async_results: AsyncResult) -> AsyncResult:
        """Several results as one, the inverse of `split`.

        Raises:
            UsageError: There are none.
        """
        if not async_results:
            raise UsageError("join() needs at least one AsyncResult")
        first = async_results[0]
        if len(async_results) == 1:
            return first
        targets = [target for each in async_results for target in each._targets or [None] * len(each._handles)]
        handles = [handle for each in async_results for handle in each._handles]
        return AsyncResult(
            first._client, handles, first._fname, targets, return_exceptions=first._return_exceptions, single=False
        )

    def __len__(self) -> int:
        return self._count(self._handles)

    def __bool__(self) -> bool:
        return True

    def _count(self, handles: Iterable[Handle]) -> int:
        """How many items these tasks stand for."""
        sizes = self._chunk_sizes
        if sizes is None:
            return sum(1 for _ in handles)
        return sum(sizes.get(msg_id(handle), 1) for handle in handles)

    @property
    def expected(self) -> int | None:
        """As ``len``; None if that is not known yet."""
        return len(self)

    @property
    def progress(self) -> int:
        """How many of `len` have ended."""
        return self._count(handle for handle in self._handles if handle.status is not None)

    def __iter__(self) -> Iterator[Any]:
        """The results in order, each as soon as it is there; failures are raised in their places."""
        if self._single_result:
            raise TypeError("a single result is not iterable; get() gives it")
        return _InOrder(self)

    def __getitem__(self, key: int | slice | str) -> Any:
        """Results by number or slice; what `metadata` knows by name.

        Raises:
            TimeoutError: The results are not there yet.
        """
        if isinstance(key, str):
            values = [metadata[key] for metadata in self._metadata]
            return values[0] if self._single_result else values
        if isinstance(key, int | slice):
            if not self.ready():
                raise WaitTimeout("the result is not ready")
            return self.get()[key]
        raise TypeError(f"a result is indexed by int, slice or str, not {type(key).__name__}")

    # What is known -------------------------------------------------------------------------------------------

    @property
    def msg_ids(self) -> list[str]:
        """The ids of the tasks."""
        if self._msg_ids is None:
            self._msg_ids = [msg_id(handle) for handle in self._handles]
        return self._msg_ids

    def __repr__(self) -> str:
        state = "pending" if not self.ready() else "failed" if self._cancelled or self._failed() else "finished"
        return f"<{type(self).__name__}({self._fname}): {state}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a result cannot be pickled: it belongs to this process; send what get() gives")


class _InOrder(Iterator[Any]):
    """The results of several tasks, in order."""

    def __init__(self, result: AsyncResult) -> None:
        self._result = result
        self._next = 0

    def __next__(self) -> Any:
        result, index = self._result, self._next
        if index >= len(result._handles):
            raise StopIteration
        handle = result._handles[index]
        result._client._session.wait((handle,))
        self._next += 1
        failed, value = outcome(handle, result._method)
        if failed and not result._return_exceptions:
            raise composite_of([value], result._fname)
        return value
