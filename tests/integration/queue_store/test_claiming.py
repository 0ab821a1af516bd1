"""Who gets which jobs, and in which order."""

from __future__ import annotations

import pytest

from gangline.errors import UsageError
from gangline.store.jobs.port import JobStore, Lane, State
from tests.integration.queue_store.support import LANE, end, eventually, new, row, take, take_one, worker

LIMITED = Lane("tests.Limited", max_parallel=2)
TOTAL = Lane("tests.Total", max_parallel_total=3)


def test_by_priority_then_age(store: JobStore) -> None:
    priorities = [0, 5, -1, 5, 0, 10, -1]
    numbers = store.add([new(priority=priority) for priority in priorities])
    expected = [number for _, number in sorted(zip([-p for p in priorities], numbers, strict=True))]
    uid = worker(store)
    assert [claim.id for claim in take(store, uid, 3)] == expected[:3]
    assert [claim.id for claim in take(store, uid, 10)] == expected[3:]
    assert take(store, uid, 10) == []


def test_by_priority_then_age_over_classes(store: JobStore) -> None:
    lanes = [Lane(f"tests.Kind{number}") for number in range(5)]
    jobs = [(lanes[number * 7 % 5], number * 11 % 4) for number in range(60)]
    numbers = store.add([new(lane, priority=priority) for lane, priority in jobs])
    expected = [
        number for _, number in sorted((-priority, number) for (_, priority), number in zip(jobs, numbers, strict=True))
    ]
    uid = worker(store)
    got: list[int] = []
    while claims := take(store, uid, 7):
        got += [claim.id for claim in claims]
    assert got == expected


def test_a_claim_tells_all_that_the_worker_needs(store: JobStore) -> None:
    lane = Lane("a.B", (), "/py", "/folder", True)
    (number,) = store.add([new(lane, {"x": 1}, priority=3, attempts=4, properties='{"a": 1}')])
    claim = take_one(store, worker(store, "me", "myhost"))
    assert (claim.id, claim.lane, claim.args, claim.properties) == (number, lane, '{"x": 1}', '{"a": 1}')
    assert (claim.priority, claim.trial, claim.attempts_left, claim.parent) == (3, 1, 4, None)
    found = row(store, number)
    assert (found.state, found.worker, found.host, found.pid, found.trial) == (State.RUNNING, "me", "myhost", 1, 1)
    assert found.started_at is not None
    assert found.lease_until is not None
    assert found.started_at == found.locked_at
    assert found.lease_until - found.started_at == pytest.approx(30, abs=1)
    assert found.enqueued_at == claim.enqueued_at


def test_nothing_is_taken_without_room(store: JobStore) -> None:
    store.add([new()])
    assert take(store, worker(store), 0) == []


def test_only_the_workers_that_are_named(store: JobStore) -> None:
    store.add([new(Lane("a.B", ("x", "y")))])
    assert take(store, worker(store, "z"), 5) == []
    assert len(take(store, worker(store, "y"), 5)) == 1


def test_only_forced_jobs_when_the_host_is_full(store: JobStore) -> None:
    store.add([new(priority=5)])
    (forced,) = store.add([new(Lane("a.B", force=True))])
    uid = worker(store)
    assert [claim.id for claim in take(store, uid, 5, forced_only=True)] == [forced]
    assert len(take(store, uid, 5)) == 1


def test_pauses_hold_back_what_they_name(store: JobStore) -> None:
    store.add([new(), new(Lane("tests.Other"))])
    here, there = worker(store, "here", "h1"), worker(store, "there", "h2")
    store.pause("queue", reason="night")
    assert take(store, here, 5) == []
    assert store.resume("queue")
    store.pause("host", "h1")
    store.pause("class", "tests.Job", "broken")
    store.pause("class", "tests.Job", "again")
    assert take(store, here, 5) == []
    assert [claim.lane.name for claim in take(store, there, 5)] == ["tests.Other"]
    assert [(pause.scope, pause.name, pause.reason) for pause in store.pauses()] == [
        ("class", "tests.Job", "broken"), ("host", "h1", ""),
    ]  # fmt: skip
    assert store.resume("class", "tests.Job")
    assert not store.resume("class", "tests.Job")
    assert take(store, here, 5) == []
    assert len(take(store, there, 5)) == 1
    for scope, name in (("queue", "x"), ("class", ""), ("planet", "earth")):
        with pytest.raises(UsageError):
            store.pause(scope, name)  # type: ignore[arg-type]


