"""Interrupts: of the running task, and of no other."""

from __future__ import annotations

from gangline.messages import Status, TaskId
from gangline.testing.conformance.base import Part
from gangline.testing.conformance.driver import Driver, value_of
from gangline.testing.conformance.traits import Interrupts as Reach

__all__ = ["Interrupts"]


class Interrupts(Part):
    """Interrupts: of the running task, and of no other."""

    def test_task_that_waits_for_the_system(self, driver: Driver) -> None:
        """It gets KeyboardInterrupt at once; or when the wait is over; or never."""
        task = self._interrupt_running(driver, circling=False)
        attempt = driver.results([task])[0]
        if self.traits.interrupts is Reach.NEVER:
            assert value_of(attempt) == "let go"
        else:
            assert attempt.status is Status.ERROR
            assert type(attempt.value.error) is KeyboardInterrupt

    def test_task_that_runs_python_code(self, driver: Driver) -> None:
        """It gets KeyboardInterrupt at once, or never."""
        task = self._interrupt_running(driver, circling=True)
        attempt = driver.results([task])[0]
        if self.traits.interrupts is Reach.NEVER:
            assert value_of(attempt) == "let go"
        else:
            assert type(attempt.value.error) is KeyboardInterrupt
            assert "circle" in attempt.value.traceback

    def _interrupt_running(self, driver: Driver, *, circling: bool) -> TaskId:
        """Interrupt a task, and wait for its end before it is let go where that is to be expected."""
        reach = self.traits.interrupts
        ends_before = reach is Reach.ANYWHERE or (reach is Reach.IN_PYTHON and circling)

        def act(task: TaskId, engine: int) -> None:
            driver.backend.interrupt(driver.engine, task)
            if ends_before:
                driver.until(lambda: task in driver.done)

        _, task, _ = driver.while_running(act, circling=circling)
        return task

    def test_interrupt_meant_for_another_task(self, driver: Driver) -> None:
        """Neither the one that runs nor those behind it notice, though one of those was meant."""
        earlier = driver.send(abs, 1)
        driver.results([earlier])

        def act(task: TaskId, _: int) -> None:
            for other in (earlier, TaskId(task + 1), TaskId(10_000)):
                driver.backend.interrupt(driver.engine, other)

        before, task, behind = driver.while_running(act, before=[(abs, (-1,), {})], behind=[(abs, (-2,), {})])
        assert [value_of(attempt) for attempt in driver.results([*before, task, *behind])] == [1, "let go", 2]

    def test_late_interrupts_hit_nobody(self, driver: Driver) -> None:
        """One that comes when its task has just ended does not reach the next one, and does not harm the engine."""
        engine = driver.engine
        for i in range(60):
            task = driver.send(abs, -i)
            driver.backend.interrupt(engine, task)
            attempt = driver.results([task])[0]
            assert attempt.status is Status.OK or type(attempt.value.error) is KeyboardInterrupt
            driver.backend.interrupt(engine, task)
            assert driver.value(abs, -i) == i
        assert list(driver.engines) == [engine]
