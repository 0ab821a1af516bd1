import pickle
import threading

import pytest

from gangline._engine import context
from gangline._engine.chunks import ChunkResult, MapChunk
from gangline.errors import ResultUnreadable, UnmetDependency


@pytest.fixture(autouse=True)
def engine():
    made = context.EngineContext({}, 0, "u")
    before = context.enter(made)
    yield
    context.enter(before)
    made.close()


def run(function, *sequences, **options):
    return MapChunk(function, "f", **options)(*sequences)


def test_a_single_item_is_a_list_of_its_result_or_its_error():
    assert run(abs, (-3,)) == [3]
    with pytest.raises(ZeroDivisionError):
        run(lambda x: 1 // x, (0,))


def test_failing_items_fail_alone():
    result = run(lambda x: 6 // (x - 3), range(6))
    assert result.values == [-2, -3, -6, None, 6, 3]
    assert list(result.failures) == [3]
    assert result.failures[3].ename == "ZeroDivisionError"
    assert "_engine/chunks.py" not in result.failures[3].traceback
    assert not result.whole


@pytest.mark.parametrize("kind", [StopIteration, SystemExit, GeneratorExit, MemoryError])
def test_no_exception_of_an_item_stops_the_others(kind):
    def function(x):
        if x in (0, 2, 4):
            raise kind(x)
        return x

    result = run(function, range(5))
    assert result.values == [None, 1, None, 3, None]
    assert list(result.failures) == [0, 2, 4]


def test_an_interrupt_is_for_the_whole_chunk():
    def function(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(function, range(3))


def refuse(x):
    if x in (0, 2):
        raise UnmetDependency("not here")
    return x


def test_a_refusal_moves_the_chunk_or_what_is_left_of_it():
    with pytest.raises(UnmetDependency):
        run(refuse, range(4))
    result = run(refuse, [1, 1, 2, 3])
    assert (result.values, result.left, result.failures) == ([1, 1], 2, {})


def test_a_refusal_on_a_chosen_engine_is_the_answer():
    result = run(refuse, range(4), movable=False)
    assert result.values == [None, 1, None, 3]
    assert list(result.failures) == [0, 2]


async def coroutine(x):
    return 6 // (x - 1)


def test_generators_and_coroutines_are_delivered_as_what_they_give():
    assert run(lambda x: (i for i in range(x)), range(3)).values == [[], [0], [0, 1]]
    result = run(coroutine, [0, 1, 2])
    assert result.values == [-6, None, 6]
    assert result.failures[1].ename == "ZeroDivisionError"


class Stubborn(Exception):
    def __reduce__(self):
        raise RuntimeError("not me")


def test_what_cannot_travel_fails_alone():
    def function(x):
        if x == 1:
            raise Stubborn
        return x

    result = pickle.loads(pickle.dumps(run(function, range(3))))
    assert result.values == [0, None, 2]
    assert isinstance(result.failures[1].error, ResultUnreadable)

    result = ChunkResult([1, threading.Lock(), 3], {}).without_unreadable()
    assert result.values == [1, None, 3]
    assert "lock" in result.failures[1].evalue
    assert pickle.loads(pickle.dumps(result)).values == [1, None, 3]
