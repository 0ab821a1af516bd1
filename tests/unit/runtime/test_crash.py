"""When the scheduler itself fails, whoever waits hears of it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gangline._runtime.handle import Handle
from gangline._runtime.session import Session
from gangline.backends.threads import ThreadsBackend
from gangline.errors import InternalError
from tests.one_host import wait_until


def test_a_crash_on_the_loops_own_thread_is_told_to_those_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Handle] = []
    raised: list[Any] = []
    go, crashing = threading.Event(), threading.Event()
    monkeypatch.setattr(threading, "excepthook", raised.append)
    with Session(ThreadsBackend(), engines=1) as session:
        loop = session._conductor.loop

        def broken(_: Any) -> None:
            crashing.set()
            wait_until(lambda: bool(loop._waiters), 60)
            raise OSError("it cannot be")

        handle = session.submit(go.wait, (60,))
        handle.add_listener(told.append)
        monkeypatch.setattr(session._conductor, "_on_event", broken)
        go.set()
        assert crashing.wait(60)
        assert session.wait([handle], 60)
        loop._thread.join(60)
        assert handle.failure is not None
        assert isinstance(handle.failure.error, InternalError)
        assert told == [handle]
        assert len(raised) == 1
