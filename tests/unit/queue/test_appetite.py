"""How many jobs a worker takes at once."""

import pytest

from gangline.queue.worker.appetite import AHEAD_S, Appetite


@pytest.fixture
def appetite() -> Appetite:
    """Of a worker with one slot that knows short jobs and long ones."""
    one = Appetite(1)
    one.learn("short", 0.0001)
    one.learn("long", 0.05)
    return one


def test_of_a_class_that_nobody_knows_nothing_is_taken_ahead(appetite: Appetite):
    assert Appetite(1).ahead([]) == {}
    assert appetite.ahead([("new", 0.0)]) == {}
    assert appetite.next_in_s([("new", 0.0)]) is None


def test_many_short_jobs_and_one_long_one_are_a_turns_worth(appetite: Appetite):
    wanted = appetite.ahead([])
    assert wanted["long"] == 1
    assert wanted["short"] > 100


def test_all_slots_that_are_free_are_filled_at_once():
    appetite = Appetite(4)
    appetite.learn("long", 10.0)
    assert appetite.ahead([]) == {"long": 4}


def test_the_next_is_taken_shortly_before_the_one_that_runs_ends(appetite: Appetite):
    assert appetite.ahead([("long", 0.0)]) == {}
    assert appetite.next_in_s([("long", 0.0)]) == pytest.approx(0.05 - AHEAD_S / 2)
    assert appetite.ahead([("long", 0.04)])["long"] == 1


def test_it_is_taken_earlier_where_the_database_takes_long_to_answer(appetite: Appetite):
    before = appetite.next_in_s([("long", 0.0)])
    for _ in range(30):
        appetite.learn_turn(0.001)
    assert appetite.next_in_s([("long", 0.0)]) == before
    for _ in range(30):
        appetite.learn_turn(0.02)
    assert appetite.next_in_s([("long", 0.0)]) == pytest.approx(0.05 - 0.04, abs=0.001)
    for _ in range(30):
        appetite.learn_turn(5.0)
    assert appetite.ahead([("long", 0.0)])["long"] == 2  # but not all that there are


def test_there_may_be_more_where_one_class_has_brought_what_was_asked_for(appetite: Appetite):
    ahead = appetite.ahead([])
    assert appetite.may_be_more({"long": 1}, 1, ahead)
    assert not appetite.may_be_more({"short": 1}, 1, ahead)
    assert appetite.may_be_more({"short": ahead["short"]}, 1, ahead)
    assert appetite.may_be_more({"new": 1}, 1, ahead)
    assert not appetite.may_be_more({}, 1, ahead)
    assert not appetite.may_be_more({}, 0, {})
