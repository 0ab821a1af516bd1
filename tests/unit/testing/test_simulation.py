"""The fakes themselves: the clock, and the long simulations."""

from __future__ import annotations

import pytest

from gangline.testing import FakeClock
from gangline.testing.simulation import simulate


def test_the_clock_moves_only_when_told() -> None:
    clock = FakeClock(monotonic_s=5.0, epoch_s=1000.0)
    clock.advance(2.5)
    clock.advance_to(7.0)
    assert (clock.monotonic(), clock.time()) == (7.5, 1002.5)
    clock.advance_to(10.0)
    assert clock.time() == 1005.0
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1.0)


@pytest.mark.parametrize(("tasks", "engines", "seed"), [(2_000, 20, 1), (2_000, 2_000, 2), (20_000, 1_000, 3)])
def test_every_task_ends_exactly_once(tasks: int, engines: int, seed: int) -> None:
    summary = simulate(tasks, engines, seed=seed)
    assert summary.endings.total() == tasks
    assert summary.endings["ok"] > 0.95 * tasks
    assert summary.deaths >= 10
    assert f"{tasks:,} tasks" in str(summary)


def test_the_same_seed_brings_the_same_night() -> None:
    assert simulate(3_000, 30, seed=4).endings == simulate(3_000, 30, seed=4).endings


def test_fifty_thousand_tasks_on_ten_thousand_engines() -> None:
    """A twentieth of what the program `python -m gangline.testing.simulation` plays in a minute or two."""
    summary = simulate(50_000, 10_000)
    assert summary.endings.total() == 50_000
    assert summary.deaths >= 500
