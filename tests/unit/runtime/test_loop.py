"""The loop: who turns it, who waits, and that nobody waits in vain."""

import itertools
import threading
import time

import pytest

from gangline._runtime.loop import Loop


class Counter:
    """An owner that counts the events that it is given."""

    def __init__(self):
        self.seen = []
        self.threads = []
        self.wake_at = None
        self.crashes = []
        self.loop = Loop(self, "test-loop")

    def take_in(self, ready, events):
        for event in events:
            if isinstance(event, Exception):
                raise event
            self.seen.append(event)
            self.threads.append(threading.current_thread().name)
        if self.wake_at is not None and self.wake_at <= time.monotonic():
            self.wake_at = None
            self.seen.append("tick")

    def submitted(self):
        return 0

    def next_wake(self):
        return self.wake_at

    def interrupted_here(self):
        return False

    def end_wait(self):
        pass

    def crash(self, error):
        self.crashes.append(error)


@pytest.fixture
def owner():
    owner = Counter()
    owner.loop.start()
    yield owner
    owner.loop.close()


def test_a_condition_that_holds_needs_no_waiting(owner):
    assert owner.loop.wait(lambda: True, 0)


def test_a_wait_ends_when_its_time_is_over(owner):
    assert not owner.loop.wait(lambda: False, 0.01)


def test_events_are_taken_in_while_nobody_waits(owner):
    taken = threading.Event()
    owner.take_in = lambda ready, events: taken.set() if "event" in events else None
    owner.loop.put("event")
    assert taken.wait(60)


def test_a_thread_that_waits_again_and_again_turns_the_loop_itself(owner):
    end = time.monotonic() + 60
    for number in itertools.count():
        threading.Thread(target=owner.loop.put, args=(number,)).start()
        assert owner.loop.wait(lambda number=number: number in owner.seen, 60)
        if number >= 200 and threading.main_thread().name in owner.threads:
            return
        assert time.monotonic() < end, "it is never left to the thread that waits"


def test_many_threads_wait_at_once_and_each_is_woken_by_its_own_event(owner):
    reached = []

    def wait_for(number):
        if owner.loop.wait(lambda: number in owner.seen, 60):
            reached.append(number)

    threads = [threading.Thread(target=wait_for, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for number in range(20):
        owner.loop.put(number)
    for thread in threads:
        thread.join(60)
    assert sorted(reached) == list(range(20))


def test_one_that_waits_longer_takes_over_from_one_that_leaves(owner):
    first_is_in, late = threading.Event(), []

    def first():
        owner.loop.wait(lambda: first_is_in.set() or "a" in owner.seen, 60)

    def second():
        late.append(owner.loop.wait(lambda: "b" in owner.seen, 60))

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert first_is_in.wait(60)
    threads[1].start()
    owner.loop.put("a")
    threads[0].join(60)
    owner.loop.put("b")
    threads[1].join(60)
    assert late == [True]


def test_the_owner_is_woken_when_it_asked_for_it(owner):
    owner.wake_at = time.monotonic() + 0.02
    owner.loop.wake_by(owner.wake_at)
    assert owner.loop.wait(lambda: "tick" in owner.seen, 60)


def test_something_resolved_elsewhere_is_noticed_by_those_who_wait(owner):
    done = []
    threading.Timer(0.02, lambda: (done.append(1), owner.loop.notify())).start()
    assert owner.loop.wait(lambda: bool(done), 60)


def test_closing_ends_all_waits(owner):
    inside, results = threading.Event(), []
    thread = threading.Thread(target=lambda: results.append(owner.loop.wait(lambda: inside.set() or False, 60)))
    thread.start()
    assert inside.wait(60)
    owner.loop.close()
    thread.join(60)
    assert results == [False]


def test_a_crash_of_the_owner_is_reported_to_it_and_raised_where_it_happened():
    owner = Counter()  # its own thread is not started: this thread turns it
    bug = RuntimeError("bug")
    owner.loop.put(bug)
    with pytest.raises(RuntimeError, match="bug"):
        owner.loop.wait(lambda: False, 60)
    assert owner.crashes == [bug]
    owner.loop.close()
