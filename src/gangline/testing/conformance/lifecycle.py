"""Beginning and end: whatever was started is gone afterwards."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import time
from collections.abc import Callable

from gangline.testing.conformance.base import Part
from gangline.testing.conformance.driver import Driver, value_of
from gangline.testing.conformance.stage import PATIENCE_S

__all__ = ["Lifecycle", "Traces"]


class Traces:
    """What this process has at one moment: descriptors, threads and children."""

    def __init__(self) -> None:
        gc.collect()
        self.descriptors = {int(name): _target(name) for name in os.listdir("/proc/self/fd")}
        self.threads = set(threading.enumerate())
        self.children = _children()

    def check_that_nothing_is_new(self) -> None:
        """Everything since is gone; threads get the time that they need to end."""
        for thread in set(threading.enumerate()) - self.threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), f"{thread.name} is still there"
        now = Traces()
        assert now.children <= self.children, "there are processes left"
        new = {number: what for number, what in now.descriptors.items() if number not in self.descriptors}
        assert {what for what in new.values() if what is not None} == set(), "there are descriptors left"


def _target(name: str) -> str | None:
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except FileNotFoundError:  # the one that listed them
        return None


def _children() -> set[int]:
    children: set[int] = set()
    for task in os.listdir("/proc/self/task"):
        # A thread may have ended meanwhile; its children are another one's then.
        with (
            contextlib.suppress(FileNotFoundError, ProcessLookupError),
            open(f"/proc/self/task/{task}/children") as file,
        ):
            children.update(map(int, file.read().split()))
    return children


class Lifecycle(Part):
    """Beginning and end: whatever was started is gone afterwards."""

    def test_start_and_stop_many_times(self) -> None:
        """With some work, with none, and before the engines have joined."""
        self._work_and_stop(1)  # what is opened once for the whole process
        before = Traces()
        for turn in range(4):
            self._work_and_stop(turn)
            before.check_that_nothing_is_new()

    def _work_and_stop(self, turn: int) -> None:
        driver = self.drive(2)
        if turn % 2:
            engines = driver.join(2)
            tasks = [driver.send(len, b"x" * 600_000, engine=engine) for engine in engines]
            assert [value_of(attempt) for attempt in driver.results(tasks)] == [600_000] * 2
        driver.stop()

    def test_one_backend_after_the_other_and_side_by_side(self, start: Callable[[int | None], Driver]) -> None:
        """They have nothing in common."""
        one, other = start(1), start(1)
        assert one.engines.keys() == {*one.join()}
        assert [one.value(abs, -1), other.value(abs, -2)] == [1, 2]
        one.stop()
        assert other.value(abs, -3) == 3

    def test_stop_with_work_under_way(self) -> None:
        """It comes to an end although a task runs on until it has, with others behind it."""
        self._work_and_stop(1)
        before = Traces()

        def act(*_: object) -> None:
            driver.stop(0.2)

        driver = self.drive(2)
        engine, other = driver.join(2)
        driver.send_all([(time.sleep, (0.5,), {}), *[(len, (b"x" * 600_000,), {})] * 20], other)
        driver.while_running(act, behind=[(abs, (1,), {})] * 50, engine=engine)
        before.check_that_nothing_is_new()

    def test_stop_while_results_are_under_way(self) -> None:
        """Large ones that nobody takes in do not keep engines from ending."""
        self._work_and_stop(1)
        before = Traces()
        driver = self.drive(1)
        driver.send_all([(bytes, (2_000_000,), {})] * 60)
        driver.stop()
        before.check_that_nothing_is_new()

    def test_killed_and_stopped_engines_leave_nothing_either(self) -> None:
        """While the backend goes on."""
        self._work_and_stop(1)
        driver = self.drive(1)
        try:
            driver.value(abs, 1)
            before = Traces()
            driver.backend.add_engines(2)
            one, other = driver.join(3)[1:]
            driver.backend.stop_engine(one)
            driver.await_loss(one)
            driver.backend.kill(other, "it was time")
            driver.await_loss(other)
            replacement = driver.join(2)[-1]
            driver.backend.stop_engine(replacement)
            driver.await_loss(replacement)
            before.check_that_nothing_is_new()
        finally:
            driver.stop()
