"""V27: results as futures, in asyncio, with callbacks; views as executors; joblib."""

from __future__ import annotations

import asyncio
import concurrent.futures
import math
import threading

import pytest

import gangline.views as ipp


def double(x):
    return 2 * x


@pytest.fixture
def doubling():
    def double(x):
        return 2 * x

    return double


def test_v27_cancel_before_it_starts(both_rc, gate):
    held = both_rc[0].apply_async(gate.hold())
    gate.wait_for(1)
    ar = both_rc[0].apply_async(int)
    assert ar.cancel()
    assert ar.cancelled()
    assert ar.done()
    assert ar.ready()
    with pytest.raises((concurrent.futures.CancelledError, ipp.error.TaskAborted)):
        ar.result(timeout=60)
    gate.open()
    held.get(timeout=60)


def test_v27_cancel_when_running_is_false(both_rc, gate):
    ar = both_rc[0].apply_async(gate.hold("went on"))
    gate.wait_for(1)
    assert ar.cancel() is False
    assert not ar.cancelled()
    gate.open()
    assert ar.get(timeout=60) == "went on"
    assert ar.cancel() is False


def test_v27_concurrent_futures_wait(both_rc, gate, doubling):
    view = both_rc.load_balanced_view()
    held = view.apply_async(gate.hold())
    gate.wait_for(1)
    quick = view.apply_async(doubling, 2)
    done, pending = concurrent.futures.wait([held, quick], return_when=concurrent.futures.FIRST_COMPLETED, timeout=60)
    assert (done, pending) == ({quick}, {held})
    gate.open()
    done, pending = concurrent.futures.wait([held, quick], timeout=60)
    assert (len(done), len(pending)) == (2, 0)


def test_v27_concurrent_futures_wait_for_an_exception(both_rc, gate):
    view = both_rc.load_balanced_view()
    held = view.apply_async(gate.hold())
    gate.wait_for(1)
    bad = view.apply_async(lambda: 1 / 0)
    done, _ = concurrent.futures.wait([held, bad], return_when=concurrent.futures.FIRST_EXCEPTION, timeout=60)
    assert done == {bad}
    gate.open()
    held.get(timeout=60)


def test_v27_as_completed(both_rc, gate, doubling):
    view = both_rc.load_balanced_view()
    held = view.apply_async(gate.hold("last"))
    gate.wait_for(1)
    ars = [view.apply_async(doubling, n) for n in range(10)]
    stream = concurrent.futures.as_completed([held, *ars], timeout=60)
    first = [next(stream) for _ in range(10)]
    assert sorted(ar.result() for ar in first) == [2 * n for n in range(10)]
    gate.open()
    assert next(stream).result() == "last"


def test_v27_mixed_with_other_futures(any_rc, doubling):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        futures = [pool.submit(double, 1), any_rc.load_balanced_view().apply_async(doubling, 2)]
        assert sorted(f.result() for f in concurrent.futures.as_completed(futures, timeout=60)) == [2, 4]


def test_v27_await(any_rc, doubling):
    async def main():
        view = any_rc.load_balanced_view()
        assert await view.apply_async(doubling, 3) == 6
        assert await any_rc[:].apply_async(doubling, 3) == [6, 6]
        assert await view.map_async(doubling, range(3)) == [0, 2, 4]
        assert await asyncio.gather(*[view.apply_async(doubling, n) for n in range(50)]) == [2 * n for n in range(50)]
        with pytest.raises(ZeroDivisionError):
            await view.apply_async(lambda: 1 / 0)
        return await asyncio.wait_for(view.apply_async(doubling, 5), timeout=60)

    assert asyncio.run(main()) == 10


def test_v27_wait_for_that_times_out_and_the_loop_goes_on(both_rc, gate):
    async def main():
        view = both_rc.load_balanced_view()
        held = both_rc[0].apply_async(gate.hold("through"))
        ticks = 0
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(held)), timeout=0.05)
        while not held.done():
            await asyncio.sleep(0.001)
            ticks += 1
            if ticks == 5:
                gate.open()
        assert ticks >= 5
        return held.result(), await view.apply_async(int)

    assert asyncio.run(main()) == ("through", 0)


