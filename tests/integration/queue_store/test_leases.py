"""Workers come, hold jobs, and go; some die."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from gangline.errors import UsageError
from gangline.store.jobs.port import Ending, JobStore, Order, OutputLine, State
from tests.integration.queue_store.support import end, eventually, let_lease_end, new, row, take, take_one, worker


def test_workers_are_listed(store: JobStore) -> None:
    uid = store.register("w", "host1", 77, 8, 10.0)
    store.add([new(), new()])
    take(store, uid, 2)
    (found,) = store.workers()
    assert (found.uid, found.name, found.host, found.pid, found.slots) == (uid, "w", "host1", 77, 8)
    assert (found.lease_s, found.alive, found.halting, found.running) == (10.0, True, False, 2)
    assert found.started_at == found.heartbeat
    store.deregister(uid)
    assert store.workers() == []


def test_one_name_one_living_worker(store: JobStore) -> None:
    living = worker(store, "w", "somewhere")
    with pytest.raises(UsageError, match="somewhere"):
        worker(store, "w", "elsewhere")
    worker(store, "other", "elsewhere")
    store.deregister(living)
    first = worker(store, "w", "somewhere", lease_s=0.05)
    second = eventually(lambda: _registered(store, "w"))
    assert second != first
    store.deregister(second)
    assert worker(store, "w", "elsewhere")
    with pytest.raises(UsageError):
        store.register("z", "h", 1, 1, 0.0)


def _registered(store: JobStore, name: str) -> str | None:
    try:
        return worker(store, name, "elsewhere")
    except UsageError:
        return None


def test_a_worker_that_was_killed_here_does_not_keep_its_name(store: JobStore) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    store.register("w", socket.gethostname(), child.pid, 1, 100.0)
    assert store.register("w", socket.gethostname(), os.getpid(), 1, 100.0)
    with pytest.raises(UsageError, match=str(os.getpid())):
        store.register("w", socket.gethostname(), os.getpid(), 1, 100.0)


def test_a_lease_that_is_renewed_lasts(store: JobStore) -> None:
    uid = worker(store, lease_s=60.0)
    (number,) = store.add([new()])
    claim = take_one(store, uid)
    for _ in range(3):
        let_lease_end(store, number)
        before = store.now()
        result = store.renew(uid, [(claim.id, claim.fence)])
        assert (result.claimed, result.lost, result.orders, result.halt) == ([], [], [], False)
        lasts_until = row(store, number).lease_until
        assert lasts_until is not None
        assert before + 60 <= lasts_until <= store.now() + 60
        assert store.recover() == []
    let_lease_end(store, number)
    assert store.recover() == [number]
    assert store.renew(uid, [(claim.id, claim.fence)]).lost == [(claim.id, claim.fence)]
    assert row(store, number).state == State.PENDING


def test_a_job_that_wrote_its_completion_itself_is_not_lost(store: JobStore) -> None:
    uid = worker(store)
    store.add([new()])
    claim = take_one(store, uid)
    connection = store.connect()
    assert store.finish_within(connection, Ending(claim.id, claim.fence, "complete"))
    connection.commit()
    connection.close()
    assert store.renew(uid, [(claim.id, claim.fence)]).lost == []
    assert store.renew(uid, [(claim.id, claim.fence + 1)]).lost == [(claim.id, claim.fence + 1)]


def test_a_claim_that_its_worker_never_heard_of_comes_back(store: JobStore) -> None:
    uid = worker(store, lease_s=60.0)
    numbers = store.add([new(), new()])
    known, unknown = take(store, uid, 2)
    for claim in (known, unknown):
        let_lease_end(store, claim.id)
    assert store.renew(uid, [(known.id, known.fence)]).lost == []
    assert store.recover() == [numbers[1]]


def test_a_lease_ends_by_itself(store: JobStore) -> None:
    uid = worker(store, lease_s=0.5)
    (number,) = store.add([new()])
    claim = take_one(store, uid)
    until = row(store, number).lease_until
    assert until is not None
    assert eventually(store.recover) == [number]
    assert store.now() > until
    assert store.renew(uid, [(claim.id, claim.fence)]).lost == [(claim.id, claim.fence)]


def test_what_a_dead_worker_held_runs_again(store: JobStore) -> None:
    dead = worker(store, "dead", lease_s=0.02)
    numbers = store.add([new(priority=3), new(), new()])
    claims = take(store, dead, 2)
    assert sorted(eventually(store.recover)) == numbers[:2]
    assert store.recover() == []
    found = row(store, numbers[0])
    assert (found.state, found.trial, found.attempts_left, found.lost, found.errors) == (State.PENDING, 0, 1, 1, [])
    again = take(store, worker(store, "alive"), 5)
    assert [claim.id for claim in again] == numbers
    assert [claim.trial for claim in again] == [1, 1, 1]
    for claim in claims:
        assert not store.tell(claim.id, claim.fence, progress=0.5, output=[OutputLine("stdout", 1.0, "late")])
    assert store.output(numbers[0]) == []
    assert row(store, numbers[0]).progress is None


def test_who_kills_ten_workers_is_an_error(store: JobStore) -> None:
    (number,) = store.add([new(attempts=3)])
    for times in range(1, 11):
        uid = worker(store, f"w{times}", lease_s=0.001)
        take_one(store, uid)
        assert eventually(store.recover) == [number]
        assert row(store, number).lost == times
    found = row(store, number)
    assert (found.state, len(found.errors)) == (State.ERROR, 1)
    assert "10 times" in found.errors[0]["error"]


def test_who_was_to_be_killed_or_removed_is_not_run_again(store: JobStore) -> None:
    killed, removed = store.add([new(), new()])
    uid = worker(store, lease_s=0.02)
    take(store, uid, 2)
    assert store.kill(killed) == State.RUNNING
    assert store.remove(removed) == State.RUNNING
    assert sorted(eventually(store.recover)) == [killed, removed]
    assert (row(store, killed).state, row(store, killed).journaled) == (State.KILLED, False)
    assert (row(store, removed).state, row(store, removed).journaled) == (State.KILLED, True)


def test_who_takes_leave_gives_back_at_once(store: JobStore) -> None:
    uid = worker(store)
    numbers = store.add([new(), new()])
    claim = take(store, uid, 2)[0]
    store.deregister(uid)
    assert row(store, numbers[0]).lost == 0
    assert [claim.id for claim in take(store, worker(store, "next"), 5)] == numbers
    with pytest.raises(UsageError, match="not registered"):
        store.turn(uid, [Ending(claim.id, claim.fence, "complete")])
    with pytest.raises(UsageError, match="not registered"):
        store.renew(uid, [])


def test_orders_are_told_until_they_are_carried_out(store: JobStore) -> None:
    uid, other = worker(store), worker(store, "other")
    (number,) = store.add([new()])
    claim = take_one(store, uid)
    assert store.kill(number) == State.RUNNING
    order = Order(number, claim.fence, "kill")
    assert store.turn(uid).orders == [order]
    assert store.renew(uid, [(claim.id, claim.fence)]).orders == [order]
    assert store.turn(other).orders == []
    end(store, uid, claim, "failed", error="ended by a signal")
    assert row(store, number).state == State.KILLED
    assert store.turn(uid).orders == []


def test_who_is_complete_before_the_order_arrives_is_complete(store: JobStore) -> None:
    uid = worker(store)
    (number,) = store.add([new()])
    claim = take_one(store, uid)
    store.kill(number)
    end(store, uid, claim)
    assert row(store, number).state == State.COMPLETE
    assert store.turn(uid).orders == []


def test_halting(store: JobStore) -> None:
    uid = worker(store)
    assert not store.turn(uid).halt
    assert store.halt("w")
    assert not store.halt("nobody")
    store.add([new()])
    result = store.turn(uid, room=5)
    assert (result.halt, result.claimed) == (True, [])
    assert store.renew(uid, []).halt
    assert store.workers()[0].halting


def test_telling_of_progress(store: JobStore) -> None:
    uid = worker(store)
    (number,) = store.add([new()])
    claim = take_one(store, uid)
    assert row(store, number).heartbeat is None
    assert store.tell(claim.id, claim.fence, progress=0.25, message="a quarter", sources=["x"])
    first = row(store, number)
    assert (first.progress, first.message, first.sources) == (0.25, "a quarter", ["x"])
    assert first.heartbeat is not None
    assert store.tell(claim.id, claim.fence, output=[OutputLine("stdout", 1.0, "a"), OutputLine("error", 2.0, "b")])
    assert store.tell(claim.id, claim.fence, output=[OutputLine("stdout", 3.0, "c")], sources=["y", "x"])
    assert store.tell(claim.id, claim.fence, flag="wall")
    assert store.tell(claim.id, claim.fence, flag="zombie")
    found = row(store, number)
    assert (found.progress, found.message, found.sources) == (0.25, "a quarter", ["x", "y"])
    assert found.heartbeat == first.heartbeat
    assert found.wall_at is not None
    assert found.zombie_at is not None
    lines = store.output(number)
    assert [(one, line.text) for one, _, line in lines] == [(1, "a"), (2, "b"), (3, "c")]
    assert store.output(number, after=1, limit=1) == lines[1:2]
    assert not store.tell(claim.id, claim.fence + 1, progress=1.0)
    assert not store.tell(number + 1000, 1, progress=1.0)
