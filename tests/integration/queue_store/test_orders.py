"""Kill, remove, restart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gangline.errors import JobExists, UsageError
from gangline.store.jobs.port import JobStore, State
from tests.integration.queue_store.support import end, new, row, take, take_one, worker


def test_killing_what_does_not_run(store: JobStore) -> None:
    uid = worker(store)
    store.add([new()])
    deferred = take_one(store, uid)
    end(store, uid, deferred, "deferred", wait_s=1000)
    pending, later = store.add([new(), new(wait_s=100)])
    (held,) = store.add([new(needs=(pending,))])
    for job in (pending, deferred.id, later, held):
        assert store.kill(job) == State.KILLED
        found = row(store, job)
        assert (found.state, found.journaled, found.killed_at, found.needs) == (
            State.KILLED,
            False,
            found.finished_at,
            (),
        )
        with pytest.raises(UsageError, match="killed already"):
            store.kill(job)
    assert take(store, uid, 9) == []
    assert store.turn(uid).next_in_s is None
    assert store.add([new(args=row(store, pending).args)])


def test_what_is_not_there_is_named(store: JobStore) -> None:
    orders: list[Callable[[int], object]] = [store.kill, store.remove, store.restart, store.blockers]
    for order in orders:
        for job in (12345, 0, -1, 2**80):
            with pytest.raises(UsageError, match="no job"):
                order(job)


def test_removing(store: JobStore) -> None:
    uid = worker(store)
    running, pending = store.add([new(), new()])
    claim = take_one(store, uid)
    assert store.remove(pending) == State.KILLED
    assert store.remove(running) == State.RUNNING
    assert (row(store, pending).state, row(store, pending).journaled) == (State.KILLED, True)
    assert row(store, pending).removed_at is not None
    assert row(store, running).state == State.RUNNING
    end(store, uid, claim, "deferred", wait_s=1)
    found = row(store, running)
    assert (found.state, found.journaled) == (State.KILLED, True)
    assert found.removed_at is not None
    with pytest.raises(UsageError, match="journal"):
        store.remove(pending)
    (failing,) = store.add([new()])
    end(store, uid, take_one(store, uid), "failed", error="x")
    assert store.remove(failing) == State.ERROR
    assert (row(store, failing).state, row(store, failing).journaled) == (State.ERROR, True)
    assert store.count() == 0


def test_removing_what_then_completes(store: JobStore) -> None:
    uid = worker(store)
    (number,) = store.add([new()])
    claim = take_one(store, uid)
    store.remove(number)
    end(store, uid, claim)
    found = row(store, number)
    assert (found.state, found.journaled, found.removed_at) == (State.COMPLETE, True, found.finished_at)


@pytest.mark.parametrize("kind", ["complete", "refused", "killed"])
def test_restarting_what_is_final(store: JobStore, kind: str) -> None:
    uid = worker(store)
    job = new(args={"x": 1}, attempts=4, priority=7, tag="t", properties='{"a": 1}')
    (old,) = store.add([job])
    end(store, uid, take_one(store, uid), kind, error="" if kind == "complete" else "x")
    again = store.restart(old)
    assert again > old
    found = row(store, again)
    assert (found.parent, found.state, found.trial, found.attempts_left, found.errors) == (old, State.PENDING, 0, 4, [])
    assert (found.args, found.priority, found.tag, found.properties) == ({"x": 1}, 7, "t", {"a": 1})
    assert found.digest == job.digest
    assert row(store, old).journaled
    with pytest.raises(JobExists) as refusal:
        store.restart(old)
    assert refusal.value.job == again
    with pytest.raises(JobExists):
        store.add([job])
    assert take_one(store, uid).trial == 1


def test_restarting_what_waits(store: JobStore) -> None:
    uid = worker(store)
    later, ready = store.add([new(wait_s=1000), new(priority=-1)])
    assert store.restart(later) == later
    claims = take(store, uid, 1)
    assert [claim.id for claim in claims] == [later]
    end(store, uid, claims[0], "deferred", wait_s=1000)
    assert store.restart(later) == later
    (claim,) = take(store, uid, 1)
    assert (claim.id, claim.trial) == (later, 2)
    with pytest.raises(UsageError, match="running"):
        store.restart(later)
    with pytest.raises(UsageError, match="ready"):
        store.restart(ready)
    (held,) = store.add([new(needs=(later,))])
    with pytest.raises(UsageError, match="waits for other jobs"):
        store.restart(held)