def test_v27_asyncio_as_completed_and_task_group(any_rc, doubling):
    async def main():
        view = any_rc.load_balanced_view()
        found = [
            await one
            for one in asyncio.as_completed([asyncio.wrap_future(view.apply_async(doubling, n)) for n in range(5)])
        ]
        assert sorted(found) == [0, 2, 4, 6, 8]

        async def one(n):
            return await view.apply_async(doubling, n)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(n)) for n in range(5)]
        return [task.result() for task in tasks]

    assert asyncio.run(main()) == [0, 2, 4, 6, 8]


def test_v27_callback_that_calls_get(any_rc, doubling):
    seen = []
    done = threading.Event()
    view = any_rc.load_balanced_view()
    ar = view.apply_async(doubling, 4)

    def callback(future):
        seen.append(future.get(timeout=60))
        done.set()

    ar.add_done_callback(callback)
    assert done.wait(60)
    assert seen == [8]


def test_v27_callback_that_submits_and_waits(any_rc, doubling):
    seen = []
    done = threading.Event()
    view = any_rc.load_balanced_view()

    def callback(future):
        seen.append(view.apply_async(doubling, future.get()).get(timeout=60))
        done.set()

    view.apply_async(doubling, 4).add_done_callback(callback)
    assert done.wait(60), "the callback is deadlocked"
    assert seen == [16]


def test_v27_callback_that_raises_hurts_nobody(any_rc, doubling, caplog):
    view = any_rc.load_balanced_view()
    ar = view.apply_async(doubling, 1)
    ar.add_done_callback(lambda future: 1 / 0)
    assert ar.get(timeout=60) == 2
    assert view.apply_sync(doubling, 2) == 4


def test_v27_executor(any_rc, doubling):
    for executor in (any_rc.executor(), any_rc.load_balanced_view().executor):
        assert isinstance(executor, concurrent.futures.Executor)
        with executor as entered:
            future = entered.submit(doubling, 3)
            assert list(entered.map(doubling, range(5))) == [0, 2, 4, 6, 8]
        assert future.done()
        assert future.result() == 6


def test_v27_run_in_executor(any_rc, doubling):
    async def main():
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(any_rc.load_balanced_view().executor, doubling, 21)

    assert asyncio.run(main()) == 42


def test_v27_many_threads_wait_for_one_result(both_rc, gate):
    ar = both_rc.load_balanced_view().apply_async(gate.hold("shared"))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        waits = [pool.submit(ar.get, 60) for _ in range(8)]
        gate.wait_for(1)
        gate.open()
        assert [wait.result(timeout=60) for wait in waits] == ["shared"] * 8


def test_joblib_parallel_config(any_rc):
    joblib = pytest.importorskip("joblib")
    any_rc.load_balanced_view().register_joblib_backend("mine")
    with joblib.parallel_config(backend="mine"):
        assert joblib.Parallel()(joblib.delayed(math.sqrt)(n * n) for n in range(50)) == list(range(50))


def test_joblib_backend_named_gangline(start_program):
    pytest.importorskip("joblib")
    program = start_program(
        "import joblib, math\n"
        "import gangline.views as ipp\n"
        "def half(x): return x / 2\n"
        "ipp.register_joblib_backend()\n"
        "for name in ('gangline', 'ipyparallel'):\n"
        "    with joblib.parallel_config(backend=name, n_jobs=2):\n"
        "        print(joblib.Parallel()(joblib.delayed(half)(n) for n in range(4)))\n"
    )
    assert program.finish() == "[0.0, 0.5, 1.0, 1.5]\n" * 2


def test_joblib_error_arrives(any_rc):
    joblib = pytest.importorskip("joblib")
    any_rc.load_balanced_view().register_joblib_backend("mine")
    with (
        joblib.parallel_config(backend="mine"),
        pytest.raises(ValueError, match=r"math domain error|expected a nonneg"),
    ):
        joblib.Parallel()(joblib.delayed(math.sqrt)(n) for n in (1, -1))
