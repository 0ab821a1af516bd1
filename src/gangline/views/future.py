"""A `concurrent.futures.Future` that costs nothing until somebody uses it as one.

A `Future` makes a condition, a lock and two lists when it is made, several times the price of submitting a task. Here
they come into being when they are first touched: by `concurrent.futures.wait` and `as_completed`, by asyncio, by
`add_done_callback`. From then on the future watches for its end.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import Future
from concurrent.futures._base import CANCELLED_AND_NOTIFIED, FINISHED, PENDING
from typing import Any

__all__ = ["LazyFuture"]

_DONE = (CANCELLED_AND_NOTIFIED, FINISHED)
_arming = threading.Lock()


class _Later:
    """An attribute of `Future` that is made, together with the others, when it is first read."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, future: LazyFuture | None, owner: type) -> Any:
        if future is None:
            return self
        future._arm()
        return future.__dict__[self.name]


class LazyFuture(Future[Any]):
    """What all results are. A subclass says when it is done and how it ended; its `__init__` may leave this one out."""

    _condition = _Later()
    _state = _Later()
    _waiters = _Later()
    _done_callbacks = _Later()
    _result = None
    _exception = None

    def __init__(self) -> None:
        """Nothing is made yet."""

    def done(self) -> bool:
        """Whether it has ended, well or not."""
        raise NotImplementedError

    def _failed(self) -> bool:
        """Whether it ended badly; asked when it is done."""
        raise NotImplementedError

    def _watch(self) -> None:
        """Have `_settle` called when it is done: at once if it is."""
        raise NotImplementedError

    def _arm(self) -> None:
        """Become a real future."""
        with _arming:
            if "_condition" in self.__dict__:
                return
            self.__dict__.update(_waiters=[], _done_callbacks=[], _state=PENDING, _condition=threading.Condition())
        self._watch()

    @property
    def _armed(self) -> bool:
        return "_condition" in self.__dict__

    def _settle(self, state: str = FINISHED) -> None:
        """Tell everybody who waits for the future that it is done."""
        with self._condition:
            if self._state in _DONE:
                return
            self._state = state
            for waiter in self._waiters:
                if state != FINISHED:
                    waiter.add_cancelled(self)
                elif self._failed():
                    waiter.add_exception(self)
                else:
                    waiter.add_result(self)
            self._condition.notify_all()
        self._invoke_callbacks()  # type: ignore[attr-defined]

    def __await__(self) -> Generator[Any, None, Any]:
        if not self.done():
            import asyncio  # whoever awaits has it already

            return (yield from asyncio.wrap_future(self).__await__())
        return self.result()
