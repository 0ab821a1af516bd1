import concurrent.futures
import signal
import threading
import warnings

import pytest

from gangline.errors import UsageError
from gangline.views import TaskAborted
from gangline.views.results import OutstandingTasks


def hold(gate, started=None):
    if started is not None:
        started.set()
    return gate.wait(240)


class TestWait:
    def test_what_may_be_waited_for(self, rc):
        ar, whole = rc[0].apply_async(abs, -1), rc[:].apply_async(abs, -2)
        future = concurrent.futures.Future()
        future.set_result(1)
        (msg_id,) = ar.msg_ids
        for jobs in (None, ar, whole, msg_id, 0, -1, [ar, -1, msg_id], future, [future, ar], "purged_7", []):
            assert rc.wait(jobs, timeout=60) is True
        view = rc[0]
        view.apply_async(abs, -3)
        for jobs in (None, 0, [-1], ar):
            assert view.wait(jobs, timeout=60) is True

    def test_time_is_over(self, rc, gate):
        held = rc[0].apply_async(gate.wait)
        assert rc.wait(held, timeout=0.01) is False
        assert rc.wait(timeout=0) is False
        assert rc.wait(concurrent.futures.Future(), timeout=0.01) is False
        gate.set()
        assert rc.wait(held) is True

    def test_maps_whose_parts_come_later(self, rc):
        view = rc.load_balanced_view()
        result = view.map_async(abs, (n for n in range(500)))
        assert view.wait(timeout=60)
        assert result.ready()
        other = view.map_async(abs, (n for n in range(500)))
        assert rc.wait(timeout=60)
        assert other.ready()

    def test_not_a_task(self, rc):
        with pytest.raises(TypeError):
            rc.wait(1.5)

    def test_interactive(self, rc):
        assert rc.wait_interactive() is None
        rc[:].apply_async(abs, -1)
        rc.wait_interactive(timeout=60)
        assert rc.outstanding == set()


class TestAbort:
    def test_waiting_running_and_ended(self, rc, gate):
        started = threading.Event()
        view = rc[0]
        done = view.apply_async(int)
        done.get(timeout=60)
        running = view.apply_async(hold, gate, started)
        waiting = view.apply_async(int)
        assert started.wait(60)
        with pytest.warns(RuntimeWarning, match="interrupt=True"):
            assert rc.abort([running, waiting]) == running.msg_ids
        with pytest.raises(TaskAborted):
            waiting.get(timeout=60)
        with pytest.raises(OutstandingTasks):
            rc.abort(done)
        with pytest.raises(RuntimeError):
            rc.abort(waiting.msg_ids)
        gate.set()
        assert running.get(timeout=60) is True

    def test_all_of_a_view(self, rc, gate):
        started = threading.Event()
        mine, other = rc[0], rc.load_balanced_view([1])
        running = mine.apply_async(hold, gate, started)
        assert started.wait(60)
        waiting = [mine.apply_async(int) for _ in range(5)]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert mine.abort() == running.msg_ids
        assert all(ar.status == "aborted" for ar in waiting)
        assert other.apply_async(int).get(timeout=60) == 0
        assert rc.abort(targets=1) == []

    def test_interrupt(self, processes, until):
        running = processes[0].apply_async(hold_for_ever)
        until(running.running)
        assert processes.abort(running, interrupt=True) == []
        with pytest.raises(TaskAborted):
            running.get(timeout=60)
        assert processes[0].apply_sync(abs, -1) == 1

    @pytest.mark.parametrize("job", [0, [0], 1.5])
    def test_not_a_task(self, rc, job):
        rc[0].apply_sync(int)
        with pytest.raises(TypeError):
            rc.abort(job)

    def test_nothing_to_abort(self, rc):
        assert rc.abort() == []
        assert rc[:].abort() == []


def hold_for_ever():
    threading.Event().wait()


class TestQueueStatus:
    def test_counts_and_ids(self, rc, gate):
        started = threading.Event()
        done = rc[0].apply_async(int)
        done.get(timeout=60)
        running = rc[0].apply_async(hold, gate, started)
        assert started.wait(60)
        behind = rc[0].apply_async(int)
        balanced = rc.load_balanced_view([0]).apply_async(int)
        status = rc.queue_status()
        assert (status[0]["queue"], status[0]["completed"]) == (2, 1)
        assert status[0]["tasks"] + status["unassigned"] == 1
        assert status[1] == {"queue": 0, "completed": 0, "tasks": 0}
        assert set(status) == {0, 1, "unassigned"}
        verbose = rc.queue_status([0], verbose=True)
        assert set(verbose[0]["queue"]) == {*running.msg_ids, *behind.msg_ids}
        assert verbose[0]["completed"] == done.msg_ids
        assert [*verbose[0]["tasks"], *verbose["unassigned"]] == balanced.msg_ids
        assert rc.queue_status(0) == rc[0].queue_status()

    def test_unassigned(self, rc, gate):
        held = rc[0].apply_async(gate.wait)
        with rc.load_balanced_view().temp_flags(after=held) as view:
            waiting = view.apply_async(int)
        assert rc.queue_status(verbose=True)["unassigned"] == waiting.msg_ids


class TestSignals:
    @pytest.mark.parametrize("sig", ["SIGINT", signal.SIGINT, 2])
    def test_interrupt(self, processes, until, sig):
        running = processes[0].apply_async(hold_for_ever)
        until(running.running)
        processes.send_signal(sig, targets=0, block=True)
        with pytest.raises(Exception, match="KeyboardInterrupt"):
            running.get(timeout=60)
        assert processes[:].apply_sync(abs, -1) == [1, 1]

    def test_no_such_signal(self, rc):
        with pytest.raises(UsageError, match="SIGNONE"):
            rc.send_signal("SIGNONE")


class TestClear:
    def test_all_or_some(self, rc):
        rc[:].push({"a": 1}, block=True)
        rc.clear(targets=0, block=True)
        with pytest.raises(NameError):
            rc[0]["a"]
        assert rc[1]["a"] == 1
        assert rc[:].clear().get(timeout=60) == [None, None]
        with pytest.raises(NameError):
            rc[1]["a"]


@pytest.mark.parametrize("name", ["spin", "spin_thread", "stop_spin_thread"])
def test_needless_calls_say_so(rc, name):
    with pytest.warns(DeprecationWarning, match=name):
        getattr(rc, name)()


def test_no_dask(rc):
    with pytest.raises(UsageError, match="Dask"):
        rc.become_dask()


def test_limits(rc, gate):
    started = threading.Event()
    rc.set_limit("disk", 1)
    view = rc.load_balanced_view(limits="disk")
    first, second = view.apply_async(hold, gate, started), view.apply_async(int)
    assert started.wait(60)
    assert rc.load_balanced_view().apply_async(int).get(timeout=60) == 0
    assert not second.ready()
    gate.set()
    assert (first.get(timeout=60), second.get(timeout=60)) == (True, 0)
