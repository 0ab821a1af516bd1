import concurrent.futures
import time

import pytest


def square(x):
    return x * x


def test_as_any_executor(view):
    with view.executor as executor:
        assert isinstance(executor, concurrent.futures.Executor)
        assert executor.submit(square, 3).result() == 9
        results = executor.map(square, range(500))
        again = executor.map(square, range(9), chunksize=2)
        lazy = executor.map(square, range(9), max_outstanding=2)
        assert list(lazy) == [x * x for x in range(9)]
    assert list(results) == [x * x for x in range(500)]
    assert list(again) == [x * x for x in range(9)]


def test_nothing_after_the_shutdown(view):
    executor = view.executor
    executor.shutdown()
    with pytest.raises(RuntimeError):
        executor.submit(square, 1)
    with pytest.raises(RuntimeError):
        executor.map(square, [1])


def test_a_time_limit_on_the_results(view, gate):
    results = view.executor.map(gate.wait, [240], timeout=0.01)
    with pytest.raises(TimeoutError):
        next(results)


def test_cancelling_what_has_not_started(rc, view, gate):
    executor = view.executor
    futures = [executor.submit(gate.wait, 240) for _ in range(2)]
    deadline = time.monotonic() + 60
    while not all(each.running() for each in futures) and time.monotonic() < deadline:
        rc.wait(timeout=0.001)
    waiting = executor.submit(square, 1)
    executor.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(concurrent.futures.CancelledError):
        waiting.result()
    gate.set()
    executor.shutdown()
    assert [each.result() for each in futures] == [True, True]


def test_a_direct_view_has_one_too(rc):
    assert list(rc[:].executor.map(square, range(5))) == [0, 1, 4, 9, 16]
