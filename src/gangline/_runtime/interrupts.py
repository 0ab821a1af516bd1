"""Ctrl-C must not strike while the scheduler's state is being changed.

Python raises KeyboardInterrupt in the main thread between any two steps of it. While the main thread holds a session's
lock that would leave half a change behind, so the handler here notes the interrupt and the session raises it as soon
as the change is whole. It is put in place only where Python's own handler was, and is otherwise the same.
"""

from __future__ import annotations

import signal
import threading
import weakref
from types import FrameType, TracebackType
from typing import Protocol


class Interruptible(Protocol):
    """Something with moments in which the main thread must not be interrupted."""

    interrupted: bool
    unsettled: bool

    def in_critical_section(self) -> bool:
        """Whether the calling thread is in such a moment."""


_sessions: weakref.WeakSet[Interruptible] = weakref.WeakSet()


def guard(session: Interruptible) -> None:
    """From now on, hold an interrupt back while the session is in a critical section."""
    _sessions.add(session)
    on_main_thread = threading.current_thread() is threading.main_thread()
    if on_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, on_interrupt)


def on_interrupt(signum: int, frame: FrameType | None) -> None:
    """The handler. It may be put in place for other signals that shall end a program as Ctrl-C does, too.

    Raises:
        KeyboardInterrupt: At once, unless a session is in a critical section; then after it.
    """
    for session in list(_sessions):
        if session.in_critical_section():
            session.interrupted = session.unsettled = True
            return
    signal.default_int_handler(signum, frame)


class Uninterrupted:
    """Steps of the main thread that belong together: with `with`, an interrupt is raised when they are done.

    Attributes:
        interrupted: An interrupt is held back.
        unsettled: The same, as sessions have it.
    """

    def __init__(self) -> None:
        self.interrupted = self.unsettled = False
        self._thread: int | None = None
        guard(self)

    def in_critical_section(self) -> bool:
        """Whether the calling thread is in the midst of such steps."""
        return self._thread == threading.get_ident()

    def __enter__(self) -> None:
        self._thread = threading.get_ident()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread = None
        if self.interrupted:
            self.interrupted = self.unsettled = False
            if error is None:
                raise KeyboardInterrupt
