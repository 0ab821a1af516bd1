"""A session whose inline tasks run one by one, when its user says so."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from gangline._runtime.session import Session
from gangline.backends.inline import InlineBackend
from gangline.messages import Terms


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(InlineBackend(), engines=1, stepwise=True) as session:
        session.wait_for(lambda: bool(session.engines))
        yield session


def test_each_step_runs_one_task(session: Session) -> None:
    done: list[int] = []
    handles = session.submit_many([(done.append, (number,), {}) for number in range(3)])
    handles[1].add_listener(lambda handle: done.append(-1))
    assert done == []
    steps = []
    while session.run_next():
        steps.append(list(done))
    assert steps == [[0], [0, 1, -1], [0, 1, -1, 2]]
    assert [handle.status for handle in handles] == ["ok"] * 3


def test_what_is_cancelled_between_two_steps_does_not_run(session: Session) -> None:
    done: list[int] = []
    first, second, third = session.submit_many([(done.append, (number,), {}) for number in range(3)])
    assert session.run_next()
    assert session.cancel(second)
    assert (first.status, second.status, third.status) == ("ok", "aborted", None)
    assert session.run_next()
    assert not session.run_next()
    assert done == [0, 2]


def test_who_waits_has_tasks_run_that_come_due_meanwhile(session: Session) -> None:
    tries: list[int] = []

    def fail_once() -> None:
        tries.append(0)
        if len(tries) == 1:
            raise ValueError

    handle = session.submit(fail_once, terms=Terms(retries=1, retry_delay_s=0.05))
    begun = time.monotonic()
    assert session.run_next()
    assert not session.run_next() or time.monotonic() - begun > 0.05
    assert session.wait([handle], 60)
    assert (handle.status, len(tries)) == ("ok", 2)
