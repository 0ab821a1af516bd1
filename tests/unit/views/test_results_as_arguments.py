"""A result of another task as an argument is its value, there already or not; so is an object of another engine."""

import itertools
import operator
import os
import signal
import time

import numpy as np
import pytest

from gangline.errors import EngineError, Unpicklable, UsageError
from gangline.views import (
    AsyncResult,
    Client,
    Dependency,
    ImpossibleDependency,
    Reference,
    interactive,
)


@pytest.fixture(params=["threads", "processes"])
def client(request):
    client = request.getfixturevalue("rc" if request.param == "threads" else "processes")
    client.clear(block=True)
    yield client
    client.wait(timeout=60)


@pytest.fixture
def view(client):
    return client.load_balanced_view()


@pytest.fixture
def held(view, tmp_path):
    """Begins tasks that give a value when they are told to; they are told so at the latest when the test is over."""
    numbers = itertools.count()
    opened = []

    def hold(path, value):
        while not os.path.exists(path):
            time.sleep(0.002)
        if isinstance(value, Exception):
            raise value
        return value

    class Held:
        def __init__(self, value, view=view):
            self.path = str(tmp_path / str(next(numbers)))
            self.result = view.apply_async(hold, self.path, value)
            opened.append(self)

        def open(self):
            with open(self.path, "w"):
                return self.result

    yield Held
    for each in opened:
        each.open()


class TestValues:
    def test_of_a_task_that_has_ended(self, view):
        ended = view.apply_async(abs, -3)
        ended.wait(timeout=60)
        assert view.apply_async(operator.add, ended, 4).get(timeout=60) == 7

    def test_of_a_task_that_goes_on(self, view, held):
        first = held(3)
        second = view.apply_async(operator.add, first.result, 4)
        third = view.apply_async(pow, second, exp=first.result)
        assert not second.done()
        first.open()
        assert third.get(timeout=60) == 343

    def test_in_lists_tuples_and_dicts(self, view, held):
        first = held(3)

        def shape(*args, **kwargs):
            return args, kwargs

        def call():
            return view.apply_async(shape, [first.result, 1], (first.result,), {"k": first.result}, more=[first.result])

        early = call()
        first.open().wait(timeout=60)
        for each in early, call():
            assert each.get(timeout=60) == (([3, 1], (3,), {"k": 3}), {"more": [3]})

    def test_deeper_it_is_refused_where_it_would_have_to_travel(self, processes):
        view = processes.load_balanced_view()
        with pytest.raises(Unpicklable, match="a result cannot be pickled"):
            view.apply_async(len, [[view.apply_async(abs, -3)]])

    def test_of_a_direct_view_is_a_list(self, client, held):
        first = held(3, client[0])
        both = AsyncResult.join(first.result, client[1].apply_async(abs, -4))
        total = client[1].apply_async(sum, both)
        first.open()
        assert total.get(timeout=60) == 7
        assert client[1].apply_sync(sum, client[:].apply_async(abs, -4)) == 8

    def test_of_a_map_is_its_list(self, view):
        assert view.apply_sync(sum, view.map_async(abs, range(-5, 0))) == 15

    def test_of_another_client(self, view):
        with Client(backend="threads", n=1) as other:
            assert view.apply_sync(abs, other[0].apply_async(int, "-3")) == 3

    def test_an_array(self, view, held):
        first = held(np.arange(200_000))
        double = view.apply_async(lambda a: (a * 2)[-1], first.result)
        first.open()
        assert double.get(timeout=60) == 399_998

    def test_everything_else_is_as_it_was(self, processes, tmp_path):
        """What is changed after the call does not show: neither in arguments, nor in what the function refers to."""
        view = processes.load_balanced_view()
        opened = str(tmp_path / "opened")

        def one():
            while not os.path.exists(opened):
                time.sleep(0.002)
            return 1

        numbers, array = [1], np.ones(100_000)
        first = view.apply_async(one)
        calls = [
            view.apply_async(lambda x, n, a: (x + n[0] + a.sum()) * factor, first, numbers, array)  # noqa: B023
            for factor in range(3)
        ]
        numbers[0] = 100
        array[:] = 100
        with open(opened, "w"):
            assert [each.get(timeout=60) for each in calls] == [0, 100_002, 200_004]

    def test_arguments_can_be_written_to(self, processes):
        view = processes.load_balanced_view()

        def change(*arrays):
            for each in arrays:
                each += 1
            return sum(each[0] for each in arrays)

        made = view.apply_async(np.zeros, 100_000)
        assert view.apply_sync(change, made, np.zeros(100_000)) == 2
        assert view.apply_sync(change, made, np.zeros(100_000)) == 2

    def test_in_other_calls(self, client, view, held):
        first = held(3)
        calls = [
            view.executor.submit(abs, first.result),
            view.remote(block=False)(abs)(first.result),
            client[1].apply_async(abs, first.result),
        ]
        first.open()
        assert [each.get(timeout=60) for each in calls] == [3, 3, 3]

    def test_what_cannot_travel_is_said_at_once(self, processes, tmp_path):
        view = processes.load_balanced_view()
        with open(tmp_path / "file", "w") as file, pytest.raises(Unpicklable, match=r"argument 2"):
            view.apply_async(divmod, view.apply_async(time.sleep, 0.1), file)

    def test_resubmitted(self, client, view, held):
        first = held(3)
        second = view.apply_async(operator.add, first.result, 4)
        first.open()
        second.wait(timeout=60)
        assert client.resubmit(second.msg_ids).get(timeout=60) == [7]


