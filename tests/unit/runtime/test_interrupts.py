"""Ctrl-C in the main thread while it submits and waits: never half a change, never a lost task."""

import signal
import subprocess
import sys

import pytest

from gangline._runtime import interrupts
from gangline._runtime.session import Session
from gangline.backends.inline import InlineBackend
from gangline.backends.threads import ThreadsBackend

PROGRAM = """
import os, signal, sys, threading, time
from gangline._core.check import check
from gangline._runtime.session import Session
from gangline.backends.processes import ProcessesBackend

session = Session(ProcessesBackend(), engines=2)
assert session.wait_for(lambda: len(session.engines) == 2, 60)

def interrupt_again_and_again():
    for _ in range(60):
        time.sleep(0.01)
        allowed.wait()
        allowed.clear()  # so that none comes while the last one is being dealt with
        os.kill(os.getpid(), signal.SIGINT)
    stop.set()

allowed, stop = threading.Event(), threading.Event()
threading.Thread(target=interrupt_again_and_again, daemon=True).start()
interrupted, handles = 0, []
while not stop.is_set():
    try:
        allowed.set()
        while not stop.is_set():
            for _ in range(100):
                handles.append(session.submit(abs, (-1,)))
            session.wait(handles[-10:])
        time.sleep(0.05)  # the last one
    except KeyboardInterrupt:
        interrupted += 1
    with session.lock:
        check(session._state)
assert session.wait(session.handles, 60)
assert all(handle.status == "ok" and handle.value == 1 for handle in session.handles)
check(session._state)
session.close()
print(interrupted)
"""


def test_interrupts_at_any_moment_leave_the_scheduler_whole():
    finished = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=240, check=False)
    assert finished.returncode == 0, finished.stderr
    assert int(finished.stdout) >= 10


class Busy:
    """Something that is, or is not, in a critical section."""

    def __init__(self, busy):
        self.busy = busy
        self.interrupted = self.unsettled = False

    def in_critical_section(self):
        return self.busy


@pytest.fixture
def sigint():
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_is_held_back_in_a_critical_section_only(sigint):
    busy = Busy(True)
    interrupts.guard(busy)
    signal.raise_signal(signal.SIGINT)
    assert busy.interrupted
    assert busy.unsettled
    busy.busy = False
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_handler_of_the_users_own_is_left_alone(sigint):
    called = []
    signal.signal(signal.SIGINT, lambda signum, frame: called.append(signum))
    interrupts.guard(Busy(True))
    signal.raise_signal(signal.SIGINT)
    assert called == [signal.SIGINT]


def test_an_interrupt_that_was_held_back_ends_the_wait(sigint, monkeypatch):
    with Session(InlineBackend(), engines=1) as session:
        conductor, polls = session._conductor, []
        take_in = conductor.take_in

        def take_in_interrupted(ready, events):
            take_in(ready, events)
            signal.raise_signal(signal.SIGINT)

        def poll(timeout_s):
            assert not polls or timeout_s == 0, "it goes on waiting"
            polls.append(timeout_s)
            return []

        monkeypatch.setattr(conductor, "take_in", take_in_interrupted)
        monkeypatch.setattr(conductor.loop.poller, "poll", poll)
        with pytest.raises(KeyboardInterrupt):
            session.wait_for(lambda: False)
        monkeypatch.setattr(conductor, "take_in", take_in)
        with session.lock:
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            session.wait_for(lambda: False)
        assert len(polls) == 1
        assert not conductor.interrupted


def test_an_interrupt_while_somebody_looks_is_raised_after_it(sigint):
    with Session(InlineBackend(), engines=1) as session:
        handle = session.submit(abs, (-1,))

        class Number(int):
            def __hash__(self):
                signal.raise_signal(signal.SIGINT)
                assert session._conductor.interrupted
                return super().__hash__()

        with pytest.raises(KeyboardInterrupt):
            session.find(Number(handle.id))
        assert session.find(handle.id) is handle


def test_all_listeners_are_told_before_an_interrupt_is_raised(sigint):
    with Session(ThreadsBackend(), engines=1) as session:
        conductor, told = session._conductor, []
        handles = [session.submit(abs, (-1,)) for _ in range(2)]
        assert session.wait(handles, 60)

        def tell(handle):
            signal.raise_signal(signal.SIGINT)
            told.append(handle)

        for handle in handles:
            handle.listeners = [tell]
        conductor._resolved.extend(handles)
        with pytest.raises(KeyboardInterrupt):
            conductor.settle()
        assert told == handles


def test_a_listener_that_waits_is_interrupted(sigint):
    with Session(ThreadsBackend(), engines=1) as session:
        conductor = session._conductor
        handle = session.submit(abs, (-1,))
        assert session.wait([handle], 60)

        def interrupt_when_asked():
            signal.raise_signal(signal.SIGINT)
            return False

        handle.listeners = [lambda ended: session.wait_for(interrupt_when_asked, 60)]
        conductor._resolved.append(handle)
        with pytest.raises(KeyboardInterrupt):
            conductor.settle()
        assert not conductor.interrupted


def interrupt_within(steps, done, error=None):
    with steps:
        signal.raise_signal(signal.SIGINT)
        done.append("within")
        if error is not None:
            raise error
    done.append("after")


def test_steps_that_belong_together_are_done_before_an_interrupt_is_raised():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        steps, done = interrupts.Uninterrupted(), []
        with pytest.raises(KeyboardInterrupt):
            interrupt_within(steps, done)
        with pytest.raises(KeyboardInterrupt):  # it is held back no longer
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(ValueError, match="first"):
            interrupt_within(steps, done, ValueError("first"))
        with steps:
            pass
        assert done == ["within", "within"]
    finally:
        signal.signal(signal.SIGINT, before)
