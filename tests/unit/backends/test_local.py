"""Engines within this process: inline and threads."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from gangline._engine import execute
from gangline._engine.capture import Capture
from gangline._engine.context import current
from gangline.backends import local, threads
from gangline.backends.inline import InlineBackend
from gangline.backends.threads import ThreadsBackend
from gangline.errors import UnmetDependency
from gangline.messages import Status

from .conftest import Driver

Drive = Callable[..., Driver]
MainCode = Callable[[str], dict[str, Any]]


@pytest.fixture(params=[InlineBackend, ThreadsBackend])
def driver(request: Any, drive: Drive) -> Driver:
    return drive(request.param(), 1)


def test_calls_are_by_reference(driver: Driver) -> None:
    items: list[int] = []
    lock = threading.Lock()
    assert driver.value(lambda item, held: (items.append(item), held)[1], 5, lock) is lock
    assert items == [5]


def test_failure_is_the_exception_itself(driver: Driver) -> None:
    error = ValueError("no")

    def fail() -> None:
        raise error

    attempt = driver.run(fail)
    assert attempt.status is Status.ERROR
    assert attempt.value.error is error
    assert error.__traceback__ is not None
    assert "raise error" in attempt.value.traceback
    error.__traceback__ = None


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_no_exception_ends_the_engine(driver: Driver, error: BaseException) -> None:
    def fail() -> None:
        raise error

    assert driver.run(fail).value.error is error
    assert driver.value(int) == 0


def test_refusal(driver: Driver) -> None:
    def refuse() -> None:
        raise UnmetDependency("not here")

    assert driver.run(refuse).status is Status.UNMET


def test_coroutines_share_a_loop_and_generators_become_lists(driver: Driver) -> None:
    import asyncio

    async def loop() -> Any:
        return asyncio.get_running_loop()

    first = driver.value(loop)
    assert driver.value(loop) is first
    assert driver.value(lambda: (i for i in range(3))) == [0, 1, 2]


def test_output_and_logs_are_kept(driver: Driver, caplog: Any) -> None:
    before = sys.stdout

    def talk() -> None:
        print("out")
        print("err", file=sys.stderr)
        logging.getLogger("near").warning("cold")

    extras = driver.run(talk).extras
    assert extras is not None
    assert (extras["stdout"], extras["stderr"]) == ("out\n", "err\n")
    assert [record["msg"] for record in extras["logs"]] == ["cold"]
    assert [record.getMessage() for record in caplog.records] == ["cold"]
    assert sys.stdout is before


def test_inline_output_is_shown_at_once(drive: Drive, capsys: Any) -> None:
    drive(InlineBackend()).run(print, "seen")
    assert capsys.readouterr().out == "seen\n"


def test_threads_do_not_mix_their_output(drive: Drive) -> None:
    driver = drive(ThreadsBackend(), 2)
    driver.join(2)
    together = threading.Barrier(2)

    def talk(text: str) -> None:
        for _ in range(3):
            together.wait()
            print(text)

    tasks = [driver.send(talk, text, engine=engine) for engine, text in enumerate("ab")]
    driver.until(lambda: len(driver.done) == 2)
    assert [driver.done[task].extras for task in tasks] == [{"stdout": "a\na\na\n"}, {"stdout": "b\nb\nb\n"}]


def test_namespace_persists_and_fills_missing_names(driver: Driver, main_code: MainCode) -> None:
    main = main_code("""
factor = 3
def use(): return theirs * factor
def put():
    from gangline._engine.context import current
    current().namespace["theirs"] = 7
""")
    assert driver.run(main["use"]).value.ename == "NameError"
    driver.value(main["put"])
    assert driver.value(main["use"]) == 21
    assert current() is None


def test_recall(driver: Driver) -> None:
    engine = driver.join()
    go_on = threading.Event()
    if isinstance(driver.backend, ThreadsBackend):
        started = threading.Event()
        driver.send(lambda: (started.set(), go_on.wait()))
        started.wait()
    waiting = driver.send_all([(int, (), {}), (int, (), {})])
    assert driver.backend.recall(engine) == waiting
    go_on.set()
    assert driver.value(int) == 0
    assert not set(waiting) & set(driver.done)


def test_nested_inline_tasks_keep_their_output_apart(drive: Drive) -> None:
    driver = drive(InlineBackend())

    def outer() -> None:
        print("before")
        inner = driver.run(print, "inner")
        assert inner.extras == {"stdout": "inner\n"}
        print("after")

    assert driver.run(outer).extras == {"stdout": "before\nafter\n"}


def test_killed_thread_is_replaced_and_its_result_does_not_count(drive: Drive) -> None:
    driver = drive(ThreadsBackend(1))
    engine = driver.join()
    started, go_on = threading.Event(), threading.Event()
    task = driver.send(lambda: (started.set(), go_on.wait()))
    started.wait()
    driver.backend.kill(engine, "too long")
    driver.until(lambda: driver.lost and driver.engines)
    assert (driver.lost[0].reason, driver.lost[0].running) == ("too long", {task})
    go_on.set()
    assert driver.value(int) == 0
    assert task not in driver.done


def test_thread_killed_between_the_end_of_a_task_and_its_report(drive: Drive, monkeypatch: Any) -> None:
    driver = drive(ThreadsBackend(), 1)
    engine = driver.join()

    def take(capture: Capture) -> dict[str, Any]:
        driver.backend.kill(engine, "just then")
        return Capture.take(capture)

    monkeypatch.setattr(threads._LiveCapture, "take", take, raising=False)
    task = driver.send(print, "written")
    driver.until(lambda: driver.lost)
    assert driver.lost[0].running == {task}, "it would be run a second time, as if it had not been started"
    assert task not in driver.done


def test_interrupt_that_comes_late_upsets_nothing(drive: Drive, monkeypatch: Any) -> None:
    driver = drive(ThreadsBackend(), 1)
    before = sys.stdout

    def run_and_be_interrupted(context: Any, *call: Any) -> None:
        execute.run_task(context, *call)
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "run_task", run_and_be_interrupted)
    assert driver.run(int).value.ename == "KeyboardInterrupt"
    driver.until(lambda: sys.stdout is before)
    monkeypatch.undo()
    assert driver.value(int) == 0


def test_thread_is_interrupted(drive: Drive) -> None:
    driver = drive(ThreadsBackend(), 1)
    engine = driver.join()
    started = threading.Event()

    def spin() -> None:
        started.set()
        while True:
            pass

    task = driver.send(spin)
    started.wait()
    driver.backend.interrupt(engine, task)
    driver.until(lambda: task in driver.done)
    assert driver.done[task].value.ename == "KeyboardInterrupt"
    assert driver.value(int) == 0


def test_thread_shows_output_of_a_long_task(drive: Drive) -> None:
    driver = drive(ThreadsBackend(), 1)
    shown = threading.Event()

    def talk() -> None:
        while not shown.is_set():
            print("again")

    task = driver.send(talk)
    driver.until(lambda: driver.outputs)
    shown.set()
    driver.until(lambda: task in driver.done)
    assert {(o.task, o.stream) for o in driver.outputs} == {(task, "stdout")}


def test_stopped_engine_is_reported(driver: Driver) -> None:
    engine = driver.join()
    driver.backend.stop_engine(engine)
    driver.until(lambda: driver.lost)
    assert (driver.lost[0].reason, driver.lost[0].running) == ("stopped", frozenset())
