"""Engines that join, end, die and are replaced."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from gangline.errors import UsageError
from gangline.messages import EngineId, TaskId
from gangline.testing.conformance.base import Part
from gangline.testing.conformance.driver import Call, Driver, value_of
from gangline.testing.probes.engines import exit_by_exception, leave, self_portrait, write_down

__all__ = ["Engines"]

Start = Callable[[int | None], Driver]


class Engines(Part):
    """Engines that join, end, die and are replaced."""

    def test_engines_announce_themselves(self, start: Start) -> None:
        """Each with a number and a name of its own, its process, its host and what it offers."""
        driver = start(2)
        engines = driver.join(2)
        infos = [driver.engines[engine] for engine in engines]
        assert len({info.uuid for info in infos}) == 2
        for engine, info in zip(engines, infos, strict=True):
            assert driver.value(self_portrait, engine=engine) == (engine, info.uuid, info.pid)
            assert (info.pid != os.getpid()) == self.traits.own_processes
            assert info.host
            assert info.pool
            assert info.offers["cores"] >= 1
            assert all(amount > 0 for amount in info.offers.values())

    def test_as_many_engines_as_suit_the_place(self, start: Start) -> None:
        """When it is not told how many, there is at least one."""
        driver = start(None)
        assert driver.value(abs, -1) == 1

    def test_engines_are_added(self, driver: Driver) -> None:
        """They join like the first ones, under new names."""
        before = dict(driver.engines)
        driver.backend.add_engines(2)
        driver.join(3)
        assert len({info.uuid for info in driver.engines.values()}) == 3
        assert before.items() <= driver.engines.items()
        assert [driver.value(abs, -i, engine=engine) for i, engine in enumerate(driver.engines)] == [0, 1, 2]

    def test_stopped_engine_is_reported_and_not_replaced(self, start: Start) -> None:
        """The others go on; the next engine that joins is one that was asked for."""
        driver = start(2)
        stopped, other = driver.join(2)
        driver.backend.stop_engine(stopped)
        assert driver.await_loss(stopped).running == frozenset()
        driver.backend.add_engines(1)
        driver.join(2)
        assert [driver.value(abs, -1, engine=engine) for engine in (other, driver.joined[-1])] == [1, 1]
        assert len(driver.joined) == 3

    def test_engine_stopped_while_it_works_loses_its_task(self, start: Start) -> None:
        """What it runs is reported as running; what it has not begun is not."""
        driver = start(2)
        stopped, other = driver.join(2)

        def act(_: TaskId, engine: EngineId) -> None:
            driver.backend.stop_engine(engine)
            self._await_loss(driver, engine)

        _, task, behind = driver.while_running(act, behind=[(abs, (1,), {})] * 3, engine=stopped)
        assert driver.await_loss(stopped).running == {task}
        assert driver.value(abs, -1, engine=other) == 1
        assert set(behind) == driver.unstarted
        assert driver.joined == [stopped, other]

    def test_killed_idle_engine_is_replaced(self, driver: Driver) -> None:
        """Each time anew: with a new number and a new name."""
        names = set()
        for turn in range(3):
            engine = driver.engine
            names.add(driver.engines[engine].uuid)
            driver.backend.kill(engine, f"reason {turn}")
            lost = driver.await_loss(engine)
            assert f"reason {turn}" in lost.reason
            assert lost.running == frozenset()
        assert driver.value(abs, -1) == 1
        names.add(driver.engines[driver.engine].uuid)
        assert (len(names), len(driver.engines)) == (4, 1)

    def test_killed_engine_loses_only_the_task_that_runs(self, driver: Driver) -> None:
        """Of a batch under way, what was done is done, what was running is lost, the rest was never started."""
        killed = driver.engine

        def act(_: TaskId, engine: EngineId) -> None:
            driver.backend.kill(engine, "it was time")
            self._await_loss(driver, engine)

        before, task, behind = driver.while_running(
            act,
            before=[(abs, (-i,), {}) for i in range(5)],
            behind=[(abs, (-i,), {}) for i in range(5)],
        )
        lost = driver.await_loss(killed)
        assert lost.running == {task}
        assert "it was time" in lost.reason
        assert driver.value(abs, -7) == 7
        assert [value_of(driver.done[task]) for task in before] == list(range(5))
        assert task not in driver.done
        assert set(behind) == driver.unstarted
        assert len(driver.engines) == 1

    def test_engine_killed_at_any_moment(self, driver: Driver, tmp_path: Path) -> None:
        """No task has run that is not done or reported as running, so that those which start anew run once."""
        path = str(tmp_path / "ran")
        tasks: list[TaskId] = []
        for turn in range(4):
            engine, already = driver.engine, len(driver.done)
            first = len(tasks)
            tasks += driver.send_all([(write_down, (path, first + i), {}) for i in range(300)])
            driver.until(lambda: len(driver.done) > already + 40 * turn)  # noqa: B023
            driver.backend.kill(engine, "it was time")
            driver.await_loss(engine)
        driver.stop()
        ran = [tasks[int(line)] for line in (tmp_path / "ran").read_text().split()]
        interrupted = {task for lost in driver.lost for task in lost.running}
        assert len(set(ran)) == len(ran)
        assert set(driver.done) <= set(ran) <= set(driver.done) | interrupted
        assert driver.unstarted.isdisjoint(ran)

    def _await_loss(self, driver: Driver, engine: EngineId) -> None:
        """Before the task that runs there is let go, since an engine may be far away and hear of its end later."""
        if self.traits.concurrent:
            driver.await_loss(engine)

    def test_what_a_killed_engine_ran(self, driver: Driver) -> None:
        """It is ended at once, or abandoned: then it runs on and does not count."""
        killed = driver.engine
        if not self.traits.concurrent:
            _, task, _ = driver.while_running(lambda _, engine: driver.backend.kill(engine, "enough"))
        else:
            with driver.gate() as gate:
                task = driver.send(gate.door.enter)
                driver.until(lambda: gate.entered)
                driver.backend.kill(killed, "enough")
                assert driver.await_loss(killed).running == {task}
                if self.traits.ends_by_force:
                    gate.wait_until_left()
        assert driver.value(abs, -1) == 1
        assert task not in driver.done

    def test_task_that_ends_its_process(self, driver: Driver) -> None:
        """It takes its engine along and nothing else. Without processes the worst it can do is `SystemExit`."""
        engine, started = driver.engine, len(driver.joined)
        driver.value(self_portrait)  # imports what is needed, so that nothing is slow enough to be given back
        quick: list[Call] = [(abs, (-i,), {}) for i in range(20)]
        last: Call = (leave, (7,), {}) if self.traits.own_processes else (exit_by_exception, (7,), {})
        tasks = driver.send_all([*quick, last, *quick[:3]])
        if not self.traits.own_processes:
            assert driver.results(tasks)[20].value.ename == "SystemExit"
            assert (driver.engine, len(driver.joined)) == (engine, started)
            return
        lost = driver.await_loss(engine)
        assert [value_of(driver.done[task]) for task in tasks[:20]] == list(range(20))
        assert lost.running == {tasks[20]}
        assert "7" in lost.reason
        assert ("these were my last words" in lost.reason) == self.traits.last_words
        assert set(tasks[21:]) == driver.unstarted
        assert driver.value(abs, -1) == 1

    def test_signals(self, driver: Driver) -> None:
        """A process can be sent one, and how it ended is said by name; what is no process cannot."""
        engine = driver.engine
        if self.traits.own_processes:
            driver.backend.signal_engine(engine, signal.SIGTERM)
            assert "SIGTERM" in driver.await_loss(engine).reason
        else:
            with pytest.raises(UsageError, match=f"engine {engine} "):
                driver.backend.signal_engine(engine, signal.SIGTERM)
        assert driver.value(abs, -1) == 1

    def test_which_task_runs(self, driver: Driver) -> None:
        """It can be told while one does, and none does before and after."""
        seen: list[TaskId | None] = [driver.backend.running(driver.engine)]
        _, task, _ = driver.while_running(lambda _, engine: seen.append(driver.backend.running(engine)))
        driver.results([task])
        assert seen == [None, task]
        driver.value(abs, 1)
        driver.until(lambda: driver.backend.running(driver.engine) is None)

    def test_engines_that_are_gone_or_never_were(self, driver: Driver) -> None:
        """Whatever is asked of them has no effect, since their end may not have been heard of yet."""
        gone = driver.engine
        driver.backend.kill(gone, "it was time")
        driver.backend.kill(gone, "again")
        driver.await_loss(gone)
        survivor = driver.engine
        for engine in (gone, EngineId(10_000)):
            driver.backend.send(engine, [(TaskId(10_000), driver.prepare(abs, 1))])
            assert list(driver.backend.recall(engine)) == []
            assert driver.backend.running(engine) is None
            driver.backend.interrupt(engine, TaskId(10_000))
            driver.backend.kill(engine, "it is gone")
            driver.backend.stop_engine(engine)
        assert driver.value(abs, -1) == 1
        assert (driver.joined, len(driver.lost)) == ([gone, survivor], 1)
