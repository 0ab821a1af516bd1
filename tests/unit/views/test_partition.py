import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gangline.errors import UsageError
from gangline.views.partition import Map, RoundRobinMap, dists, is_array, mappable

sequences = st.one_of(st.lists(st.integers()), st.lists(st.integers()).map(tuple))


@given(st.sampled_from([Map, RoundRobinMap]), sequences, st.integers(1, 7))
def test_parts_join_to_the_whole(kind, sequence, q):
    dealer = kind()
    parts = [dealer.getPartition(sequence, p, q) for p in range(q)]
    assert list(dealer.joinPartitions(parts)) == list(sequence)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("kind", [Map, RoundRobinMap])
@pytest.mark.parametrize("shape", [(7,), (5, 2), (0,), (3, 2, 2)])
@pytest.mark.parametrize("q", [1, 2, 3, 5])
def test_arrays_too(kind, shape, q):
    dealer, whole = kind(), np.arange(np.prod(shape), dtype="f4").reshape(shape)
    joined = dealer.joinPartitions([dealer.getPartition(whole, p, q) for p in range(q)])
    assert is_array(joined)
    assert joined.dtype == whole.dtype
    assert (joined == whole).all()


@pytest.mark.parametrize(("kind", "parts"), [(Map, [[0, 1, 2], [3, 4]]), (RoundRobinMap, [[0, 2, 4], [1, 3]])])
def test_what_cannot_be_sliced(kind, parts):
    assert [kind().getPartition(dict.fromkeys(range(5)), p, 2) for p in range(2)] == parts


def test_scalars_stay_as_they_are():
    assert Map().joinPartitions([1, 2]) == [1, 2]


@pytest.mark.parametrize("kind", [Map, RoundRobinMap])
@pytest.mark.parametrize("p", [-1, 2])
def test_no_such_part(kind, p):
    with pytest.raises(UsageError):
        kind().getPartition([1, 2], p, 2)


def test_names():
    assert dists == {"b": Map, "r": RoundRobinMap}
    assert [mappable(each) for each in ([], (), np.arange(2), "ab", 3)] == [True, True, True, False, False]
