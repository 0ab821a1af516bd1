"""How many engines there should be, at times that are made up."""

from __future__ import annotations

import pytest

from gangline.backends.dask.load import REPEAT_S, Load, Loads
from gangline.cluster.adapting import Bounds, Plan, Planner
from gangline.errors import UsageError


def load(waiting: int, *busy: str) -> Load:
    return Load(waiting, frozenset(busy))


@pytest.fixture
def planner() -> Planner:
    return Planner(Bounds(1, 10, idle_s=30.0, patience_s=2.0))


def test_there_are_always_as_many_as_the_minimum(planner: Planner) -> None:
    assert planner.plan(load(0), (), 0, 0.0) == Plan(1, ())
    assert planner.plan(load(0), ("a",), 0, 1000.0) == Plan(1, ())


def test_without_any_engine_nobody_waits_for_patience() -> None:
    assert Planner(Bounds(0, 10)).plan(load(3), (), 0, 0.0) == Plan(3, ())


def test_tasks_that_wait_for_a_while_bring_as_many_as_they_are_up_to_the_maximum(planner: Planner) -> None:
    assert planner.plan(load(3, "a"), ("a",), 0, 0.0).wanted == 1
    assert planner.plan(load(3, "a"), ("a",), 0, 1.9).wanted == 1
    assert planner.plan(load(3, "a"), ("a",), 0, 2.0).wanted == 4
    assert planner.plan(load(3, "a"), ("a",), 3, 2.5).wanted == 4, "those that are coming count"
    assert planner.plan(load(100, "a"), ("a",), 3, 3.0).wanted == 10


def test_short_tasks_that_are_soon_done_bring_none(planner: Planner) -> None:
    for now in range(10):
        assert planner.plan(load(1000, "a"), ("a",), 0, now + 0.0).wanted == 1
        assert planner.plan(load(0, "a"), ("a",), 0, now + 0.5).wanted == 1


def test_while_one_is_idle_more_of_the_kind_do_not_help(planner: Planner) -> None:
    assert planner.plan(load(3, "a"), ("a", "b"), 0, 0.0).wanted == 2
    assert planner.plan(load(3, "a"), ("a", "b"), 0, 60.0).wanted == 2


def test_those_that_were_idle_for_long_may_end_but_for_the_minimum(planner: Planner) -> None:
    up = ("a", "b", "c")
    assert planner.plan(load(0, "a"), up, 0, 0.0) == Plan(3, ())
    assert planner.plan(load(0, "a", "c"), up, 0, 10.0) == Plan(3, ())
    assert planner.plan(load(0, "a"), up, 0, 30.0) == Plan(2, ("b",))
    assert planner.plan(load(0), ("a", "c"), 0, 60.0) == Plan(1, ("c",))
    assert planner.plan(load(0), ("a",), 0, 500.0) == Plan(1, ())


def test_none_ends_while_tasks_wait(planner: Planner) -> None:
    planner.plan(load(0), ("a", "b"), 0, 0.0)
    assert planner.plan(load(1), ("a", "b"), 0, 1000.0) == Plan(2, ())


def test_one_that_refuses_is_asked_again_when_it_has_been_idle_for_as_long_again(planner: Planner) -> None:
    planner.plan(load(0), ("a", "b"), 0, 0.0)
    assert planner.plan(load(0), ("a", "b"), 0, 30.0).idle == ("a",)
    planner.on_refusal("a", 30.0)
    planner.on_refusal("z", 30.0)
    assert planner.plan(load(0), ("a", "b"), 0, 31.0).idle == ("b",)
    planner.on_refusal("b", 31.0)
    assert planner.plan(load(0), ("a", "b"), 0, 59.0).idle == ()
    assert planner.plan(load(0), ("a", "b"), 0, 60.0).idle == ("a",)


def test_those_that_are_coming_are_called_off_when_it_was_calm_for_long(planner: Planner) -> None:
    assert planner.plan(load(0, "a"), ("a",), 5, 0.0).wanted == 6
    assert planner.plan(load(0, "a"), ("a",), 5, 29.0).wanted == 6
    assert planner.plan(load(0, "a"), ("a",), 5, 30.0).wanted == 1


@pytest.mark.parametrize(
    ("minimum", "maximum", "idle_s", "message"),
    [
        (-1, 2, 1.0, "minimum must be a whole number of engines, 0 or more, not -1"),
        (0, 0, 1.0, "maximum must be 1 or more, not 0"),
        (3, 2, 1.0, "maximum must be 3 or more, not 2"),
        (0, 2.5, 1.0, "maximum must be a whole number"),
        (0, 2, -1.0, "idle_timeout must be seconds"),
        (0, 2, float("nan"), "idle_timeout must be seconds"),
    ],
)
def test_bounds_that_make_no_sense(minimum: int, maximum: int, idle_s: float, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Bounds(minimum, maximum, idle_s)


def test_what_several_clients_have_to_do_is_added_up() -> None:
    loads = Loads()
    assert loads.total(0.0) == load(0)
    loads.on_message(load(2, "a", "b").to_message("first"), 0.0)
    loads.on_message(load(3, "b", "c").to_message("second"), 1.0)
    assert loads.total(1.0) == load(5, "a", "b", "c")
    loads.on_message(load(0, "a").to_message("first"), 2.0)
    assert loads.total(2.0) == load(3, "a", "b", "c")
    loads.forget("second")
    assert loads.total(2.0) == load(0, "a")
    assert loads.total(2.0 + 5 * REPEAT_S) == load(0), "one that is not heard of is gone"


@pytest.mark.parametrize("message", [{}, {"client": 1}, {"client": 1, "waiting": "x", "busy": []}, {"waiting": 1}])
def test_what_is_no_load_is_ignored(message: dict[str, object]) -> None:
    loads = Loads()
    loads.on_message(message, 0.0)
    assert loads.total(0.0) == load(0)