def test_a_limit_per_host(store: JobStore) -> None:
    store.add([new(LIMITED) for _ in range(10)])
    one, two, elsewhere = worker(store, "a", "h1"), worker(store, "b", "h1"), worker(store, "c", "h2")
    first = take(store, one, 5)
    assert len(first) == 2
    assert take(store, two, 5) == []
    assert len(take(store, elsewhere, 1)) == 1
    assert len(take(store, elsewhere, 5)) == 1
    end(store, one, first[0])
    assert len(take(store, two, 5)) == 1
    assert take(store, one, 5) == []


def test_a_limit_over_all_hosts(store: JobStore) -> None:
    store.add([new(TOTAL) for _ in range(10)])
    one, two = worker(store, "a", "h1"), worker(store, "b", "h2")
    first = take(store, one, 2)
    assert len(first) == 2
    assert len(take(store, two, 5)) == 1
    assert take(store, two, 5) == []
    assert store.turn(one, [], room=5).claimed == []
    end(store, one, first[0], "released")
    assert len(take(store, two, 5)) == 1


def test_a_class_that_is_full_does_not_stand_in_the_way(store: JobStore) -> None:
    store.add([new(LIMITED, priority=9) for _ in range(50)])
    others = store.add([new(), new()])
    uid = worker(store)
    assert [claim.lane.name for claim in take(store, uid, 3)] == ["tests.Limited", "tests.Limited", "tests.Job"]
    assert [claim.id for claim in take(store, uid, 3)] == others[1:]


def test_a_limit_counts_the_class_however_its_jobs_differ(store: JobStore) -> None:
    store.add([new(LIMITED._replace(folder=folder)) for folder in "abcdef"])
    store.add([new(LIMITED._replace(max_parallel=3))])
    uid = worker(store)
    assert len(take(store, uid, 9)) == 3  # two of the first kind, and the one that may be third


def test_ahead_of_named_classes(store: JobStore) -> None:
    short, unknown = Lane("tests.Short"), Lane("tests.Unknown")
    store.add([new(short) for _ in range(40)])
    store.add([new(unknown, priority=1) for _ in range(5)])
    store.add([new(LIMITED, priority=1) for _ in range(5)])
    uid = worker(store)
    claims = take(store, uid, 3, ahead={"tests.Short": 20, "tests.Limited": 20})
    names = [claim.lane.name for claim in claims]
    assert len(names) == 20
    assert names.count("tests.Unknown") + names.count("tests.Limited") == 3
    assert names.count("tests.Short") == 17
    names = [claim.lane.name for claim in take(store, uid, 0, ahead={"tests.Short": 9})]
    assert names == ["tests.Short"] * 9
    assert len(take(store, uid, 5, ahead={"tests.Short": 2})) == 5


def test_jobs_for_later_wait(store: JobStore) -> None:
    uid = worker(store)
    assert store.turn(uid, room=5).next_in_s is None
    (much_later,) = store.add([new(wait_s=1000)])
    result = store.turn(uid, room=5)
    assert result.claimed == []
    assert result.next_in_s is not None
    assert 500 < result.next_in_s <= 1000
    (later,) = store.add([new(wait_s=0.3)])
    claims = eventually(lambda: take(store, uid, 5))
    assert [claim.id for claim in claims] == [later]
    found = row(store, later)
    assert found.query_at is not None
    assert found.started_at is not None
    assert found.enqueued_at + 0.3 <= found.query_at <= found.started_at
    left = store.turn(uid).next_in_s
    assert left is not None
    assert 500 < left <= 1000
    found = row(store, much_later)
    assert found.query_at is not None
    assert found.query_at - found.enqueued_at == pytest.approx(1000, abs=1)


def test_a_late_job_with_priority_is_next(store: JobStore) -> None:
    store.add([new() for _ in range(2000)])
    (urgent,) = store.add([new(priority=10)])
    assert take_one(store, worker(store)).id == urgent


def test_many_lanes(store: JobStore) -> None:
    numbers = store.add([new(LANE._replace(folder=f"f{number}")) for number in range(200)])
    assert [claim.id for claim in take(store, worker(store), 150)] == numbers[:150]


def test_who_is_not_registered_gets_nothing(store: JobStore) -> None:
    store.add([new()])
    for uid in ("0000000000000001", "nonsense", ""):
        with pytest.raises(UsageError):
            store.turn(uid, room=1)
        with pytest.raises(UsageError):
            store.renew(uid, [])
    assert store.count_states() == {State.PENDING: 1}