class TestDependencies:
    def test_it_comes_after(self, view, held):
        first = held(3)
        second = view.apply_async(abs, first.result)
        assert second.after == first.result.msg_ids
        first.open()

    @pytest.mark.parametrize("ended", [False, True])
    def test_a_task_that_fails(self, view, held, ended):
        first = held(ZeroDivisionError("no"))
        if ended:
            first.open().wait(timeout=60)
        second = view.apply_async(abs, first.result)
        third = view.apply_async(abs, second)
        first.open()
        for each in second, third:
            with pytest.raises(ImpossibleDependency, match=f"{first.result.msg_ids[0]}"):
                each.get(timeout=60)

    def test_items_of_a_map_that_fail(self, view):
        with pytest.raises(ZeroDivisionError):
            view.apply_async(len, view.map_async(lambda x: 1 // x, range(3)))

    def test_a_task_that_is_cancelled(self, view, held):
        blockers = [held(0), held(0)]
        first = view.apply_async(abs, -3)
        second = view.apply_async(abs, first)
        assert first.cancel()
        with pytest.raises(ImpossibleDependency):
            second.get(timeout=60)
        assert len(blockers) == 2

    def test_a_waiting_call_is_cancelled(self, view, held):
        first = held(3)
        second = view.apply_async(abs, first.result)
        assert second.cancel()
        first.open()

    def test_with_dependencies_of_its_own(self, view, held):
        """Of the same kind, and of another."""
        first, other, failing = held(3), held(0), view.apply_async(lambda: 1 // 0)
        with view.temp_flags(after=other.result):
            second = view.apply_async(abs, first.result)
        with view.temp_flags(after=Dependency([failing], success=False, failure=True)):
            third = view.apply_async(abs, first.result)
        with view.temp_flags(after=Dependency([failing], success=True, failure=False)):
            never = view.apply_async(abs, first.result)
        first.open()
        assert third.get(timeout=60) == 3
        assert not second.done()
        other.open()
        assert second.get(timeout=60) == 3
        with pytest.raises(ImpossibleDependency):
            never.get(timeout=60)

    def test_it_may_be_retried(self, view, held, tmp_path):
        tries = str(tmp_path / "tries")

        def twice(value):
            with open(tries, "a") as file:
                file.write("x")
            if os.path.getsize(tries) < 2:
                raise RuntimeError("again")
            return value

        first = held(3)
        with view.temp_flags(retries=1):
            second = view.apply_async(twice, first.result)
        first.open()
        assert second.get(timeout=60) == 3

    def test_an_engine_dies(self):
        with Client(n=1) as client:
            view = client.load_balanced_view()
            first = view.apply_async(lambda: os.kill(os.getpid(), signal.SIGKILL))
            second = view.apply_async(abs, first)
            with pytest.raises(EngineError):
                first.get(timeout=60)
            with pytest.raises(ImpossibleDependency):
                second.get(timeout=60)


class TestOrderOnOneEngine:
    def test_calls_stay_behind_one_that_waits(self, client, held):
        first = held(3, client[0])
        engine = client[1]
        engine.push({"q": first.result})
        engine.execute("q += 1")
        engine.push({"p": first.result})
        total = engine.apply_async(interactive(lambda: (q, p)))  # noqa: F821 - names on the engine
        assert not total.done()
        first.open()
        assert total.get(timeout=60) == (4, 3)
        assert client[0].apply_sync(abs, -1) == 1

    def test_also_when_it_fails(self, client, held):
        first = held(ZeroDivisionError("no"), client[0])
        client[1].push({"q": first.result})
        total = client[1].apply_async(abs, -1)
        later = client[1].apply_async(abs, client[1].apply_async(abs, -2))
        first.open()
        assert total.get(timeout=60) == 1
        assert later.get(timeout=60) == 2


class TestReferencesToOtherEngines:
    def test_as_an_argument(self, client):
        client[0].push({"a": [1, 2, 3]}, block=True)
        assert client[1].apply_sync(sum, Reference("a", engine=0)) == 6
        assert client[0].apply_sync(sum, Reference("a", engine=0)) == 6
        assert client[:].apply_sync(sum, Reference("a[1:]", 0)) == [5, 5]
        assert client.load_balanced_view().apply_sync(max, [Reference("a[0]", 0), Reference("a[2]", 0)]) == 3

    def test_it_is_the_object_after_all_calls_before(self, client):
        client[0].execute("a = 1")
        client[0].execute("a += 1")
        two = client[1].apply_async(abs, Reference("a", 0))
        client[0].execute("a += 1")
        assert two.get(timeout=60) == 2

    def test_put_into_the_namespace(self, client):
        client[0].push({"a": 5}, block=True)
        client[1].push({"b": Reference("a", 0)})
        assert client[1]["b"] == 5

    def test_no_such_name(self, client):
        with pytest.raises(NameError, match="nowhere"):
            client[1].apply_sync(abs, Reference("nowhere", 0))

    def test_bad_ones(self, client):
        with pytest.raises(UsageError, match="No such engine: 99"):
            client[1].apply_sync(abs, Reference("a", 99))
        with pytest.raises(TypeError):
            Reference("a", "first")
        assert repr(Reference("a", 1)) == "<Reference: 'a' on 1>"
