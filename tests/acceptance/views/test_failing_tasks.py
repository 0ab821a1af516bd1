"""V19, V20 and the shape of remote errors: an error reply always, of the right kind, and the engine lives on."""

from __future__ import annotations

import pickle
import threading
import traceback

import pytest

import gangline.views as ipp


def run(client, function, *args, **kwargs):
    return client.load_balanced_view().apply_async(function, *args, **kwargs).get(timeout=60)


@pytest.fixture(autouse=True)
def lives_on(borrowed):
    """Whatever a task did, the same engines answer afterwards."""
    yield
    assert borrowed.ids == [0, 1]
    assert borrowed[:].apply_async(lambda: "lives").get(timeout=60) == ["lives", "lives"]


def test_remote_error_is_both_kinds(any_rc):
    for kind in (ZeroDivisionError, ArithmeticError, ipp.RemoteError, ipp.error.RemoteError):
        with pytest.raises(kind):
            run(any_rc, lambda: 1 / 0)


def test_remote_error_knows_where_and_why(any_rc):
    def divide(x):
        return x / 0

    ar = any_rc.load_balanced_view().apply_async(divide, 3)
    with pytest.raises(ipp.RemoteError) as caught:
        ar.get(timeout=60)
    error = caught.value
    assert (error.ename, error.evalue) == ("ZeroDivisionError", "division by zero")
    assert error.engine_info["engine_id"] == ar.engine_id
    assert "in divide" in error.traceback
    assert "x / 0" in error.traceback
    shown = "".join(traceback.format_exception(error))
    assert "in divide" in shown


def test_remote_error_keeps_attributes_and_arguments(any_rc):
    def fail():
        error = OSError(2, "gone", "file.txt")
        error.extra = {"a": 1}
        raise error

    with pytest.raises(FileNotFoundError) as caught:
        run(any_rc, fail)
    assert (caught.value.errno, caught.value.filename) == (2, "file.txt")
    assert caught.value.extra == {"a": 1}


def test_remote_error_shows_its_causes(any_rc):
    def fail():
        try:
            {}["first"]
        except KeyError as error:
            raise ValueError("second") from error

    with pytest.raises(ValueError, match="second") as caught:
        run(any_rc, fail)
    assert "KeyError" in caught.value.traceback


def test_remote_error_survives_pickling(any_rc):
    with pytest.raises(KeyError) as caught:
        run(any_rc, lambda: {}["k"])
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, ipp.RemoteError)
    assert isinstance(again, KeyError)
    assert (again.ename, again.evalue) == (caught.value.ename, caught.value.evalue)


def test_remote_error_of_an_own_class(any_rc):
    class Mine(Exception):
        def __init__(self, code):
            super().__init__(f"code {code}")
            self.code = code

    def fail():
        raise Mine(7)

    with pytest.raises(ipp.RemoteError, match="code 7") as caught:
        run(any_rc, fail)
    assert caught.value.ename == "Mine"


def test_exception_group(any_rc):
    def fail():
        raise ExceptionGroup("several", [ValueError("a"), KeyError("b")])

    with pytest.raises(ExceptionGroup) as caught:
        run(any_rc, fail)
    assert [type(one) for one in caught.value.exceptions] == [ValueError, KeyError]


def test_v19_exception_whose_str_raises(any_rc):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no text")

        __repr__ = __str__

    def fail():
        raise Mute

    with pytest.raises(ipp.RemoteError) as caught:
        run(any_rc, fail)
    assert caught.value.ename == "Mute"
    assert str(caught.value)


def test_v19_exception_that_cannot_be_unpickled(any_rc):
    class Picky(Exception):
        def __init__(self, one, two):
            super().__init__(f"{one} and {two}")

    def fail():
        raise Picky("this", "that")

    with pytest.raises(ipp.RemoteError, match="this and that") as caught:
        run(any_rc, fail)
    assert caught.value.ename == "Picky"
    assert "in fail" in caught.value.traceback


