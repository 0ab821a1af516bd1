"""A view as a `concurrent.futures.Executor`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import Any, Protocol

from gangline.views.mapresult import AsyncMapResult
from gangline.views.result import AsyncResult

__all__ = ["ViewExecutor"]

_LAZY = frozenset({"max_outstanding"})
"""Options that only a lazy map has."""


class SubmittingView(Protocol):
    """A view, as far as its executor needs one."""

    def apply_async(self, f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> AsyncResult:
        """Submit a call."""

    def map_async(self, f: Callable[..., Any], *sequences: Iterable[Any], **options: Any) -> AsyncMapResult:
        """Submit a map."""

    def imap(self, f: Callable[..., Any], *sequences: Iterable[Any], **options: Any) -> Iterator[Any]:
        """Begin a lazy map."""

    def wait(self, jobs: Any = None, timeout: float | None = -1) -> bool:
        """Wait for all that was submitted."""

    def __len__(self) -> int:
        """How many engines it has."""


class ViewExecutor(Executor):
    """Runs calls through a view, on its engines and under its flags. Futures are `AsyncResult`.

    Args:
        view: The view.
    """

    def __init__(self, view: SubmittingView) -> None:
        self.view = view
        self._maps: list[AsyncMapResult] = []
        self._shut_down = False

    @property
    def _max_workers(self) -> int:
        return len(self.view)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> AsyncResult:
        """Submit a call.

        Raises:
            RuntimeError: After `shutdown`.
        """
        self._check_open()
        return self.view.apply_async(fn, *args, **kwargs)

    def map(  # type: ignore[override]
        self,
        func: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int | None = None,
        **options: Any,
    ) -> Iterator[Any]:
        """The results of calling a function on each item, in order, as an iterator.

        Args:
            func: The function.
            iterables: They are read as the work goes on, whether results are taken or not.
            timeout: Seconds from now that the results may take.
            chunksize: Items in a task; None: as measured.
            options: As for the view's `map` and `imap`; with ``max_outstanding`` it is lazy.

        Raises:
            RuntimeError: After `shutdown`.
            TimeoutError: In iteration, when the time is over.
        """
        self._check_open()
        if _LAZY & options.keys():
            return iter(self.view.imap(func, *iterables, **options))
        if chunksize is not None:
            options["chunksize"] = chunksize
        result = self.view.map_async(func, *iterables, **options)
        self._maps = [each for each in self._maps if not each.ready()] + [result]
        return result.items(None if timeout is None else time.monotonic() + timeout)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls. The engines stay.

        Args:
            wait: Wait for what was submitted.
            cancel_futures: Take back what has not started.
        """
        self._shut_down = True
        if cancel_futures:
            for each in self._maps:
                each.cancel()
            self.view.abort()  # type: ignore[attr-defined]
        if wait:
            for each in self._maps:
                each.wait()
            self.view.wait()

    def _check_open(self) -> None:
        if self._shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
