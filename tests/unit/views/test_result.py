import asyncio
import concurrent.futures
import pickle
import threading
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION

import pytest

from gangline.views import AsyncHubResult, AsyncResult, error
from gangline.views.metadata import METADATA_KEYS


def square(x):
    return x * x


def fail(x):
    raise KeyError(x)


def held(view, gate):
    """A task on each engine that waits for the gate; they run when this returns."""
    started = threading.Semaphore(0)

    def wait():
        started.release()
        return gate.wait(240)

    results = [view.apply_async(wait) for _ in range(2)]
    for _ in results:
        assert started.acquire(timeout=60)
    return results


class TestSingle:
    def test_the_result(self, view):
        ar = view.apply_async(square, 3)
        assert (ar.get(), ar.result(), ar.r, ar.get(timeout=-1)) == (9, 9, 9, 9)
        assert (ar.ready(), ar.done(), ar.successful(), ar.exception()) == (True, True, True, None)
        assert (len(ar), ar.progress, bool(ar)) == (1, 1, True)
        assert ar.get_dict() == {ar.engine_id: 9} == ar.result_dict
        assert repr(ar) == "<AsyncResult(square): finished>"
        assert ar.split() == (ar,)
        assert ar.sent
        ar.wait_for_send()

    def test_a_failure_is_raised_each_time_as_both_types(self, view):
        ar = view.apply_async(fail, 3)
        for _ in range(2):
            with pytest.raises(KeyError) as caught:
                ar.get()
            assert isinstance(caught.value, error.RemoteError)
        assert ar.exception() is caught.value
        assert ar.get(return_exceptions=True) is caught.value
        assert not ar.successful()
        assert repr(ar) == "<AsyncResult(fail): failed>"
        assert ar.error.ename == "KeyError"

    def test_before_the_end(self, view, gate):
        ar, other = held(view, gate)
        assert not ar.ready()
        assert (ar.wait(0), ar.wait(0.001), ar.running(), ar.progress) == (False, False, True, 0)
        assert repr(ar) == "<AsyncResult(wait): pending>"
        assert (ar.status, ar.completed) == (None, None)
        assert ar.elapsed > 0
        for early in (lambda: ar.get(0), lambda: ar[0], lambda: ar.serial_time, ar.display_outputs):
            with pytest.raises(TimeoutError):
                early()
        with pytest.raises(RuntimeError):
            ar.successful()
        gate.set()
        assert ar.wait()
        assert other.get(60)

    def test_it_is_neither_iterable_nor_indexed_by_anything(self, view):
        ar = view.apply_async(square, 3)
        ar.wait()
        with pytest.raises(TypeError):
            iter(ar)
        with pytest.raises(TypeError):
            ar[1.5]
        with pytest.raises(KeyError):
            ar["nonsense"]
        with pytest.raises(AttributeError, match="nonsense"):
            ar.nonsense  # noqa: B018
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(ar)

    def test_metadata(self, rc, view):
        def write():
            import sys

            print("out")
            print("err", file=sys.stderr)

        ar = view.apply_async(write)
        ar.get()
        assert set(ar.metadata) == METADATA_KEYS
        assert ar.submitted <= ar.started <= ar.completed <= ar.received
        assert ar.started.tzinfo is not None
        assert (ar["stdout"], ar.stderr, ar.status, ar.metadata.status) == ("out\n", "err\n", "ok", "ok")
        assert ar.msg_ids == [ar.metadata["msg_id"]]
        assert ar.engine_id in rc.ids
        assert ar.wall_time == ar.elapsed > 0
        assert ar.serial_time == pytest.approx(ar.timedelta(ar.started, ar.completed), abs=2e-6)
        assert "stdout" in dir(ar)

    def test_metadata_keep_themselves_up_to_date(self, view, gate):
        ar, _ = held(view, gate)
        metadata = ar.metadata
        assert metadata["status"] is None
        gate.set()
        ar.wait()
        assert (metadata.status, metadata == ar.metadata, metadata.copy().status) == ("ok", True, "ok")
        assert pickle.loads(pickle.dumps(metadata))["status"] == "ok"
        with pytest.raises(KeyError):
            metadata["new"] = 1
        with pytest.raises(AttributeError):
            metadata.new = 1


