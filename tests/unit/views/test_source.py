import itertools

import pytest

from gangline.views.source import Pace, Sliced, Streamed, source_of


def taken(source, count):
    arguments, number = source.take(count)
    return [list(each) for each in arguments], number


@pytest.mark.parametrize("items", [[1, 2, 3, 4], (1, 2, 3, 4), range(1, 5), {1: 0, 2: 0, 3: 0, 4: 0}, {1, 2, 3, 4}])
def test_what_has_a_length_is_sliced(items):
    source = source_of([items])
    assert isinstance(source, Sliced)
    assert source.left == 4
    assert taken(source, 3) == ([[1, 2, 3]], 3)
    assert taken(source, 3) == ([[4]], 1)
    assert source.left == 0


def test_a_range_stays_a_range():
    (part,), _ = source_of([range(10)]).take(5)
    assert part == range(5)


def test_the_shortest_sequence_counts():
    source = source_of([range(9), "abc"])
    assert source.left == 3
    assert taken(source, 5) == ([[0, 1, 2], ["a", "b", "c"]], 3)


def test_iterators_are_read_no_further_than_needed():
    seen = []
    source = source_of([(seen.append(i) or i for i in itertools.count())])
    assert isinstance(source, Streamed)
    assert source.left is None
    assert taken(source, 2) == ([[0, 1]], 2)
    assert seen == [0, 1]


def test_iterators_and_sequences_go_together():
    source = source_of([iter("abcdef"), [1, 2, 3]])
    assert taken(source, 2) == ([["a", "b"], [1, 2]], 2)
    assert taken(source, 2) == ([["c"], [3]], 1)
    assert source.left == 0


def test_items_in_front_of_an_error_are_kept():
    source = source_of([(1 // (2 - i) for i in itertools.count())])
    assert taken(source, 9) == ([[0, 1]], 2)
    with pytest.raises(ZeroDivisionError):
        source.take(9)
    assert source.left == 0


def test_what_cannot_be_iterated_is_refused():
    with pytest.raises(TypeError):
        source_of([3])


def test_changes_after_keep_do_not_show():
    items = [1, 2, 3]
    source = source_of([items])
    source.keep()
    items[:] = [0, 0, 0]
    assert taken(source, 3) == ([[1, 2, 3]], 3)
    source.rewind()
    assert source.left == 3


class TestPace:
    def test_the_first_chunks_are_single_items(self):
        assert Pace().next_size(10**6, 2) == 1

    def test_chunks_grow_by_a_bounded_factor_to_some_milliseconds(self):
        pace = Pace()
        sizes = []
        for _ in range(10):
            size = pace.next_size(None, 2)
            sizes.append(size)
            pace.record(size, size * 1e-6)
        assert sizes[:3] == [1, 16, 256]
        assert 3_900 <= sizes[-1] <= 4_000

    def test_long_items_go_one_by_one(self):
        pace = Pace()
        pace.record(1, 0.1)
        assert pace.next_size(1000, 2) == 1

    def test_towards_the_end_chunks_shrink(self):
        pace = Pace()
        pace.record(10_000, 1e-3)
        assert pace.next_size(400, 2) == 100
        assert pace.next_size(3, 2) == 1
