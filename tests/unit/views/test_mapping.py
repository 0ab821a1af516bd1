import asyncio
import itertools
import os
import signal
import threading
import time

import pytest

from gangline.views import AsyncMapResult, AsyncResult, Client, error
from gangline.views.feed import Feed
from gangline.views.sender import Sender


def square(x):
    return x * x


def picky(x):
    if x % 5 == 3:
        raise KeyError(x)
    return x


def kill_at_150(x):
    if x == 150:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


@pytest.fixture(params=["inline", "threads", "processes"])
def any_view(request, processes):
    if request.param == "processes":
        yield processes.load_balanced_view()
    else:
        with Client(backend=request.param) as client:
            yield client.load_balanced_view()


class TestBalanced:
    @pytest.mark.parametrize("count", [0, 1, 5, 129, 5000])
    @pytest.mark.parametrize("chunksize", [None, 1, 7])
    def test_the_same_answer_as_the_builtin(self, any_view, count, chunksize):
        ar = any_view.map_async(square, range(count), chunksize=chunksize)
        expected = [x * x for x in range(count)]
        assert ar == expected
        assert list(ar) == expected
        assert (len(ar), ar.progress, ar.ready(), bool(ar)) == (count, count, True, count > 0)
        assert ar.get() == any_view.map_sync(square, list(range(count)), chunksize=chunksize)

    def test_generators_and_unequal_lengths(self, any_view):
        assert any_view.map_sync(square, (i for i in range(500))) == [x * x for x in range(500)]
        assert any_view.map_sync(lambda a, b: a + b, range(900), itertools.count()) == [2 * x for x in range(900)]
        assert any_view.map_sync(lambda a, b: (a, b), "abc", (1, 2)) == [("a", 1), ("b", 2)]
        assert len(any_view.map_async(square, iter(range(300)))) == 300

    @pytest.mark.parametrize("chunksize", [None, 1, 20])
    def test_a_failing_item_fails_alone(self, any_view, chunksize):
        ar = any_view.map_async(picky, range(10), chunksize=chunksize)
        got = ar.get(return_exceptions=True)
        assert [x for x in got if isinstance(x, int)] == [0, 1, 2, 4, 5, 6, 7, 9]
        assert [str(x.evalue) for x in got if not isinstance(x, int)] == ["3", "8"]
        with pytest.raises(KeyError) as caught:
            ar.get()
        assert len(caught.value.elist) == 2
        assert not ar.successful()
        results = iter(ar)
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(error.CompositeError):
            next(results)
        assert next(results) == 4

    def test_exceptions_in_place_of_results(self, view):
        ar = view.map_async(picky, range(5), return_exceptions=True)
        assert [type(each).__name__ for each in ar] == ["int", "int", "int", "RemoteError", "int"]
        assert isinstance(ar.get()[3], KeyError)

    def test_one_task_for_each_chunk_which_gives_a_list(self, rc, view):
        ar = view.map_async(square, range(10), chunksize=4)
        assert len(ar.msg_ids) == len(ar.metadata) == len(ar.stdout) == 3
        assert [rc.get_result(each).get() for each in ar.msg_ids] == [[0, 1, 4, 9], [16, 25, 36, 49], [64, 81]]
        assert [part.get() for part in ar.split()] == [[0, 1, 4, 9], [16, 25, 36, 49], [64, 81]]
        assert [rc.get_result(each).get() for each in view.map_async(square, [3]).msg_ids] == [[9]]
        assert repr(ar) == "<AsyncMapResult(square): finished>"
        assert (ar[2], ar[1:3]) == (4, [1, 4])

    def test_results_as_they_come(self, rc, view, gate):
        def function(x):
            if x == 0:
                gate.wait(240)
            return x

        ar = view.map_async(function, range(6), ordered=False, chunksize=1)
        results = iter(ar)
        assert sorted(next(results) for _ in range(5)) == [1, 2, 3, 4, 5]
        assert (ar.progress, ar.ready()) == (5, False)
        with pytest.raises(TimeoutError):
            ar.get(0)
        gate.set()
        assert next(results) == 0
        assert ar.get() == [0, 1, 2, 3, 4, 5]

    def test_changes_to_the_sequence_after_the_call_do_not_show(self, view):
        items = list(range(50_000))
        ar = view.map_async(square, items)
        items[:] = [0] * 50_000
        assert ar.get() == [x * x for x in range(50_000)]

    def test_small_items_travel_together(self, view):
        ar = view.map_async(square, range(100_000))
        assert ar.get()[-1] == 99_999**2
        assert len(ar.msg_ids) < 1000

    def test_an_endless_map_can_be_cancelled(self, any_view):
        ar = any_view.map_async(square, itertools.count())
        results = iter(ar)
        assert [next(results) for _ in range(3)] == [0, 1, 4]
        ar.cancel()
        with pytest.raises(error.TaskAborted):
            ar.get(60)

    def test_what_is_being_submitted_when_it_is_cancelled_does_not_run_either(self, rc, gate, until, monkeypatch):
        held = [rc[engine].apply_async(gate.wait) for engine in rc.ids]
        until(lambda: all(each.running() for each in held))
        sent, send = [], Sender.send

        def send_and_cancel(sender, *args):
            sent.append(send(sender, *args))
            if len(sent) == 2:
                ar.cancel()
            return sent[-1]

        with monkeypatch.context() as patched:
            patched.setattr(Sender, "send", send_and_cancel)
            ready = threading.Event()
            ar = rc.load_balanced_view().map_async(square, (ready.wait(60) and x for x in range(9)), chunksize=1)
            ready.set()
            until(lambda: len(sent) == 2 and all(each.status == "aborted" for each in sent))
        gate.set()

    def test_who_asks_while_the_last_end_is_being_told_waits_for_it(self, processes, monkeypatch):
        begun, finish = threading.Event(), Feed._finish

        def finish_late(feed, chunk):
            begun.set()
            time.sleep(0.2)
            finish(feed, chunk)

        monkeypatch.setattr(Feed, "_finish", finish_late)
        ar = processes.load_balanced_view().map_async(square, iter([3]))
        assert begun.wait(60)
        assert ar.get(60) == [9]

    def test_an_error_of_the_iterator_arrives_after_the_items_before_it(self, any_view):
        results = iter(any_view.map_async(square, (1 // (3 - i) for i in itertools.count())))
        assert [next(results) for _ in range(3)] == [0, 0, 1]
        with pytest.raises(error.CompositeError, match="ZeroDivisionError"):
            next(results)
        with pytest.raises(StopIteration):
            next(results)

    def test_what_cannot_travel(self, processes):
        view, lock = processes.load_balanced_view(), threading.Lock()
        with pytest.raises(TypeError, match="lambda"):
            view.map_async(lambda x, lock=lock: x, range(1000))
        for items in ([*range(5), lock, 6], [*range(500), lock, *range(500)]):
            got = view.map(str, items, block=True, return_exceptions=True)
            assert [index for index, each in enumerate(got) if isinstance(each, Exception)] == [items.index(lock)]
        got = view.map(
            lambda x: threading.Lock() if x == 7 else x, range(20), chunksize=5, block=True, return_exceptions=True
        )
        assert [index for index, each in enumerate(got) if isinstance(each, Exception)] == [7]

    def test_an_item_that_kills_its_engine(self, processes):
        view = processes.load_balanced_view()
        with view.temp_flags(retries=1):
            got = view.map(kill_at_150, range(300), chunksize=100, block=True, return_exceptions=True)
        assert [index for index, each in enumerate(got) if isinstance(each, Exception)] == [150]
        assert isinstance(got[150], error.EngineError)
        processes.wait_for_engines(2, timeout=60)

    def test_items_are_tried_again_one_by_one(self, view):
        seen = []

        def flaky(x):
            seen.append(x)
            if seen.count(x) <= x % 3:
                raise ValueError(x)
            return x

        with view.temp_flags(retries=2):
            assert view.map_sync(flaky, range(12), chunksize=4) == list(range(12))
        with view.temp_flags(retries=1), pytest.raises(ValueError, match="14"):
            view.map_sync(flaky, [14, 17, 300], chunksize=3)

    def test_items_that_refuse_an_engine_are_moved(self, rc, view):
        def where(x):
            from gangline._engine import context

            engine = context.current().engine_id
            if x % 4 == 0 and engine == rc.ids[0]:
                raise error.UnmetDependency("not here")
            return engine

        got = view.map_sync(where, range(40), chunksize=10)
        assert {engine for x, engine in enumerate(got) if x % 4 == 0} == {rc.ids[1]}

        def never(x):
            if x == 3:
                raise error.UnmetDependency("nowhere")
            return x

        got = view.map(never, range(10), chunksize=5, block=True, return_exceptions=True)
        assert isinstance(got.pop(3), error.ImpossibleDependency)
        assert got == [0, 1, 2, 4, 5, 6, 7, 8, 9]

    def test_the_client_is_closed_meanwhile(self):
        gate = threading.Event()
        with Client(backend="threads", n=2) as client:
            ar = client.load_balanced_view().map_async(lambda x: gate.wait(240), range(1000))
            gate.set()
            next(iter(ar))
        got = ar.get(return_exceptions=True)
        assert len(got) == 1000

    def test_wrong_use(self, view):
        with pytest.raises(ValueError, match="sequence"):
            view.map(square)
        with pytest.raises(ValueError, match="chunksize"):
            view.map(square, [1], chunksize=0)
        with pytest.raises(TypeError):
            view.map(square, 3)
        with pytest.raises(TypeError):
            view.map(3, [1])

    def test_as_a_future(self, view):
        async def main():
            return await view.map_async(square, range(300))

        assert asyncio.run(main()) == [x * x for x in range(300)]
        called = threading.Event()
        view.map_async(square, range(300), chunksize=1).add_done_callback(lambda ar: called.set())
        assert called.wait(60)
        ar = view.map_async(picky, range(300))
        assert isinstance(ar.exception(60), KeyError)
        assert hash(ar) == object.__hash__(ar)
        assert ar != view


class TestLazy:
    @pytest.mark.parametrize("ordered", [True, False])
    @pytest.mark.parametrize("limit", ["auto", 0, 1, 3])
    def test_the_same_results_as_the_builtin(self, any_view, ordered, limit):
        got = any_view.imap(square, iter(range(60)), ordered=ordered, max_outstanding=limit)
        results = list(got)
        assert (results if ordered else sorted(results)) == [x * x for x in range(60)]

    def test_the_input_is_read_as_results_are_taken(self, any_view):
        read = []
        results = any_view.imap(square, (read.append(i) or i for i in itertools.count()), max_outstanding=3)
        assert [next(results) for _ in range(100)] == [x * x for x in range(100)]
        assert len(read) <= 100 + 64
        results.cancel()
        rest = list(results)
        assert rest == [x * x for x in range(100, 100 + len(rest))]
        assert 100 + len(rest) <= len(read) <= 100 + 64  # some may have been read when the reading was stopped

    def test_so_many_at_a_time(self, view, gate):
        read = []
        third = threading.Event()

        def items():
            for i in itertools.count():
                read.append(i)
                if i == 2:
                    third.set()
                yield i

        def function(x):
            gate.wait(240)
            return x

        results = view.imap(function, items(), max_outstanding=3)
        assert third.wait(60)
        assert len(read) == 3
        gate.set()
        assert next(results) == 0
        results.cancel()

    def test_errors_are_raised_in_their_places_and_iteration_goes_on(self, view):
        results = view.imap(picky, range(6))
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(KeyError) as caught:
            next(results)
        assert not isinstance(caught.value, error.CompositeError)
        assert list(results) == [4, 5]
        got = list(view.imap(picky, range(4), return_exceptions=True))
        assert isinstance(got[3], KeyError)

    def test_wrong_use(self, view):
        with pytest.raises(ValueError, match="max_outstanding"):
            view.imap(square, [1], max_outstanding=-1)


class TestPinned:
    def test_one_part_for_each_engine(self, rc):
        ar = rc[:].map_async(square, range(7))
        assert ar.get() == [x * x for x in range(7)] == list(ar)
        assert (len(ar), len(ar.msg_ids), ar.progress) == (7, 2, 7)
        assert rc[:].map_sync(square, []) == []
        assert rc[:].map_sync(square, (i for i in range(3))) == [0, 1, 4]

    def test_a_failing_item_fails_alone(self, rc):
        got = rc[:].map(picky, range(10), block=True, return_exceptions=True)
        assert [index for index, each in enumerate(got) if isinstance(each, KeyError)] == [3, 8]


def test_parts_that_are_joined(rc, view):
    results = view.apply_async(range, 2), view.apply_async(fail_all)
    handles = [ar._handles[0] for ar in results]
    ar = AsyncMapResult(rc, handles[:1], join=lambda parts: parts, fname="gather")
    assert ar.get() == [range(2)]
    assert list(ar) == [range(2)]
    assert isinstance(ar, AsyncResult)
    both = AsyncMapResult(rc, handles, join=lambda parts: parts, fname="gather", return_exceptions=True)
    assert isinstance(both.get()[1], KeyError)


def fail_all():
    raise KeyError
