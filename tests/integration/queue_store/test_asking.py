"""Finding and counting jobs, explaining them, and forgetting old ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gangline.errors import UsageError
from gangline.store.jobs.port import JobStore, Lane, OutputLine, State
from tests.integration.queue_store.support import end, new, row, take, take_one, worker

ARGS: list[dict[str, Any]] = [
    {"a": 1, "s": "x", "deep": {"er": {"k": 1}}},
    {"a": 2.5, "s": "y", "flag": True},
    {"a": "1", "s": "ä", "flag": False},
    {"a": None, "s": "Z"},
    {"a": [1, 2], "s": "", "flag": 1},
    {"odd.key": 1, "s": "' OR 1=1 --", "deep": "er"},
]


@pytest.fixture
def jobs(store: JobStore) -> list[int]:
    return store.add([new(args=args, priority=place, tag=f"t{place % 2}") for place, args in enumerate(ARGS)])


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [0, 1, 2, 3, 4, 5]),
    ({"args.a": 1}, [0]),
    ({"args.a": 1.0}, [0]),
    ({"args.a": "1"}, [2]),
    ({"args.a": True}, []),
    ({"args.a": None}, [3, 5]),
    ({"args.flag": True}, [1]),
    ({"args.flag": False}, [2]),
    ({"args.flag": 1}, [4]),
    ({"args.deep.er.k": 1}, [0]),
    ({"args.deep.er": "k"}, []),
    ({"args.deep": "er"}, [5]),
    ({"args.s": "' OR 1=1 --"}, [5]),
    ({"args.s": {"$in": ["x", "y", 3, None]}}, [0, 1]),
    ({"args.a": {"$in": [1, "1", None]}}, [0, 2, 3, 5]),
    ({"args.a": {"$in": []}}, []),
    ({"args.a": {"$nin": []}}, [0, 1, 2, 3, 4, 5]),
    ({"args.a": {"$nin": [1, None]}}, [1, 2, 4]),
    ({"args.a": {"$ne": 1}}, [1, 2, 3, 4, 5]),
    ({"args.a": {"$gt": 1}}, [1]),
    ({"args.a": {"$gte": 1, "$lt": 2}}, [0]),
    ({"args.a": {"$lte": 2.5}}, [0, 1]),
    ({"args.s": {"$gt": "x"}}, [1, 2]),
    ({"args.s": {"$lt": "a"}}, [3, 4, 5]),
    ({"args.a": {"$exists": True}}, [0, 1, 2, 3, 4]),
    ({"args.a": {"$exists": False}}, [5]),
    ({"args.deep.er": {"$exists": True}}, [0]),
    ({"priority": 3}, [3]),
    ({"priority": {"$in": [1, 4, 77]}}, [1, 4]),
    ({"priority": {"$gte": 2, "$ne": 3}}, [2, 4, 5]),
    ({"priority": "3"}, []),
    ({"tag": "t1", "priority": {"$lt": 4}}, [1, 3]),
    ({"tag": {"$nin": ["t1"]}}, [0, 2, 4]),
    ({"$or": [{"priority": 0}, {"tag": "t1", "args.s": "Z"}]}, [0, 3]),
    ({"$and": [{"tag": "t0"}, {"$or": [{"priority": 0}, {"priority": 1}]}]}, [0]),
    ({"state": "pending"}, [0, 1, 2, 3, 4, 5]),
    ({"state": {"$in": ["running", "error"]}}, []),
    ({"name": "tests.Job", "hidden": False, "unique": True, "journaled": False}, [0, 1, 2, 3, 4, 5]),
    ({"hidden": True}, []),
    ({"parent": None, "started_at": None}, [0, 1, 2, 3, 4, 5]),
    ({"parent": {"$exists": True}}, []),
    ({"enqueued.at": {"$gt": datetime(2000, 1, 1, tzinfo=UTC)}}, [0, 1, 2, 3, 4, 5]),
    ({"enqueued.at": {"$lt": datetime(2000, 1, 1, tzinfo=UTC)}}, []),
    ({"locked.worker": None, "last_error": None}, [0, 1, 2, 3, 4, 5]),
    ({"sources": "x"}, []),
    ({"result.x": {"$exists": True}}, []),
]


def test_filters(store: JobStore, jobs: list[int]) -> None:
    for where, places in FILTERS:
        assert [jobs.index(found.id) for found in store.find(where)] == places, where
        assert store.count(where) == len(places)
        assert sum(store.count_states(where).values()) == len(places)


NO_FILTERS: list[Any] = [
    {"nonsense": 1}, {"args": 1}, {"args.": 1}, {"args.a..b": 1}, {'args.a"b': 1}, {"$where": "1"}, {"$or": []},
    {"$or": {}}, {"$and": [1]}, {"args.a": {"$regex": "x"}}, {"args.a": {}}, {"args.a": {"b": 1}}, {"args.a": [1, 2]},
    {"a": {"$in": 1}}, {"args.a": {"$in": "abc"}}, {"args.a": {"$exists": 1}}, {"args.a": {"$gt": None}}, {1: 2}, [],
    {"args.a": 2**70}, {"args.a": float("nan")}, {"args.a": datetime(2000, 1, 1)}, {"priority": {"$gt": "x"}},  # noqa: DTZ001
    {"state": object()}, {"sources": {"$gt": "x"}}, "x",
]  # fmt: skip


def test_what_is_no_filter_is_refused(store: JobStore) -> None:
    for where in NO_FILTERS:
        with pytest.raises(UsageError):
            store.count(where)


def test_a_filter_that_is_nested_without_end(store: JobStore) -> None:
    where: dict[str, Any] = {"priority": 1}
    for _ in range(30):
        where = {"$or": [where]}
    with pytest.raises(UsageError, match="nested"):
        store.count(where)


def test_ids_as_text(store: JobStore, jobs: list[int]) -> None:
    assert [found.id for found in store.find({"_id": str(jobs[2])})] == [jobs[2]]
    assert store.count({"id": {"$in": [str(jobs[0]), jobs[1], "x", "9" * 40]}}) == 2


def test_order_and_pages(store: JobStore, jobs: list[int]) -> None:
    assert [found.id for found in store.find(order="-priority", limit=2, offset=1)] == [jobs[4], jobs[3]]
    assert [found.id for found in store.find(order="-id")] == jobs[::-1]
    assert [found.id for found in store.find(order="tag")] == jobs[0::2] + jobs[1::2]
    assert store.find(limit=0) == []
    for order in ("nonsense", "id; DROP TABLE jobs", "sources", "args.a", ""):
        with pytest.raises(UsageError):
            store.find(order=order)


def test_queue_and_journal(store: JobStore, jobs: list[int]) -> None:
    uid = worker(store)
    claims = take(store, uid, 3)
    end(store, uid, claims[0], result='{"x": {"y": 5}}', sources=("file'1", "file2"))
    end(store, uid, claims[1], "failed", error="x")
    done, failed, running = (claim.id for claim in claims)
    assert store.count() == 5
    assert store.count(journal=True) == 1
    assert store.count(journal=None) == 6
    assert store.count_states() == {State.COMPLETE: 1, State.ERROR: 1, State.RUNNING: 1, State.PENDING: 3}
    assert store.count_states(journal=False) == {State.ERROR: 1, State.RUNNING: 1, State.PENDING: 3}
    for where in (
        {"result.x.y": 5},
        {"sources": "file'1"},
        {"sources": {"$in": ["nope", "file2"]}},
        {"journaled": True},
    ):
        assert [found.id for found in store.find(where, journal=None)] == [done]
    assert [found.id for found in store.find({"locked.worker": "w"}, journal=None)] == sorted([done, failed, running])
    assert [found.id for found in store.find({"last_error": "x"})] == [failed]
    assert {found.id for found in store.find()} == set(jobs) - {done}


def test_blockers(store: JobStore) -> None:
    uid = worker(store, "w", "h1")
    limited = Lane("tests.Limited", ("w", "x"), max_parallel=1)
    first, second = store.add([new(limited), new(limited)])
    (before,) = store.add([new(priority=4)])
    (held,) = store.add([new(needs=(first,), needs_classes=("tests.Never",))])
    (later,) = store.add([new(wait_s=1000)])
    store.pause("class", "tests.Limited", "why")
    store.pause("class", "tests.Else")
    store.resume("class", "tests.Limited")
    assert {claim.id for claim in take(store, uid, 2)} == {first, before}
    store.pause("class", "tests.Limited", "why")
    facts = store.blockers(second)
    assert (facts["state"], facts["ready"], facts["before"], facts["needs"]) == ("pending", True, 0, [])
    assert [(pause["scope"], pause["name"], pause["reason"]) for pause in facts["pauses"]] == [
        ("class", "tests.Limited", "why")
    ]
    assert facts["limits"] == {"max_parallel": 1, "max_parallel_total": None, "running": {"h1": 1}, "running_total": 1}
    assert [(one["name"], one["may_take"], one["alive"]) for one in facts["workers"]] == [("w", True, True)]
    assert store.blockers(held)["needs"] == [
        {"job": first, "state": "running"}, {"class": "tests.Never", "job": None, "state": None},
    ]  # fmt: skip
    facts = store.blockers(later)
    assert facts["query_at"] == row(store, later).query_at
    assert row(store, later).enqueued_at <= facts["now"] <= store.now()
    store.add([new(priority=9), new(priority=-1)])
    assert store.blockers(second)["before"] == 1


def test_purging(store: JobStore) -> None:
    uid = worker(store)
    store.add([new(attempts=2), new(), new(), new(), new()])
    one, two, three, four, _ = take(store, uid, 5)
    end(store, uid, one, output=(OutputLine("stdout", 1.0, "x"),))
    end(store, uid, two, "failed", error="x")
    end(store, uid, three)
    end(store, uid, four, "killed")
    store.remove(four.id)
    assert store.purge(1000) == 0
    assert store.purge(0.0) == 2
    assert store.get(one.id) is None
    assert store.output(one.id) == []
    assert store.purge(0.0, states=[State.ERROR, State.KILLED]) == 2
    assert store.count_states() == {State.RUNNING: 1}
    with pytest.raises(UsageError):
        store.purge(0, states=[State.PENDING])
    (number,) = store.add([new()])
    assert number > 5
    assert row(store, number).errors == []


def test_ids_are_not_used_again(store: JobStore) -> None:
    uid = worker(store)
    (number,) = store.add([new()])
    end(store, uid, take_one(store, uid))
    assert store.purge(0.0) == 1
    assert store.add([new()]) > [number]
