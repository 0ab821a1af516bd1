"""The simulator of one client does what it should and is not far from measured runs; the page says what it found."""

from __future__ import annotations

import json

import pytest

from benchmarks.scale.checking import Check, run
from benchmarks.scale.grid import busy_engines, costs_of
from benchmarks.scale.page import NUMBERS, PAGE, duration, fill, rough, size
from benchmarks.scale.simulation import Costs, Load, play

COSTS = Costs(submit_s=10e-6, task_s=10e-6, exchange_s=180e-6)
FACTOR = 3.0
"""By which a real run may differ, on a machine that is busy with other things; the page says so."""


def test_a_client_that_is_quick_enough_keeps_its_engines_busy() -> None:
    reached = play(Load(engines=50, task_s=1.0), COSTS)
    assert reached.efficiency > 0.99
    assert reached.tasks_per_s == pytest.approx(50, rel=0.02)
    assert reached.client_share == pytest.approx(50 * COSTS.lone_s, rel=0.1)


def test_a_client_that_is_not_gives_what_its_processor_can() -> None:
    reached = play(Load(engines=1_000, task_s=0.1), COSTS)
    assert reached.client_share > 0.99
    assert reached.tasks_per_s == pytest.approx(1 / COSTS.lone_s, rel=0.05)
    assert reached.efficiency == pytest.approx(0.5, rel=0.05)


def test_tiny_tasks_travel_together_when_engines_are_few() -> None:
    reached = play(Load(engines=2, task_s=0.0005), COSTS)
    assert reached.efficiency > 0.95
    assert reached.client_share < 0.6 * reached.tasks_per_s * COSTS.lone_s


def test_results_need_the_link() -> None:
    slow = COSTS._replace(link_bytes_per_s=1e6)
    assert play(Load(10, 0.1, result_bytes=100_000), slow).tasks_per_s == pytest.approx(10, rel=0.1)


def test_the_way_takes_time_that_an_engine_waits() -> None:
    far = COSTS._replace(way_s=0.05)
    assert play(Load(10, 0.1), far).efficiency == pytest.approx(0.5, rel=0.05)


def test_how_many_engines_are_kept_busy() -> None:
    assert busy_engines(0.1, COSTS._replace(way_s=0.05)) == 0
    engines = busy_engines(0.1, COSTS)
    assert engines == pytest.approx(500, rel=0.1)
    assert play(Load(engines, 0.1), COSTS).efficiency >= 0.94


def test_the_same_load_comes_out_the_same() -> None:
    load = Load(20, 0.01)
    assert play(load, COSTS) == play(load, COSTS)


def test_no_run_is_quicker_than_its_engines_neither_a_real_one_nor_a_simulated_one() -> None:
    measured = json.loads(NUMBERS.read_text())["costs"]
    check = Check("processes", engines=4, task_s=0.01, tasks=80)
    rate, spent_s = run(check)
    assert 0 < rate <= check.engines / check.task_s
    assert spent_s > 0
    assert 0 < play(Load(check.engines, check.task_s), costs_of(check.kind, measured)).efficiency <= 1


def test_the_runs_of_the_page_are_not_far_from_the_simulated_ones() -> None:
    checks = json.loads(NUMBERS.read_text())["checks"]
    assert {row["kind"] for row in checks} == {"processes", "dask"}
    for row in checks:
        for what in ("tasks_per_s", "client_s"):
            assert 1 / FACTOR < row[f"real_{what}"] / row[f"simulated_{what}"] < FACTOR


def test_the_page_says_what_was_found() -> None:
    numbers = json.loads(NUMBERS.read_text())
    text = PAGE.read_text()
    assert fill(text, numbers) == text


def test_a_table_without_a_place_is_told() -> None:
    with pytest.raises(ValueError, match="the page has 0 places for the table"):
        fill("", json.loads(NUMBERS.read_text()))


def test_numbers_are_written_with_two_digits() -> None:
    assert [rough(number) for number in (0.0123, 3.14, 9.96, 47.3, 1234, 98765)] == [
        "0.012", "3.1", "10", "47", "1,200", "99,000",
    ]  # fmt: skip
    assert [duration(number) for number in (100, 0.0015, 1e-3, 25e-6, 4e-7)] == [
        "100 s", "1.5 ms", "1 ms", "25 µs", "0.4 µs",
    ]  # fmt: skip
    assert [size(number) for number in (1e7, 63_488, 783)] == ["10 MB", "63 kB", "780 bytes"]
