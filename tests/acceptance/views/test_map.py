"""V17: map and imap."""

from __future__ import annotations

import itertools
import threading

import pytest

import gangline.views as ipp


def doubling(failing=()):
    def double(x):
        if x in failing:
            raise ValueError(x)
        return 2 * x

    return double


@pytest.fixture(params=["load-balanced", "direct"])
def any_view(request, any_rc):
    return any_rc.load_balanced_view() if request.param == "load-balanced" else any_rc[:]


@pytest.mark.parametrize("empty", [[], (), range(0), iter([]), "", {}], ids=lambda e: type(e).__name__)
def test_v17_empty(any_view, empty):
    ar = any_view.map(doubling(), empty)
    assert isinstance(ar, ipp.AsyncMapResult)
    assert len(ar) == 0
    assert ar == []
    assert list(ar) == []
    assert ar.get(timeout=60) == []
    assert ar.ready()
    assert ar.successful()
    assert any_view.map_sync(doubling(), []) == []


def test_v17_unequal_lengths_shortest_decides(any_view):
    assert any_view.map_sync(lambda a, b: (a, b), [1, 2, 3], "ab") == [(1, "a"), (2, "b")]


def test_v17_generator(any_view):
    assert any_view.map_sync(doubling(), (n for n in range(7))) == [0, 2, 4, 6, 8, 10, 12]


@pytest.fixture
def counted():
    """Endless items, and how many of them have been taken."""
    taken = []

    def endless():
        for n in itertools.count():
            taken.append(n)
            yield n

    endless.taken = taken
    return endless


@pytest.mark.parametrize("limit", ["auto", 1, 3])
def test_v17_imap_consumes_lazily_and_looks_ahead_bounded(both_rc, counted, until, limit):
    others = set(threading.enumerate())
    results = both_rc.load_balanced_view().imap(doubling(), counted(), max_outstanding=limit)
    readers = [each for each in set(threading.enumerate()) - others if each.name == "gangline-map"]
    try:
        assert [next(results) for _ in range(10)] == [2 * n for n in range(10)]
        before = [-1]
        until(lambda: before.append(len(counted.taken)) or (both_rc.wait(timeout=0.2) and before[-1] == before[-2]))
        assert len(counted.taken) < (5_000 if limit == "auto" else 100)
    finally:
        results.cancel()
    both_rc.wait(timeout=60)
    until(lambda: not any(each.is_alive() for each in readers), what="the end of reading")
    count = len(counted.taken)
    assert both_rc.load_balanced_view().apply_sync(lambda: "usable") == "usable"
    assert len(counted.taken) == count


@pytest.mark.parametrize("limit", [1, 2])
def test_v17_imap_max_outstanding(both_rc, gate, counted, limit):
    results = both_rc.load_balanced_view().imap(gate.hold(), counted(), max_outstanding=limit)
    gate.wait_for(limit)
    assert not both_rc.wait(timeout=0.05)
    assert len(gate.started) == limit
    assert len(counted.taken) <= limit + 1
    gate.open()
    next(results)
    results.cancel()


def test_v17_imap_of_an_iterator_that_raises(any_rc):
    def items():
        yield 1
        raise LookupError("no more")

    results = any_rc.load_balanced_view().imap(doubling(), items())
    with pytest.raises(LookupError):
        list(results)


@pytest.mark.parametrize("chunksize", [1, 2, 7, 100, None])
def test_v17_chunk_size(any_rc, chunksize):
    view = any_rc.load_balanced_view()
    ar = view.map(doubling(), range(23), chunksize=chunksize)
    assert ar.get(timeout=60) == [2 * n for n in range(23)]
    assert len(ar) == 23
    assert list(ar) == ar.get()


@pytest.mark.parametrize("chunksize", [0, -1, "3", 1.5])
def test_v17_wrong_chunk_size(any_rc, chunksize):
    with pytest.raises((ValueError, TypeError)):
        any_rc.load_balanced_view().map(doubling(), range(3), chunksize=chunksize)


def test_v17_items_are_balanced(rc, gate):
    held = gate.hold()

    def task(n):
        import os

        if n == 0:
            held()
        return os.getpid()

    ar = rc.load_balanced_view().map(task, range(40), chunksize=1)
    gate.wait_for(1)
    stream = ar.split()
    others = {part.get(timeout=60)[0] for part in stream[1:]}
    gate.open()
    assert len(others) == 1
    assert ar.get(timeout=60)[0] not in others


