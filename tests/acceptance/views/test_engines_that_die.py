"""V15, V16: clusters without engines, and engines that are killed in every way."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

import gangline.views as ipp


def crash_by_signal(signum):
    import os

    os.kill(os.getpid(), signum)
    import time

    time.sleep(30)


def dereference_null():
    import ctypes

    ctypes.string_at(0)


def exit_at_once(code):
    import os

    os._exit(code)


def overflow_the_stack():
    import ctypes
    import sys

    sys.setrecursionlimit(10**9)
    callback = ctypes.CFUNCTYPE(None)

    def deeper():
        callback(deeper)()

    deeper()


def by_value(function):
    """The same function, but sent by value: engines cannot import test modules."""
    import types

    return types.FunctionType(
        function.__code__, {"__builtins__": __builtins__, "__name__": "__main__"}, function.__name__
    )


def test_v15_tasks_wait_for_the_first_engine(growing):
    client = growing(0)
    view = client.load_balanced_view()
    ar = view.apply_async(lambda: "ran")
    with view.temp_flags(after=ar):
        dependent = view.apply_async(lambda: "ran too")
    mapped = view.map_async(lambda x: 2 * x, range(5))
    assert not ar.wait(0.05)
    client.cluster.start_engines_sync(1)
    assert ar.get(timeout=60) == "ran"
    assert dependent.get(timeout=60) == "ran too"
    assert mapped.get(timeout=60) == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("view", ["rc[:]", "rc.direct_view()", "rc[0]", "rc.broadcast_view()"])
def test_v15_direct_without_engines(new_client, view):
    client = new_client(0)
    with pytest.raises((ipp.error.NoEnginesRegistered, IndexError)) as caught:
        eval(view, {"rc": client}).apply_async(int)
    if view != "rc[0]":
        assert isinstance(caught.value, ipp.error.NoEnginesRegistered)
        assert "wait_for_engines" in str(caught.value)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT], ids=lambda s: s.name)
def test_v16_killed_engine_of_a_running_task(fresh, gate, signum):
    ar = fresh.load_balanced_view().apply_async(gate.hold())
    (pid,) = gate.wait_for(1)
    os.kill(pid, signum)
    with pytest.raises(ipp.error.EngineError) as caught:
        ar.get(timeout=60)
    assert signum.name in str(caught.value)
    assert f"engine {ar.engine_id}" in str(caught.value)
    assert ar.status == "error"
    assert fresh.load_balanced_view().apply_async(lambda: "usable").get(timeout=60) == "usable"


def test_v16_the_error_comes_as_soon_as_the_engine_is_dead(fresh, gate):
    """No time has to pass before: nothing is due while the task runs, so it is the death itself that ends the wait."""
    ar = fresh.load_balanced_view().apply_async(gate.hold())
    (pid,) = gate.wait_for(1)
    assert fresh._session._conductor.next_wake() is None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ipp.error.EngineError):
        ar.get()


def test_v16_with_retries_it_runs_elsewhere(fresh, gate):
    view = fresh.load_balanced_view()
    with view.temp_flags(retries=1):
        ar = view.apply_async(gate.hold("second attempt"))
    (pid,) = gate.wait_for(1)
    os.kill(pid, signal.SIGKILL)
    assert gate.wait_for(2)[1] != pid
    gate.open()
    assert ar.get(timeout=60) == "second attempt"


def test_v16_forty_tasks_on_two_engines(fresh, gate, tmp_path, until):
    folder = str(tmp_path)

    def work(n):
        with open(f"{folder}/ran", "a") as file:
            file.write(f"{n}\n")
        return n

    held = [fresh[engine].apply_async(gate.hold()) for engine in (0, 1)]
    first, _ = gate.wait_for(2)
    view = fresh.load_balanced_view()
    ars = [view.apply_async(work, n) for n in range(40)]
    os.kill(first, signal.SIGKILL)
    dead = until(lambda: next((ar for ar in held if ar.ready()), None))
    with pytest.raises(ipp.error.EngineError):
        dead.get()
    gate.open()
    assert [ar.get(timeout=60) for ar in ars] == list(range(40))
    assert sum(ar.successful() for ar in held) == 1
    counts = Counter((tmp_path / "ran").read_text().split())
    assert counts == {str(n): 1 for n in range(40)}


def test_v16_exactly_the_running_one_fails(fresh, gate, tmp_path):
    folder = str(tmp_path)
    gated = gate.hold()

    def work(n):
        if n == 7:
            gated()
        with open(f"{folder}/ran", "a") as file:
            file.write(f"{n}\n")
        return n

    ars = [fresh.load_balanced_view().apply_async(work, n) for n in range(40)]
    (pid,) = gate.wait_for(1)
    os.kill(pid, signal.SIGKILL)
    failed = []
    for n, ar in enumerate(ars):
        try:
            assert ar.get(timeout=60) == n
        except ipp.error.EngineError:
            failed.append(n)
    assert failed == [7]
    counts = Counter((tmp_path / "ran").read_text().split())
    assert counts == {str(n): 1 for n in range(40) if n != 7}


@pytest.mark.parametrize(
    ("task", "said"),
    [
        pytest.param((exit_at_once, 3), "3", id="os._exit"),
        pytest.param((exit_at_once, 0), "0", id="os._exit(0)"),
        pytest.param((dereference_null,), "SIGSEGV", id="SIGSEGV"),
        pytest.param((crash_by_signal, signal.SIGKILL), "SIGKILL", id="SIGKILL"),
        pytest.param((overflow_the_stack,), "SIGSEGV", id="stack overflow"),
    ],
)
def test_v16_task_that_ends_its_engine(fresh, task, said):
    function, *args = task
    ar = fresh.load_balanced_view().apply_async(by_value(function), *args)
    with pytest.raises(ipp.error.EngineError) as caught:
        ar.get(timeout=60)
    assert said in str(caught.value)
    assert fresh.load_balanced_view().apply_async(lambda: "usable").get(timeout=60) == "usable"


def test_v16_endless_recursion_is_an_ordinary_error(rc):
    def deeper():
        return deeper()

    with pytest.raises(RecursionError):
        rc.load_balanced_view().apply_async(deeper).get(timeout=60)
    assert rc.ids == [0, 1]


def test_v16_memory_limit_of_an_engine(new_client):
    client = new_client(1, memory_limit_bytes=400 * 2**20)

    def eat():
        eaten = []
        while True:
            eaten.append(bytearray(50 * 2**20))

    ar = client.load_balanced_view().apply_async(eat)
    with pytest.raises((MemoryError, ipp.error.EngineError)):
        ar.get(timeout=60)
    assert client.load_balanced_view().apply_async(lambda: "usable").get(timeout=60) == "usable"


def test_v16_a_replacement_is_started(fresh, until):
    before = fresh[:].apply_sync(os.getpid)
    os.kill(before[0], signal.SIGKILL)
    until(lambda: 0 not in fresh.ids and len(fresh.ids) == 2)
    after = fresh[:].apply_sync(os.getpid)
    assert before[0] not in after
    assert before[1] in after
    assert 0 not in fresh.ids


def test_v16_killed_while_idle_nothing_is_lost(fresh, until):
    view = fresh.load_balanced_view()
    os.kill(fresh[0].apply_sync(os.getpid), signal.SIGKILL)
    assert [view.apply_async(lambda n=n: n).get(timeout=60) for n in range(20)] == list(range(20))


def test_v16_both_engines_are_killed(fresh, gate):
    view = fresh.load_balanced_view()
    held = [view.apply_async(gate.hold()) for _ in range(2)]
    waiting = [view.apply_async(lambda n=n: n) for n in range(10)]
    for pid in gate.wait_for(2):
        os.kill(pid, signal.SIGKILL)
    for ar in held:
        with pytest.raises(ipp.error.EngineError):
            ar.get(timeout=60)
    assert [ar.get(timeout=60) for ar in waiting] == list(range(10))


def test_v16_direct_tasks_end_with_their_engine(fresh, gate):
    running = fresh[0].apply_async(gate.hold())
    waiting = fresh[0].apply_async(int)
    (pid,) = gate.wait_for(1)
    os.kill(pid, signal.SIGKILL)
    for ar in (running, waiting):
        with pytest.raises(ipp.error.EngineError):
            ar.get(timeout=60)


def test_v16_what_it_printed_before_is_kept(fresh, gate, until):
    held = gate.hold()

    def task():
        print("last words", flush=True)
        held()

    ar = fresh.load_balanced_view().apply_async(task)
    (pid,) = gate.wait_for(1)
    until(lambda: ar.stdout)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ipp.error.EngineError):
        ar.get(timeout=60)
    assert "last words" in ar.stdout


def test_v16_engine_that_is_stopped_and_continued(fresh, gate, until, stopped):
    ar = fresh.load_balanced_view().apply_async(gate.hold("went on"))
    (pid,) = gate.wait_for(1)
    os.kill(pid, signal.SIGSTOP)
    until(lambda: stopped(pid))
    gate.open()
    assert not ar.wait(0.1)
    os.kill(pid, signal.SIGCONT)
    assert ar.get(timeout=60) == "went on"


def test_v16_a_map_loses_only_the_item_that_killed_its_engine(fresh):
    def work(n):
        if n == 5:
            import os

            os._exit(1)
        return n

    ar = fresh.load_balanced_view().map(work, range(12), chunksize=3, return_exceptions=True)
    found = ar.get(timeout=60)
    assert len(found) == 12
    assert isinstance(found[5], ipp.error.EngineError)
    assert [one for n, one in enumerate(found) if n // 3 != 1] == [n for n in range(12) if n // 3 != 1]
