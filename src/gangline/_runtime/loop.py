"""One loop for each session: it takes in what backends report, and whoever waits for a result turns it.

A result that a thread waits for is read by that very thread: two process switches for a round trip, not four. While
nobody waits, a thread of the loop's own turns it.

Rules:
- Whoever holds `_turning` turns the loop; all others leave it alone.
- A thread that waits takes `_turning` if it is free. Else it registers as a waiter, and the one that turns wakes it
  when its condition holds, or hands `_turning` over when it leaves.
- While tasks are being submitted, the loop's own thread lets reports gather for a moment: it would only take the lock
  from the thread that submits, and engines have work ahead. Results of a submission that is over come at once.
- An interrupt that was held back while something was taken in ends the wait of the thread that it is for.
- The loop's own thread steps aside when somebody else waits. It comes back when it finds `_turning` free after a nap:
  a program that waits again and again, each time shortly, is not disturbed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from gangline._runtime.poller import OnReady, Poller
from gangline.messages import BackendEvent

_NAP_S = 0.002


class Owner(Protocol):
    """The session, as its loop sees it."""

    def take_in(self, ready: list[OnReady], events: list[BackendEvent]) -> None:
        """Let the core have what happened, and carry out what it answers."""

    def next_wake(self) -> float | None:
        """When the core wants to be woken; monotonic seconds."""

    def submitted(self) -> int:
        """How many tasks have been submitted so far."""

    def interrupted_here(self) -> bool:
        """Whether an interrupt was held back that the calling thread has to raise."""

    def end_wait(self) -> None:
        """Raise the interrupt that was held back, if there is one: who knows how long the wait will be."""

    def crash(self, error: Exception) -> None:
        """Taking something in has failed, which must not happen: end everything with this error."""


class Waiter:
    """A thread that waits while another one turns the loop."""

    __slots__ = ("_lock", "condition")

    def __init__(self, condition: Callable[[], bool]) -> None:
        self.condition = condition
        self._lock = threading.Lock()
        self._lock.acquire()

    def wait(self, timeout_s: float | None) -> None:
        """Sleep until woken."""
        self._lock.acquire(timeout=-1 if timeout_s is None else max(0.0, timeout_s))

    def wake(self) -> None:
        """Let the thread look again; once or often, the effect is the same."""
        if self._lock.locked():
            try:
                self._lock.release()
            except RuntimeError:  # another thread was faster
                return


class Loop:
    """Turns the wheel between backends and core."""

    def __init__(self, owner: Owner, name: str) -> None:
        self._owner = owner
        self.poller = Poller()
        self._turning = threading.RLock()
        self._events: deque[BackendEvent] = deque()
        self._waiters: deque[Waiter] = deque()
        self._polling = False
        self._polls_until = float("inf")
        self._turns = 0
        self._notified = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the loop's own thread."""
        self._thread.start()

    def put(self, event: BackendEvent) -> None:
        """Hand in an event, from any thread."""
        self._events.append(event)
        self.wake()

    def wake(self) -> None:
        """Let the one that turns the loop look again."""
        if self._polling:
            self.poller.wake()

    def wake_by(self, at: float | None) -> None:
        """The core wants to be woken at that time: not later."""
        if at is not None and at < self._polls_until:
            self.wake()

    def notify(self) -> None:
        """Something was resolved outside of a turn: those who wait for it must hear of it."""
        self._notified = True  # for the one that turns, if it has just asked its condition and is about to poll
        self._wake_satisfied()
        self.wake()

    def turned_by_me(self) -> bool:
        """Whether the calling thread turns the loop and is not merely waiting for something to happen."""
        return self._turning._is_owned() and not self._polling  # type: ignore[attr-defined]

    def wait(self, condition: Callable[[], bool], timeout_s: float | None) -> bool:
        """Turn the loop, or let it be turned, until the condition holds.

        Returns:
            Whether it does; False when the time was over first.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        interrupted = self._owner.interrupted_here
        while not condition():
            self._owner.end_wait()
            left_s = None if deadline is None else deadline - time.monotonic()
            if left_s is not None and left_s <= 0:
                return False
            if self._turning.acquire(blocking=False):
                try:
                    self._turn(left_s)
                    while not (condition() or self._closed or interrupted()) and (
                        deadline is None or time.monotonic() < deadline
                    ):
                        self._turn(None if deadline is None else deadline - time.monotonic())
                finally:
                    self._turns += 1
                    self._turning.release()
                    self._hand_over()
            else:
                self._wait_aside(condition, left_s)
            if self._closed:
                return condition()
        return True

    def close(self) -> None:
        """Stop turning; those who wait return."""
        self._closed = True
        self.poller.wake()
        for waiter in list(self._waiters):
            waiter.wake()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        with self._turning:
            self.poller.close()

    def _wait_aside(self, condition: Callable[[], bool], timeout_s: float | None) -> None:
        waiter = Waiter(condition)
        self._waiters.append(waiter)
        try:
            if not condition() and not self._closed:
                waiter.wait(timeout_s)
        finally:
            self._waiters.remove(waiter)

    def _run(self) -> None:
        """The loop's own thread."""
        while not self._closed:
            with self._turning:
                while not (self._waiters or self._closed):
                    submitted = self._owner.submitted()
                    self._turn(None)
                    self._wake_satisfied()
                    if self._owner.submitted() != submitted and not self._waiters:
                        time.sleep(_NAP_S)
            self._hand_over()
            turns = -1
            while turns != self._turns and not self._closed:
                turns = self._turns
                time.sleep(_NAP_S)

    def _turn(self, timeout_s: float | None) -> None:
        """Wait for something to happen, and take it in."""
        wake_at = self._owner.next_wake()
        if wake_at is not None:
            until_s = max(0.0, wake_at - time.monotonic())
            timeout_s = until_s if timeout_s is None else min(timeout_s, until_s)
        self._polls_until = float("inf") if wake_at is None else wake_at
        self._polling = True
        try:
            at_once = self._events or self._notified or self._closed or self._owner.interrupted_here()
            ready = self.poller.poll(0.0 if at_once else timeout_s)
        finally:
            self._polling = False
            self._notified = False
        events: list[BackendEvent] = []
        while self._events:
            events.append(self._events.popleft())
        try:
            self._owner.take_in(ready, events)
        except Exception as error:
            # A bug. Left alone it would stop the loop and let everybody who waits wait for ever.
            self._owner.crash(error)
            raise
        if self._waiters:
            self._wake_satisfied()

    def _wake_satisfied(self) -> None:
        for waiter in list(self._waiters):
            if waiter.condition():
                waiter.wake()

    def _hand_over(self) -> None:
        """Let one of those who wait turn the loop from now on."""
        for waiter in list(self._waiters):
            waiter.wake()
            return