def test_v17_ordered_false_as_they_come(both_rc, gate):
    held = gate.hold()

    def task(n):
        return held() or n if n == 0 else n

    ar = both_rc.load_balanced_view().map(task, range(6), ordered=False, chunksize=1)
    gate.wait_for(1)
    stream = iter(ar)
    first = [next(stream) for _ in range(5)]
    assert sorted(first) == [1, 2, 3, 4, 5]
    gate.open()
    assert list(stream) == [0]
    assert ar.get(timeout=60) == list(range(6))


def test_v17_iteration_gives_results_as_they_arrive_in_order(both_rc, gate):
    held = gate.hold()

    def task(n):
        return held() or n if n == 3 else n

    stream = iter(both_rc.load_balanced_view().map(task, range(6), chunksize=1))
    assert [next(stream) for _ in range(3)] == [0, 1, 2]
    gate.open()
    assert list(stream) == [3, 4, 5]


@pytest.mark.parametrize("chunksize", [1, 4, None])
def test_v17_return_exceptions_per_item(any_rc, chunksize):
    ar = any_rc.load_balanced_view().map(
        doubling(failing=[2, 5]), range(8), chunksize=chunksize, return_exceptions=True
    )
    found = ar.get(timeout=60)
    assert [n for n, one in enumerate(found) if isinstance(one, ipp.RemoteError)] == [2, 5]
    assert all(isinstance(found[n], ValueError) for n in (2, 5))
    assert [one for one in found if not isinstance(one, Exception)] == [0, 2, 6, 8, 12, 14]


@pytest.mark.parametrize("chunksize", [1, 4, None])
def test_v17_the_error_arrives_at_its_item(any_rc, chunksize):
    stream = iter(any_rc.load_balanced_view().map(doubling(failing=[5]), range(8), chunksize=chunksize))
    assert [next(stream) for _ in range(5)] == [0, 2, 4, 6, 8]
    with pytest.raises(ipp.RemoteError) as caught:
        next(stream)
    assert "5" in str(caught.value)


def test_v17_error_in_one_item_with_get(any_view):
    ar = any_view.map(doubling(failing=[3]), range(8))
    with pytest.raises(ipp.RemoteError) as caught:
        ar.get(timeout=60)
    assert "ValueError" in str(caught.value)
    assert not ar.successful()


def test_v17_imap_return_exceptions(any_rc):
    found = list(any_rc.load_balanced_view().imap(doubling(failing=[1]), range(3), return_exceptions=True))
    assert found[0] == 0
    assert isinstance(found[1], ValueError)
    assert found[2] == 4


def test_v17_imap_unordered(both_rc, gate):
    held = gate.hold()

    def task(n):
        return held() or n if n == 0 else n

    results = both_rc.load_balanced_view().imap(task, range(5), ordered=False, max_outstanding=4)
    assert sorted(next(results) for _ in range(4)) == [1, 2, 3, 4]
    gate.open()
    assert list(results) == [0]


def test_v17_many_items(rc):
    assert rc.load_balanced_view().map_sync(doubling(), range(100_000)) == list(range(0, 200_000, 2))


def test_v17_slow_generator_does_not_hold_up_the_first_results(rc, gate, until):
    asked = []

    def items():
        for n in range(4):
            asked.append(n)
            yield n

    results = rc.load_balanced_view().imap(doubling(), items(), max_outstanding=1)
    assert next(results) == 0
    assert len(asked) < 4
    assert list(results) == [2, 4, 6]


def test_v17_parallel_decorator(any_view):
    @any_view.parallel(block=True)
    def ten_times(x):
        return 10 * x

    assert ten_times.map(range(5)) == [0, 10, 20, 30, 40]
    assert ten_times.map([]) == []


def test_v17_map_cancel(both_rc, gate):
    held = [both_rc[engine].apply_async(gate.hold()) for engine in (0, 1)]
    gate.wait_for(2)
    ar = both_rc.load_balanced_view().map_async(doubling(), range(10), chunksize=1)
    assert ar.cancel()
    assert ar.cancelled()
    gate.open()
    both_rc.wait(held, timeout=60)