class TestMany:
    def test_results_in_the_order_of_the_engines(self, rc):
        ar = rc[:].apply_async(square, 3)
        assert ar.get() == [9, 9] == list(ar) == ar[:]
        assert ar[1] == 9
        assert (len(ar), ar.progress, ar.engine_id, ar.status) == (2, 2, rc.ids, ["ok", "ok"])
        assert ar.get_dict() == dict.fromkeys(rc.ids, 9)

    def test_failures_make_a_composite_error(self, rc):
        ar = rc[:].apply_async(fail, 3)
        with pytest.raises(error.CompositeError, match="raised in: fail") as caught:
            ar.get()
        assert isinstance(caught.value, KeyError)
        assert len(caught.value.elist) == 2
        assert [type(each).__name__ for each in ar.get(return_exceptions=True)] == ["RemoteError"] * 2
        results = iter(ar)
        for _ in range(2):
            with pytest.raises(KeyError):
                next(results)
        with pytest.raises(StopIteration):
            next(results)

    def test_splitting_and_joining(self, rc, gate):
        ar = rc[:].apply_async(square, 3)
        parts = ar.split()
        assert [part.get() for part in parts] == [9, 9]
        assert ar.split() is parts
        assert AsyncResult.join(*parts).get() == [9, 9]
        assert AsyncResult.join(ar) is ar
        with pytest.raises(ValueError, match="at least one"):
            AsyncResult.join()

    def test_waiting_for_the_first(self, rc, gate):
        slow, fast = rc[0].apply_async(gate.wait, 240), rc[1].apply_async(fail, 1)
        ar = AsyncResult.join(slow, fast)
        done, pending = ar.wait(return_when=FIRST_COMPLETED)
        assert (len(done), len(pending)) == (1, 1)
        with pytest.raises(KeyError):
            ar.get(return_when=FIRST_EXCEPTION)
        assert not ar.ready()
        with pytest.warns(UserWarning, match="FIRST_COMPLETED"), pytest.raises(TimeoutError):
            ar.get(0, return_when=FIRST_COMPLETED)

    def test_one_engine_for_several_tasks_cannot_be_a_dict(self, rc):
        ar = AsyncResult.join(*[rc[0].apply_async(square, x) for x in range(2)])
        with pytest.raises(ValueError, match="engine 0"):
            ar.get_dict()


def test_results_from_ids(rc, view):
    first = view.apply_async(square, 3)
    assert AsyncResult(rc, first.msg_ids).get() == [9]
    assert AsyncHubResult(rc, first.msg_ids[0]).get() == 9
    with pytest.raises(KeyError, match="nonsense"):
        AsyncResult(rc, "nonsense")


class TestFuture:
    def test_wait_and_as_completed(self, view, gate):
        held(view, gate)
        results = [view.apply_async(square, x) for x in range(5)]
        assert concurrent.futures.wait(results, timeout=0).not_done == set(results)
        gate.set()
        assert sorted(each.get() for each in concurrent.futures.as_completed(results, timeout=60)) == [0, 1, 4, 9, 16]
        assert concurrent.futures.wait(results).done == set(results)
        assert list(concurrent.futures.as_completed(results[:1])) == results[:1]

    def test_callbacks_may_ask_for_the_result(self, view, gate):
        called = []
        done = threading.Event()
        first, _ = held(view, gate)
        first.add_done_callback(lambda ar: called.append(ar.get()))
        first.add_done_callback(lambda ar: done.set())
        gate.set()
        assert done.wait(60)
        first.add_done_callback(lambda ar: called.append(ar))
        assert called == [True, first]

    def test_failures(self, view):
        ar = view.apply_async(fail, 3)
        done, _ = concurrent.futures.wait([ar], return_when=FIRST_EXCEPTION, timeout=60)
        assert done == {ar}
        assert isinstance(ar.exception(timeout=60), KeyError)

    def test_cancelling_what_has_not_started(self, view, gate):
        running = held(view, gate)
        waiting = view.apply_async(square, 3)
        watched = view.apply_async(square, 3)
        watched.add_done_callback(lambda ar: None)
        for ar in (waiting, watched):
            assert (ar.cancel(), ar.cancelled(), ar.done(), ar.cancel(), ar.running()) == (
                True,
                True,
                True,
                True,
                False,
            )
            with pytest.raises(concurrent.futures.CancelledError):
                ar.result()
            with pytest.raises(error.TaskAborted):
                ar.exception()
            assert ar.status == "aborted"
        assert concurrent.futures.wait([waiting, watched], timeout=60).done == {waiting, watched}
        assert (running[0].cancel(), running[0].cancelled()) == (False, False)
        gate.set()
        assert running[0].get(60)
        assert running[0].cancel() is False
        with pytest.raises(RuntimeError):
            running[0].abort()

    def test_aborting(self, rc, view, gate):
        held(view, gate)
        ar = view.apply_async(square, 3)
        ar.abort()
        with pytest.raises(error.TaskAborted):
            ar.get()
        assert (ar.cancelled(), ar.successful(), repr(ar)) == (False, False, "<AsyncResult(square): failed>")

    def test_asyncio(self, view, gate):
        async def main():
            assert await view.apply_async(square, 3) == 9
            ended = view.apply_async(square, 4)
            ended.wait()
            assert await ended == 16
            assert await asyncio.gather(view.apply_async(square, 5), view.map_async(square, range(3))) == [
                25,
                [0, 1, 4],
            ]
            with pytest.raises(KeyError):
                await view.apply_async(fail, 1)
            running, _ = held(view, gate)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(running, 0.01)
            waiting = view.apply_async(square, 6)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(waiting, 0.01)
            assert waiting.cancelled()
            gate.set()
            assert await running

        asyncio.run(main())

    def test_it_costs_nothing_until_it_is_used_as_a_future(self, view):
        ar = view.apply_async(square, 3)
        assert ar.get() == 9
        assert "_condition" not in vars(ar)
