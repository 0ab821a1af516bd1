from __future__ import annotations

import logging
import math
import os
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gangline.backends import engine_process
from gangline.backends.processes import ProcessesBackend
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


# Recall and hand-back -----------------------------------------------------------------------------------------------


def test_recall_takes_back_what_is_not_begun(drive: Drive, gate: Gate) -> None:
    driver = drive()
    engine = driver.join()
    first = driver.send(gate.enter)
    gate.wait()
    function = lambda x: x  # noqa: E731
    waiting = [driver.send(function, i) for i in range(300)]
    waiting += driver.send_all([(np.sum, (np.ones(100_000),), {})])
    assert driver.backend.recall(engine) == waiting
    assert driver.backend.running(engine) == first
    again = driver.send(function, 1)
    gate.open()
    driver.until(lambda: again in driver.done)
    assert driver.finished == [first, again]


def test_tasks_behind_a_long_one_in_its_packet_are_handed_back(drive: Drive, gate: Gate) -> None:
    driver = drive()
    driver.resends = False
    driver.value(gate.__class__, Path())  # so that its module is imported there
    quick, long, *behind = driver.send_all([(int, (), {}), (gate.enter, (), {}), (int, (), {}), (int, (), {})])
    gate.wait()
    driver.until(lambda: driver.returned and quick in driver.done)
    assert driver.returned == behind
    gate.open()
    driver.until(lambda: long in driver.done)
    assert driver.value(int) == 0
    assert set(driver.done) == {0, quick, long, max(driver.done)}


# Death --------------------------------------------------------------------------------------------------------------


def test_killed_engine_loses_only_the_task_that_ran(drive: Drive, gate: Gate) -> None:
    driver = drive()
    engine = driver.join()
    driver.resends = False
    driver.value(gate.__class__, Path())
    done, running, *_ = driver.send_all([(int, (), {}), (gate.enter, (), {}), (int, (), {})])
    unread = driver.send(int)
    gate.wait()
    os.kill(driver.engines[engine].pid, signal.SIGKILL)
    driver.until(lambda: driver.lost)
    (lost,) = driver.lost
    assert (lost.engine, lost.running, lost.reason) == (engine, {running}, "killed by SIGKILL")
    driver.until(lambda: driver.engines)
    assert set(driver.engines) != {engine}
    assert unread not in driver.done
    assert driver.value(int) == 0
    assert done in driver.done


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: os._exit(7), "exit code 7"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), "killed by SIGTERM"),
        (lambda: os.abort(), "killed by SIGABRT"),
    ],
)
def test_how_an_engine_ended_is_said_in_words(drive: Drive, call: Callable[[], Any], reason: str) -> None:
    driver = drive()
    task = driver.send(call)
    driver.until(lambda: driver.lost)
    assert driver.lost[0].reason.startswith(reason)
    assert driver.lost[0].running == {task}
    if reason.endswith("SIGABRT"):
        assert "Fatal Python error: Aborted" in driver.lost[0].reason


def test_kill_ends_the_whole_group_and_replaces(drive: Drive, gate: Gate) -> None:
    driver = drive()
    engine = driver.join()

    def spawn() -> None:
        child = subprocess.Popen(["sleep", "1000"])
        Path(gate.started).write_text(str(child.pid))
        child.wait()

    task = driver.send(spawn)
    child = os.pidfd_open(int(Path(gate.started).read_text()))
    driver.backend.kill(engine, "it was time")
    driver.until(lambda: driver.lost)
    assert driver.lost[0].reason == "it was time (killed by SIGKILL)"
    assert driver.lost[0].running == {task}
    assert select.select([child], [], [], 5)[0]
    os.close(child)
    driver.until(lambda: driver.engines)


def test_stopped_engine_is_not_replaced(drive: Drive) -> None:
    driver = drive()
    driver.backend.stop_engine(driver.join())
    driver.until(lambda: driver.lost)
    assert (driver.lost[0].reason, driver.engines, driver.backend._engines) == ("exit code 0", {}, {})


def test_engines_that_cannot_start_are_given_up(drive: Drive, monkeypatch: Any) -> None:
    monkeypatch.setattr(engine_process, "_BOOT", "raise SystemExit('no luck today')")
    driver = drive()
    driver.until(lambda: len(driver.lost) == 3)
    assert "could not start: exit code 1; its last words:\nno luck today" in driver.lost[0].reason
    assert "no other one is started" in driver.lost[-1].reason
    assert driver.backend._engines == {}


def test_memory_limit_gives_memory_error(drive: Drive) -> None:
    driver = drive(ProcessesBackend(memory_limit_bytes=600_000_000))
    assert driver.run(lambda: len(bytearray(1_000_000_000))).value.ename == "MemoryError"
    assert driver.value(lambda: len(bytearray(100_000_000))) == 100_000_000


def test_interrupt_reaches_only_the_task_it_is_meant_for(drive: Drive, gate: Gate) -> None:
    driver = drive()
    engine = driver.join()
    task = driver.send(gate.enter)
    gate.wait()
    driver.backend.interrupt(engine, task + 1)
    driver.backend.interrupt(engine, task)
    driver.until(lambda: task in driver.done)
    assert driver.done[task].value.ename == "KeyboardInterrupt"
    driver.backend.interrupt(engine, task)
    assert driver.value(int) == 0


def test_stop_leaves_nothing(drive: Drive) -> None:
    before = len(os.listdir("/proc/self/fd"))
    backend = ProcessesBackend()
    driver = Driver(backend, 2)
    driver.join(2)
    pids = [info.pid for info in driver.engines.values()]
    driver.send(lambda: [None for _ in iter(int, 1)])
    driver.value(np.sum, np.ones(200_000), engine=1)
    backend.stop(0.2)
    driver.inbox._selector.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # 1: what ctypes or NumPy may have opened for itself


@pytest.mark.parametrize("work", ["while True: pass", "sum(iter(int, 1))", "import time; time.sleep(1000)"])
def test_client_killed_by_force_leaves_no_orphan(tmp_path: Path, work: str) -> None:
    script = tmp_path / "script.py"
    conftest = Path(__file__).with_name("conftest.py")
    script.write_text(
        textwrap.dedent(f"""
        import importlib.util, os, sys
        spec = importlib.util.spec_from_file_location("driving", {str(conftest)!r})
        driving = importlib.util.module_from_spec(spec)
        sys.modules["driving"] = driving
        spec.loader.exec_module(driving)
        driver = driving.Driver(driving.ProcessesBackend(), 2)
        driver.join(2)
        def work():
            print("running", file=sys.__stderr__)
            {work}
        task = driver.send(work)
        driver.until(lambda: driver.backend.running(driver.join()) == task)
        if os.fork() == 0:  # a child that outlives its parent and keeps all descriptors open
            os.read(0, 1)
            os._exit(0)
        print(*(info.pid for info in driver.engines.values()), flush=True)
        os.read(0, 1)
        """)
    )
    client = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert client.stdin is not None
    assert client.stdout is not None
    pids = [int(pid) for pid in client.stdout.readline().split()]
    engines = [os.pidfd_open(pid) for pid in pids]
    client.kill()
    client.wait()
    ended = [bool(select.select([engine], [], [], 5)[0]) for engine in engines]
    for engine in engines:
        os.close(engine)
    client.stdin.close()
    client.stdout.close()
    assert ended == [True, True]
