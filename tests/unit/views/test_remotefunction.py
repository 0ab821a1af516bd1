import inspect

import numpy as np
import pytest

from gangline.errors import UsageError
from gangline.views import ParallelFunction, RemoteFunction, parallel, remote
from gangline.views.remotefunction import getname


@pytest.fixture(params=["balanced", "direct"])
def either(request, rc):
    return rc.load_balanced_view() if request.param == "balanced" else rc[:]


def test_remote(rc):
    @rc.load_balanced_view().remote(block=True)
    def scale(x, by=2):
        """What it does."""
        return x * by

    assert isinstance(scale, RemoteFunction)
    assert (scale(3), scale(3, by=3)) == (6, 9)
    assert (scale.__name__, "What it does." in scale.__doc__) == ("scale", True)
    assert list(inspect.signature(scale).parameters) == ["x", "by"]


def test_remote_with_flags(rc):
    view = rc.load_balanced_view()
    result = remote(view, label="L", retries=2)(abs)(-1)
    assert result.get(timeout=60) == 1
    assert result.label == "L"
    assert view.label is None
    with pytest.raises(ValueError, match="nonsense"):
        remote(view, nonsense=1)(abs)(-1)


def test_parallel_map(either):
    @either.parallel(block=True)
    def f(x):
        return 10.0 * x**4

    assert isinstance(f, ParallelFunction)
    assert f.map(range(4)) == [0.0, 10.0, 160.0, 810.0]
    assert parallel(either)(pow).map([1, 2], [3, 2]).get(timeout=60) == [1, 4]


def test_parallel_call_gets_parts(either):
    @either.parallel(block=True, chunksize=3)
    def doubled(part):
        return [2 * each for each in part]

    assert doubled(list(range(7))) == [0, 2, 4, 6, 8, 10, 12]
    assert doubled([]) == []

    @either.parallel(block=True)
    def lengths(part, other):
        return [len(part), len(other)]

    assert sum(lengths([1, 2, 3], [4, 5, 6])) == 6
    with pytest.raises(UsageError, match=r"\[2, 1\]"):
        lengths([1, 2], [1])


def test_parallel_call_on_arrays(either):
    assert (either.parallel(block=True)(np.negative)(np.arange(5)) == -np.arange(5)).all()


def test_round_robin(rc):
    @rc[:].parallel(dist="r", block=True)
    def same(part):
        return part

    assert same([1, 2, 3, 4, 5]) == [1, 2, 3, 4, 5]
    with pytest.raises(UsageError, match="'b', 'r'"):
        rc[:].parallel(dist="z")(abs)


def test_errors_as_results(either):
    (error,) = either.parallel(block=True, return_exceptions=True)(abs).map(["x"])
    assert isinstance(error, TypeError)


def test_chunksize_is_for_balanced_views(rc):
    with pytest.warns(UserWarning, match="load-balanced"):
        assert rc[:].parallel(block=True, chunksize=2)(abs).map([-1]) == [1]


def test_blocks_as_the_view_did_when_it_was_made(rc):
    view = rc[:]
    later = view.parallel()(abs)
    view.block = True
    assert later.map([-1]).get(timeout=60) == [1]
    assert view.parallel()(abs).map([-1]) == [1]


def test_names_of_functions():
    class Named:
        name = "by name"

    assert [getname(each) for each in (abs, Named(), 5)] == ["abs", "by name", "5"]