def test_v19_exception_that_cannot_be_pickled(any_rc):
    def fail():
        import threading

        error = ValueError("with a lock")
        error.lock = threading.Lock()
        raise error

    with pytest.raises(ipp.RemoteError, match="with a lock") as caught:
        run(any_rc, fail)
    assert caught.value.ename == "ValueError"


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, BaseException])
def test_v19_exceptions_that_end_programs(any_rc, kind):
    def fail():
        raise kind("from the task")

    with pytest.raises(ipp.RemoteError) as caught:
        run(any_rc, fail)
    assert caught.value.ename == kind.__name__


def test_v19_sys_exit(any_rc):
    def leave():
        import sys

        sys.exit(3)

    with pytest.raises(ipp.RemoteError) as caught:
        run(any_rc, leave)
    assert (caught.value.ename, caught.value.evalue) == ("SystemExit", "3")


def test_v19_raise_none_and_stop_iteration(any_rc):
    def stop():
        raise StopIteration(5)

    with pytest.raises(ipp.RemoteError) as caught:
        run(any_rc, stop)
    assert caught.value.ename == "StopIteration"
    with pytest.raises(TypeError):
        run(any_rc, lambda: (_ for _ in ()).throw(None))


def test_v19_unpicklable_result(rc):
    def make():
        import threading

        return {"lock": threading.Lock()}

    with pytest.raises(ipp.RemoteError) as caught:
        run(rc, make)
    assert "lock" in str(caught.value)
    assert "result" in str(caught.value)


def test_v19_result_that_cannot_be_unpickled(rc):
    def make():
        class Bomb:
            def __reduce__(self):
                return (int, ("not a number",))

        return Bomb()

    with pytest.raises(Exception, match=r"not a number|result"):
        run(rc, make)


def test_v19_only_that_task_of_a_batch_fails(rc):
    def make(n):
        import threading

        return threading.Lock() if n == 3 else n

    ars = [rc.load_balanced_view().apply_async(make, n) for n in range(8)]
    rc.wait(ars, timeout=60)
    assert [ar.successful() for ar in ars] == [n != 3 for n in range(8)]
    found = rc.load_balanced_view().map(make, range(8), chunksize=4, return_exceptions=True).get(timeout=60)
    assert [n for n, one in enumerate(found) if isinstance(one, Exception)] == [3]


def test_v20_unpicklable_argument_is_named_at_submission(rc):
    view = rc.load_balanced_view()
    lock = threading.Lock()
    for call, name in (
        (lambda: view.apply_async(lambda a, b: None, 1, lock), "1|b"),
        (lambda: view.apply_async(lambda a, guard: None, 1, guard=lock), "guard"),
        (lambda: rc[:].apply_async(lambda a: None, lock), "0|a"),
        (lambda: rc[0].push({"mutex": lock}), "mutex"),
    ):
        with pytest.raises(TypeError, match=f"(?i)argument.*({name})|({name}).*argument|{name}") as caught:
            call()
        assert "pickle" in str(caught.value)
    assert rc.outstanding == set()


def test_v20_unpicklable_closure(rc):
    lock = threading.Lock()
    with pytest.raises(TypeError, match="pickle"):
        rc.load_balanced_view().apply_async(lambda: lock.acquire())


def test_v20_unpicklable_item_of_a_map(rc):
    items = [1, threading.Lock(), 3]
    with pytest.raises((TypeError, ipp.RemoteError), match="pickle"):
        rc.load_balanced_view().map(lambda x: x, items, chunksize=1).get(timeout=60)
    assert rc.load_balanced_view().map_sync(lambda x: x, [1, 3]) == [1, 3]


def test_v20_argument_whose_pickling_raises(rc):
    class Stubborn:
        def __reduce__(self):
            raise LookupError("I stay here")

    with pytest.raises(TypeError, match="I stay here"):
        rc.load_balanced_view().apply_async(lambda a: None, Stubborn())


def test_not_callable(any_rc):
    for wrong in (3, None, "print"):
        with pytest.raises(TypeError):
            run(any_rc, wrong)
