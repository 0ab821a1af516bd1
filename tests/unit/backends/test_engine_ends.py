"""Tasks that are taken back, engines that die, and what is left when all is over."""

from __future__ import annotations

import gc
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
from gangline.errors import BackendError

from .conftest import Driver, Gate

Drive = Callable[..., Driver]


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


def test_death_is_seen_where_processes_have_no_descriptors(drive: Drive, monkeypatch: Any) -> None:
    def unsupported(pid: int) -> int:
        raise OSError("not here")

    monkeypatch.setattr(os, "pidfd_open", unsupported)
    driver = drive()
    task = driver.send(lambda: os._exit(1))
    driver.until(lambda: driver.lost and driver.engines)
    assert (driver.lost[0].reason, driver.lost[0].running) == ("exit code 1", {task})


def test_results_that_were_not_sent_yet_survive_the_engine(drive: Drive) -> None:
    driver = drive()
    driver.resends = False
    tasks = driver.send_all([(abs, (-i,), {}) for i in range(30)] + [(os._exit, (5,), {}), (abs, (1,), {})])
    driver.until(lambda: driver.lost)
    assert driver.lost[0].running == {tasks[30]}
    assert [driver.done[task].value for task in tasks[:30]] == list(range(30))
    assert tasks[31] not in driver.done


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
    assert select.select([child], [], [], 60)[0]
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


def test_system_that_starts_no_process(drive: Drive, monkeypatch: Any, gate: Gate) -> None:
    driver = drive()
    task = driver.send(gate.enter)
    gate.wait()
    before = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(sys, "executable", str(Path(gate.started).with_name("nothing-there")))
    with pytest.raises(BackendError, match=r"cannot be started: .*nothing-there"):
        driver.backend.add_engines(1)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before
    driver.backend.kill(0, "enough")
    driver.until(lambda: driver.lost)
    assert driver.lost[0].running == {task}
    assert "no other one is started: an engine process cannot be started" in driver.lost[0].reason


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
    driver.send(lambda: [None for _ in iter(int, 1)], engine=0)
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
    ended = [bool(select.select([engine], [], [], 60)[0]) for engine in engines]
    for engine in engines:
        os.close(engine)
    client.stdin.close()
    client.stdout.close()
    assert ended == [True, True]
