from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gangline.errors import ResultUnreadable, UnmetDependency, Unpicklable
from gangline.messages import Status

from .conftest import Driver, Gate

Drive = Callable[..., Driver]


def test_calls_by_reference_and_by_value(drive: Drive) -> None:
    driver = drive()
    assert driver.value(math.sqrt, 9.0) == 3.0
    assert driver.value(lambda x, *, y: x + y, 2, y=3) == 5
    assert driver.value(sorted, [3, 1, 2], reverse=True) == [3, 2, 1]


def test_engine_is_a_clean_process_in_our_directory(drive: Drive) -> None:
    driver = drive()
    pid, directory, argv = driver.value(lambda: (os.getpid(), os.getcwd(), sys.argv))
    assert pid == next(iter(driver.engines.values())).pid != os.getpid()
    assert directory == os.getcwd()
    assert argv == [""]


def test_files_in_the_directory_do_not_hide_modules(drive: Drive, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "socket.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    assert drive().value(os.getcwd) == str(tmp_path)


def test_batch_runs_in_order_and_one_failure_fails_alone(drive: Drive) -> None:
    driver = drive()
    tasks = driver.send_all([(lambda x: 1 // x, (x,), {}) for x in (1, 0, 2)])
    driver.until(lambda: len(driver.done) == 3)
    assert driver.finished == tasks
    assert [driver.done[task].status for task in tasks] == [Status.OK, Status.ERROR, Status.OK]
    failure = driver.done[tasks[1]].value
    assert isinstance(failure.error, ZeroDivisionError)
    assert "1 // x" in failure.traceback
    assert "_engine" not in failure.traceback


def test_backlog_beyond_the_socket_arrives(drive: Drive) -> None:
    driver = drive()
    driver.join()
    tasks = [driver.send(lambda text: len(text), "x" * 400) for _ in range(3000)]
    driver.until(lambda: len(driver.done) == len(tasks))
    assert driver.finished == tasks


@pytest.mark.parametrize("size", [10, 60_000, 300_000, 3_000_000])
def test_packets_of_any_size(drive: Drive, size: int) -> None:
    driver = drive()
    tasks = driver.send_all([(lambda data: data[::-1], (b"ab" * size,), {}) for _ in range(3)])
    driver.until(lambda: len(driver.done) == 3)
    assert all(driver.done[task].value == b"ba" * size for task in tasks)


def test_many_values_in_segments_in_one_batch(drive: Drive) -> None:
    driver = drive()
    arrays = [np.full(40_000, float(i)) for i in range(150)]
    tasks = driver.send_all([(lambda a: a + 1, (a,), {}) for a in arrays])
    driver.until(lambda: len(driver.done) == len(tasks))
    assert all((driver.done[task].value == i + 1).all() for i, task in enumerate(tasks))


def test_large_array_is_writable_and_its_memory_recycled(drive: Drive) -> None:
    driver = drive()
    array = np.arange(2_500_000.0)
    for _ in range(4):
        back = driver.value(_double, array)
        assert back.flags.writeable
        assert back[7] == 14.0
        driver.done.clear()
        driver._payloads.clear()
        del back
    assert array[7] == 7.0
    assert len(driver.backend._pool._live) <= 2
    assert driver.value(_segments_of_engine) <= 2


def _double(array: Any) -> Any:
    array *= 2  # in place: neither the client nor another attempt may see it
    return array


def _segments_of_engine() -> int:
    return sum("memfd:gangline" in os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.exists()) - 1


def test_payload_sent_again_is_as_it_was(drive: Drive) -> None:
    driver = drive()
    engine = driver.join()
    payload = driver.backend.prepare(_double, (np.ones(100_000),), {})
    tasks = [driver.number(), driver.number()]
    for task in tasks:
        driver.backend.send(engine, [(task, payload)])
    driver.until(lambda: len(driver.done) == 2)
    assert [driver.done[task].value[0] for task in tasks] == [2.0, 2.0]


def test_later_changes_to_arguments_do_not_show(drive: Drive) -> None:
    driver = drive()
    engine = driver.join()
    small, large = [1], np.zeros(100_000)
    payloads = [driver.backend.prepare(sum, (small,), {}), driver.backend.prepare(np.sum, (large,), {})]
    small.append(100)
    large[:] = 1
    tasks = [driver.number(), driver.number()]
    driver.backend.send(engine, list(zip(tasks, payloads, strict=True)))
    driver.until(lambda: len(driver.done) == 2)
    assert [driver.done[task].value for task in tasks] == [1, 0.0]


def test_unpicklable_argument_is_named(drive: Drive) -> None:
    import threading

    driver = drive()

    def f(x: Any, y: Any) -> None: ...

    with pytest.raises(Unpicklable, match=r"argument 2 \(y\) of .*f: cannot pickle '_thread.lock' object"):
        driver.backend.prepare(f, (1, threading.Lock()), {})
    with pytest.raises(Unpicklable, match=r"argument y of"):
        driver.backend.prepare(f, (1,), {"y": threading.Lock()})
    lock = threading.Lock()
    with pytest.raises(Unpicklable, match=r"function .* cannot be pickled: cannot pickle '_thread.lock'"):
        driver.backend.prepare(lambda: lock, (), {})


class _Unloadable:
    def __reduce__(self) -> Any:
        return (_refuse, ())


def _refuse() -> None:
    import gangline._engine.context as context

    if context.current() is None:
        raise OSError("not here")


class _Picky(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__("picky")


class _Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def _raise(error: BaseException) -> None:
    raise error


def test_results_that_cannot_travel_fail_alone(drive: Drive) -> None:
    import threading

    driver = drive()
    tasks = driver.send_all([(threading.Lock, (), {}), (_Unloadable, (), {}), (int, ("5",), {})])
    driver.until(lambda: len(driver.done) == 3)
    lock, unloadable, five = (driver.done[task] for task in tasks)
    assert isinstance(lock.value.error, ResultUnreadable)
    assert "cannot pickle '_thread.lock' object" in lock.value.evalue
    assert isinstance(unloadable.value.error, ResultUnreadable)
    assert "OSError: not here" in unloadable.value.evalue
    assert five.value == 5


def test_every_kind_of_exception_is_answered(drive: Drive) -> None:
    driver = drive()

    def deep() -> None:
        deep()

    picky = driver.run(lambda: _raise(_Picky(1, 2))).value
    assert isinstance(picky.error, ResultUnreadable)
    assert (picky.ename, picky.evalue) == ("_Picky", "picky")
    assert driver.run(lambda: _raise(_Mute())).value.ename == "_Mute"
    for error in (SystemExit(3), KeyboardInterrupt(), MemoryError(), GeneratorExit()):
        assert type(driver.run(lambda error=error: _raise(error)).value.error) is type(error)
    assert driver.run(deep).value.ename == "RecursionError"
    refusal = driver.run(lambda: _raise(UnmetDependency("not here")))
    assert refusal.status is Status.UNMET
    assert len(driver.lost) == 0


def test_coroutines_and_generators(drive: Drive) -> None:
    driver = drive()

    async def answer() -> int:
        return 42

    async def items() -> Any:
        yield 1
        yield 2

    assert driver.value(answer) == 42
    assert driver.value(items) == [1, 2]
    assert driver.value(lambda: (i * i for i in range(3))) == [0, 1, 4]


def test_module_that_is_missing_on_the_engine(drive: Drive) -> None:
    driver = drive()
    import types

    module = types.ModuleType("only_here")
    exec("def f(): return 6", module.__dict__)
    sys.modules["only_here"] = module
    try:
        assert driver.value(module.f) == 6  # it has no file, so its functions travel by value
    finally:
        del sys.modules["only_here"]


def test_module_found_through_a_path_that_was_added_later(drive: Drive, tmp_path: Path, monkeypatch: Any) -> None:
    driver = drive()
    driver.join()
    (tmp_path / "added_later.py").write_text("def f(): return 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    import added_later  # type: ignore[import-not-found]

    assert driver.value(added_later.f) == 7
    (tmp_path / "added_later.py").unlink()


def test_output_of_a_task(drive: Drive) -> None:
    driver = drive()

    def talk() -> None:
        print("out")
        print("err", file=sys.stderr)
        sys.stdout.buffer.write(b"bytes\n")

    assert driver.run(talk).extras == {"stdout": "out\nbytes\n", "stderr": "err\n"}
    assert driver.run(int).extras is None


def test_output_is_shown_while_the_task_runs(drive: Drive, gate: Gate) -> None:
    driver = drive()

    def talk() -> None:
        print("early")
        gate.enter()
        print("late")

    task = driver.send(talk)
    driver.until(lambda: driver.outputs)
    assert [(o.task, o.stream, o.content) for o in driver.outputs] == [(task, "stdout", "early\n")]
    gate.wait()
    gate.open()
    driver.until(lambda: task in driver.done)
    assert driver.done[task].extras == {"stdout": "early\nlate\n"}


def test_log_records_come_back_and_are_handled_here(drive: Drive, caplog: Any) -> None:
    driver = drive()

    def log() -> None:
        logging.getLogger("far.away").warning("it is %s", "cold")
        logging.getLogger("far.away").debug("unheard")

    (record,) = driver.run(log).extras["logs"]
    assert (record["name"], record["msg"], record["levelname"]) == ("far.away", "it is cold", "WARNING")
    assert [r.getMessage() for r in caplog.records if r.name == "far.away"] == ["it is cold"]


def test_published_and_displayed_data(drive: Drive) -> None:
    driver = drive()

    def publish() -> None:
        from gangline._engine.context import current

        context = current()
        assert context is not None
        context.publish({"a": 1})
        context.display({"text/plain": "x"}, {})

    assert driver.run(publish).extras == {"data": {"a": 1}, "outputs": [{"data": {"text/plain": "x"}, "metadata": {}}]}
