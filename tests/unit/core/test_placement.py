"""Each scheme is shown by the distribution of tasks over engines, with a seed."""

from __future__ import annotations

from collections import Counter
from random import Random
from statistics import pvariance

import pytest

from gangline._core.engines import Engine
from gangline._core.limits import Pool
from gangline._core.placement import Openings
from gangline._core.task import Task
from gangline.messages import PLAIN, EngineId, EngineInfo, Scheme, TaskId
from gangline.testing import Simulator, Work

ENGINES = 10
TASKS = 4000
INFO = EngineInfo("uuid", "host", 1, "host", {})


def distribution(scheme: Scheme, *, seed: int = 1, at_once: int = 1) -> list[int]:
    """How many of many tasks each engine runs, when `at_once` long ones are under way at any time."""
    simulator = Simulator(scheme=scheme, seed=seed)
    simulator.add_engines(ENGINES)
    for _ in range(TASKS // at_once):
        simulator.submit_many([(Work(1.0), PLAIN)] * at_once)
        simulator.run()
    return [simulator.started[EngineId(number)] for number in range(ENGINES)]


@pytest.mark.parametrize("scheme", [Scheme.LRU, Scheme.PURE, Scheme.LEASTLOAD])
@pytest.mark.parametrize("at_once", [1, 4, 20])
def test_least_recently_used_is_an_exact_round_robin(scheme: Scheme, at_once: int) -> None:
    assert distribution(scheme, at_once=at_once) == [TASKS // ENGINES] * ENGINES


def test_round_robin_order() -> None:
    simulator = Simulator(scheme=Scheme.LRU)
    simulator.add_engines(3)
    order = []
    for _ in range(7):
        order.append(simulator.submit().engine)
        simulator.run()
    assert order == [0, 1, 2, 0, 1, 2, 0]


def test_plain_random_is_binomial() -> None:
    counts = distribution(Scheme.PLAINRANDOM)
    expected = TASKS / ENGINES
    chi_square = sum((count - expected) ** 2 / expected for count in counts)
    # 9 degrees of freedom: between the 0.1 % and the 99.9 % quantile.
    assert 1.15 < chi_square < 27.9


def test_two_bins_are_tighter_than_plain_random() -> None:
    def spread(scheme: Scheme) -> float:
        return sum(pvariance(distribution(scheme, seed=seed)) for seed in range(5)) / 5

    assert spread(Scheme.TWOBIN) < spread(Scheme.PLAINRANDOM) / 2


def test_weighted_reaches_every_engine_about_equally() -> None:
    counts = distribution(Scheme.WEIGHTED)
    assert max(counts) - min(counts) < 0.2 * TASKS / ENGINES


def test_the_same_seed_brings_the_same_choice() -> None:
    for scheme in Scheme:
        assert distribution(scheme, seed=3) == distribution(scheme, seed=3)
    assert distribution(Scheme.PLAINRANDOM, seed=3) != distribution(Scheme.PLAINRANDOM, seed=4)


# Engines with tasks already: what the scheme does with loads ----------------------------------------------------


def openings(scheme: Scheme, loads: list[int]) -> tuple[Openings, list[Engine]]:
    engines = []
    opened = Openings(scheme, Random(7))
    for number, load in enumerate(loads):
        engine = Engine(EngineId(number), INFO, Pool("host", {}), 0.0)
        for task in range(load):
            engine.assigned[TaskId(100 * number + task)] = Task(TaskId(task), Work(), PLAIN)
        engine.used = len(loads) - number
        engines.append(engine)
        opened.add(engine)
    return opened, engines


def test_least_load_takes_the_smallest_load_and_among_equals_the_least_recently_used() -> None:
    opened, engines = openings(Scheme.LEASTLOAD, [3, 1, 2, 1])
    assert opened.choose() is engines[3]
    assert opened.choose_from(engines[:3]) is engines[1]
    opened.discard(engines[3])
    assert opened.choose() is engines[1]


def test_least_load_keeps_the_imbalance_minimal() -> None:
    opened, engines = openings(Scheme.LEASTLOAD, [0] * 7)
    for number in range(100):
        engine = opened.choose()
        engine.assigned[TaskId(1000 + number)] = Task(TaskId(number), Work(), PLAIN)
        engine.used = 100 + number
        opened.add(engine)
        loads = [len(each.assigned) for each in engines]
        assert max(loads) - min(loads) <= 1


def test_weighted_prefers_engines_with_less() -> None:
    opened, _ = openings(Scheme.WEIGHTED, [0, 1, 3, 9])
    counts = Counter(opened.choose().id for _ in range(2000))
    assert counts[EngineId(0)] > counts[EngineId(1)] > counts[EngineId(2)] > counts[EngineId(3)]


def test_two_bins_never_take_the_most_recently_used_of_two() -> None:
    opened, engines = openings(Scheme.TWOBIN, [0, 0])
    assert {opened.choose().id for _ in range(50)} == {engines[1].id}


@pytest.mark.parametrize("scheme", list(Scheme))
def test_engines_come_and_go(scheme: Scheme) -> None:
    opened, engines = openings(scheme, [0, 0, 0, 0])
    opened.add(engines[0])
    opened.discard(engines[1])
    opened.discard(engines[1])
    assert len(opened) == 3
    assert engines[1].id not in opened
    assert {engine.id for engine in opened} == {0, 2, 3}
    assert engines[1] not in [opened.choose() for _ in range(30)]
    for engine in engines:
        opened.discard(engine)
    assert not opened


@pytest.mark.parametrize("scheme", [Scheme.LRU, Scheme.LEASTLOAD])
def test_an_engine_whose_rank_changes_often_leaves_no_heap_of_old_ranks(scheme: Scheme) -> None:
    opened, engines = openings(scheme, [0, 0])
    for use in range(10_000):
        engines[0].used = use
        opened.add(engines[0])
    assert len(opened._heap) < 100
