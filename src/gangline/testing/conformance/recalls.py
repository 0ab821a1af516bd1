"""Tasks that are taken back, or given back, unstarted."""

from __future__ import annotations

import random
from typing import Any

from gangline.messages import Payload, TaskId
from gangline.testing.conformance.base import Part
from gangline.testing.conformance.driver import Driver, value_of
from gangline.testing.probes.recalls import all_runs, count_run

__all__ = ["Recalls"]


class Recalls(Part):
    """Tasks that are taken back, or given back, unstarted."""

    def test_what_is_not_begun_comes_back(self, driver: Driver) -> None:
        """All of it, in one way or the other, and nothing of it runs; what runs stays and ends."""
        came: list[TaskId] = []
        later: list[TaskId] = []

        def act(task: TaskId, engine: Any) -> None:
            driver.resends = False
            driver.returned.clear()  # those were sent again, also those that a slow task before this one has held up
            later.extend(driver.send(count_run, i) for i in range(20))
            later.extend(driver.send_all([(count_run, (i,), {}) for i in range(20)]))
            later.append(driver.send(len, b"x" * 1_000_000))
            came.extend(driver.recall(engine))
            driver.until(lambda: set(driver.out) == {task})

        before, task, behind = driver.while_running(act, before=[(abs, (-1,), {})], behind=[(count_run, (0,), {})] * 9)
        assert driver.value(all_runs) == {}
        assert [value_of(attempt) for attempt in driver.results([*before, task])] == [1, "let go"]
        assert sorted([*came, *driver.returned]) == [*behind, *later]

    def test_what_came_back_can_be_sent_again(self, driver: Driver) -> None:
        """To the same engine, functions and large arguments included, and runs once."""
        driver.resends = False
        payloads: list[Payload] = [driver.prepare(lambda x, i=i: (i, len(x)), b"x" * (100_000 * i)) for i in range(12)]
        tasks: list[TaskId] = []

        def act(task: TaskId, engine: Any) -> None:
            for _ in range(3):
                tasks[:] = driver.send_payloads(payloads)
                driver.recall(engine)
                driver.until(lambda: set(driver.out) == {task})
            driver.resends = True
            driver.send_again(list(zip(tasks, payloads, strict=True)))

        driver.while_running(act)
        assert [value_of(attempt) for attempt in driver.results(tasks)] == [(i, 100_000 * i) for i in range(12)]

    def test_nothing_to_recall(self, driver: Driver) -> None:
        """From an engine that is idle, or was asked already."""
        engine = driver.engine
        assert driver.recall(engine) == []
        driver.send_all([(abs, (1,), {})] * 5)
        driver.recall(engine)
        assert driver.recall(engine) == []
        driver.until(lambda: not driver.out)
        assert driver.value(abs, -1) == 1

    def test_recalls_at_any_moment(self, driver: Driver) -> None:
        """However recalls and reports meet, each task runs exactly once, and all do."""
        driver.resends = False
        rng = random.Random(20)
        payloads = [driver.prepare(count_run, i) for i in range(400)]
        tasks = driver.send_payloads(payloads)
        payload_of = dict(zip(tasks, payloads, strict=True))
        waiting: list[TaskId] = []
        while len(driver.done) < len(tasks):
            if rng.random() < 0.7:
                waiting += driver.recall(driver.engine)
            waiting += driver.returned
            driver.returned.clear()
            count = rng.randrange(1, 60)
            batch, waiting = waiting[:count], waiting[count:]
            driver.send_again([(task, payload_of[task]) for task in batch])
            out = len(driver.out)
            assert driver.lost == []
            driver.until(lambda: len(driver.out) < max(out, 1))  # noqa: B023
        assert driver.value(all_runs) == dict.fromkeys(range(400), 1)
        assert {value_of(driver.done[task]) for task in tasks} == {1}

    def test_tasks_behind_a_long_one(self, driver: Driver) -> None:
        """They come back by themselves, or can be recalled: they are never stuck while it runs."""
        driver.resends = False
        free: list[TaskId] = []

        def act(task: TaskId, engine: Any) -> None:
            free.extend(driver.recall(engine))
            driver.until(lambda: set(driver.out) == {task})

        _, task, behind = driver.while_running(act, behind=[(abs, (1,), {})] * 30)
        assert sorted([*free, *driver.returned]) == behind
        driver.results([task])
