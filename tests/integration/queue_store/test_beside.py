"""Cookies, values, schedules, the clock, and waiting for changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gangline.errors import StoreError, UsageError
from gangline.store.jobs.port import JobStore, Lane
from tests.integration.queue_store.conftest import Open
from tests.integration.queue_store.support import end, new, row, take, take_one, worker


def test_cookies(store: JobStore) -> None:
    assert store.cookie("a.B") == {}
    assert store.change_cookie("a.B", "set", "x", {"y": [1, None]}) == {"y": [1, None]}
    assert store.change_cookie("a.B", "inc", "n", 2) == 2
    assert store.change_cookie("a.B", "inc", "n", 0.5) == 2.5
    assert store.change_cookie("a.B", "max", "n", 1) == 2.5
    assert store.change_cookie("a.B", "max", "n", 7) == 7
    assert store.change_cookie("a.B", "min", "n", 3) == 3
    assert store.change_cookie("a.B", "set", "n'--", "t") == "t"
    assert store.cookie("a.B") == {"x": {"y": [1, None]}, "n": 3, "n'--": "t"}
    assert store.cookie("other") == {}
    for action, key, value in [
        ("inc", "x", 1),
        ("inc", "n", "1"),
        ("max", "n", None),
        ("set", "n", {1, 2}),
        ("inc", "n", True),
    ]:
        with pytest.raises(UsageError):
            store.change_cookie("a.B", action, key, value)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        store.change_cookie("a.B", "drop", "n", 1)  # type: ignore[arg-type]
    store.delete_cookie("a.B", "n")
    assert set(store.cookie("a.B")) == {"x", "n'--"}
    store.delete_cookie("a.B")
    assert store.cookie("a.B") == {}


def test_counting_by_many_at_once(open_queue: Open) -> None:
    stores = [open_queue() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: stores[number % 4].change_cookie("a.B", "inc", "n", 1), range(200)))
    assert stores[0].cookie("a.B") == {"n": 200}


def test_values(store: JobStore) -> None:
    assert store.read_value("k") is None
    assert store.write_value("k", b"\0\xff" * 1000)
    assert store.read_value("k") == b"\0\xff" * 1000
    assert not store.write_value("k", b"new", expect=b"wrong")
    assert not store.write_value("k", b"new", expect=None)
    assert store.write_value("k", b"new", expect=b"\0\xff" * 1000)
    assert store.write_value("fresh", b"", expect=None)
    assert store.read_value("fresh") == b""
    store.write_value("k%_/ä", b"1")
    assert store.keys() == sorted(["k", "fresh", "k%_/ä"])
    assert store.keys("k%") == ["k%_/ä"]
    assert store.keys("'") == []
    assert store.write_value("k", None, expect=b"new")
    assert store.read_value("k") is None
    assert store.write_value("k", None)
    with pytest.raises(UsageError):
        store.write_value("", b"x")


def test_only_one_of_many_writes_what_is_absent(open_queue: Open) -> None:
    stores = [open_queue() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for round_number in range(20):
            name = f"lock {round_number}"
            won = pool.map(lambda store, name=name: store.write_value(name, b"x", expect=None), stores)  # type: ignore[misc]
            assert sum(won) == 1


def test_schedules(store: JobStore) -> None:
    job = new(Lane("a.B", ("w",), max_parallel=2), {"x": "ä"}, priority=2, needs_classes=("c.D",), tag="t")
    number = store.add_schedule("nightly", "0 3 * * *", "Europe/Berlin", "all", job, 1000.0)
    (found,) = store.schedules()
    assert (found.id, found.name, found.line, found.timezone, found.missed) == (
        number, "nightly", "0 3 * * *", "Europe/Berlin", "all",
    )  # fmt: skip
    assert (found.job, found.next_at, found.last_at) == (job, 1000.0, None)
    entered = store.fire_schedule(number, 1000.0, 2000.0, [new(), new()])
    assert entered is not None
    assert len(entered) == 2
    assert store.fire_schedule(number, 1000.0, 2000.0, [new()]) is None
    assert store.fire_schedule(number, 2000.0, 3000.0, []) == []
    assert (store.schedules()[0].next_at, store.schedules()[0].last_at) == (3000.0, 2000.0)
    assert store.count() == 2
    again = store.add_schedule("nightly", "0 4 * * *", "", "one", job, 500.5)
    assert (again, len(store.schedules()), store.schedules()[0].line) == (number, 1, "0 4 * * *")
    assert store.turn(worker(store)).next_in_s == 0
    assert store.remove_schedule(number)
    assert not store.remove_schedule(number)
    assert store.schedules() == []


def test_a_schedule_enters_what_is_not_final_yet(store: JobStore) -> None:
    job = new(args={"daily": 1})
    (first,) = store.add([job])
    number = store.add_schedule("s", "* * * * *", "", "one", job, 10.0)
    other = new()
    entered = store.fire_schedule(number, 10.0, 60.0, [job, other, other])
    assert entered is not None
    assert entered > [first]
    assert [row(store, one).unique for one in entered] == [False, True, False]


def test_one_of_many_fires_a_schedule(open_queue: Open) -> None:
    stores = [open_queue() for _ in range(4)]
    number = stores[0].add_schedule("s", "* * * * *", "", "one", new(), 0.0)
    with ThreadPoolExecutor(4) as pool:
        for time_s in range(20):
            fired = list(
                pool.map(lambda store, at=float(time_s): store.fire_schedule(number, at, at + 1, [new()]), stores)  # type: ignore[misc]
            )
            assert sum(one is not None for one in fired) == 1
    assert stores[0].count() == 20


def test_the_clock(store: JobStore) -> None:
    first = store.now()
    assert abs(first - time.time()) < 60
    assert store.now() >= first


def test_a_change_wakes_who_waits(open_queue: Open) -> None:
    store, other = open_queue(), open_queue()
    uid = worker(store)
    (running,) = store.add([new()])
    take_one(store, uid)
    other.pause("queue")
    changes: list[Callable[[], object]] = [
        lambda: other.add([new()]),
        lambda: other.kill(running),
        lambda: other.resume("queue"),
        lambda: other.halt("w"),
        lambda: other.add([new(wait_s=5)]),
    ]
    for change in changes:
        while store.wait_for_change(0.03):
            pass
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(store.wait_for_change, 60.0)
            change()
            assert waiting.result()


def test_what_happened_before_is_not_missed(open_queue: Open) -> None:
    store, other = open_queue(), open_queue()
    while store.wait_for_change(0.03):
        pass
    other.add([new()])
    assert store.wait_for_change(60.0)
    while store.wait_for_change(0.03, ends=True):
        pass
    assert not store.wait_for_change(0.05)


def test_the_end_of_a_job_wakes_who_waits_for_it(open_queue: Open) -> None:
    store, other = open_queue(), open_queue()
    uid = worker(other)
    other.add([new() for _ in range(3)])
    for kind in ("complete", "refused", "killed"):
        (claim,) = take(other, uid)
        while store.wait_for_change(0.03, ends=True):
            pass
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(store.wait_for_change, 60.0, ends=True)
            end(other, uid, claim, kind)
            assert waiting.result()


def test_waking_from_another_thread(store: JobStore) -> None:
    while store.wait_for_change(0.03):
        pass
    timer = threading.Timer(0.05, store.wake)
    timer.start()
    assert store.wait_for_change(60.0)
    timer.join()
    store.wake()
    assert store.wait_for_change(60.0)
    assert not store.wait_for_change(0.02)


def test_nothing_works_after_close(open_queue: Open) -> None:
    store = open_queue()
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.add([new()])
    with pytest.raises(StoreError, match="closed"):
        store.wait_for_change(0.01)
