"""V1-V3, V9, V11, V18: tasks that wait for tasks."""

from __future__ import annotations

import os
import signal

import pytest

import gangline.views as ipp

UNKNOWN = "0" * 32 + "_12345"


@pytest.mark.parametrize("kind", ["after", "follow"])
@pytest.mark.parametrize("unknown", [UNKNOWN, "nonsense", ""])
def test_v1_unknown_id(any_rc, kind, unknown):
    view = any_rc.load_balanced_view()
    with view.temp_flags(**{kind: [unknown]}), pytest.raises(ipp.error.InvalidDependency) as caught:
        view.apply_async(int).get(timeout=60)
    assert isinstance(caught.value, ipp.error.ImpossibleDependency)
    assert unknown in str(caught.value)
    assert view.apply_sync(lambda: "usable") == "usable"


def test_v1_any_of_a_finished_and_an_unknown_one_runs(any_rc):
    view = any_rc.load_balanced_view()
    done = view.apply_async(int)
    done.get(timeout=60)
    with view.temp_flags(after=ipp.Dependency([done.msg_ids[0], UNKNOWN], all=False)):
        assert view.apply_async(lambda: "ran").get(timeout=60) == "ran"


def test_v1_all_of_a_finished_and_an_unknown_one_cannot_run(any_rc):
    view = any_rc.load_balanced_view()
    done = view.apply_async(int)
    done.get(timeout=60)
    with view.temp_flags(after=[done, UNKNOWN]), pytest.raises(ipp.error.InvalidDependency):
        view.apply_async(int).get(timeout=60)


def test_v1_itself(any_rc):
    view = any_rc.load_balanced_view()
    first = view.apply_async(int)
    session, _, number = first.msg_ids[0].rpartition("_")
    with view.temp_flags(after=[f"{session}_{int(number) + 1}"]), pytest.raises(ipp.error.InvalidDependency):
        view.apply_async(int).get(timeout=60)


@pytest.mark.parametrize("kind", ["after", "follow"])
def test_v2_direct_view_task_as_dependency(both_rc, gate, kind):
    direct = both_rc[1].apply_async(gate.hold("direct"))
    view = both_rc.load_balanced_view()
    with view.temp_flags(**{kind: direct}):
        ar = view.apply_async(lambda: "ran")
    assert not ar.ready()
    gate.open()
    assert ar.get(timeout=60) == "ran"
    assert ar.started >= direct.completed
    if kind == "follow":
        assert ar.engine_id == 1


def test_v2_direct_view_task_of_several_engines(both_rc, gate):
    direct = both_rc[:].apply_async(gate.hold())
    view = both_rc.load_balanced_view()
    with view.temp_flags(after=direct):
        ar = view.apply_async(lambda: "ran")
    gate.open()
    assert ar.get(timeout=60) == "ran"
    assert ar.started >= max(direct.completed)


@pytest.mark.parametrize("pending", [True, False], ids=["pending", "finished"])
def test_v3_failure_travels_down_the_chain(both_rc, gate, pending):
    view = both_rc.load_balanced_view()
    a = view.apply_async(gate.hold(error=ValueError("A")))
    if not pending:
        gate.open()
        a.wait(60)
    with view.temp_flags(after=a):
        b = view.apply_async(lambda: "B")
    with view.temp_flags(after=b):
        c = view.apply_async(lambda: "C")
    with view.temp_flags(after=ipp.Dependency(b, success=False, failure=True)):
        d = view.apply_async(lambda: "D")
    with view.temp_flags(after=ipp.Dependency(b, success=True, failure=True)):
        e = view.apply_async(lambda: "E")
    gate.open()
    for ar in (b, c):
        with pytest.raises(ipp.error.ImpossibleDependency) as caught:
            ar.get(timeout=60)
        assert a.msg_ids[0] in str(caught.value)
    assert d.get(timeout=60) == "D"
    assert e.get(timeout=60) == "E"


def test_v9_follow_a_task_whose_engine_has_died(fresh, until):
    view = fresh.load_balanced_view()
    first = view.apply_async(os.getpid)
    pid = first.get(timeout=60)
    os.kill(pid, signal.SIGKILL)
    until(lambda: first.engine_id not in fresh.ids)
    with view.temp_flags(follow=first), pytest.raises(ipp.error.ImpossibleDependency):
        view.apply_async(int).get(timeout=60)


def test_v9_engine_dies_while_the_follower_waits(fresh, gate, until):
    view = fresh.load_balanced_view()
    first = view.apply_async(os.getpid)
    first.get(timeout=60)
    blocker = fresh[first.engine_id].apply_async(gate.hold())
    (pid,) = gate.wait_for(1)
    with view.temp_flags(follow=first):
        follower = view.apply_async(int)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ipp.error.ImpossibleDependency):
        follower.get(timeout=60)
    with pytest.raises(ipp.error.EngineError):
        blocker.get(timeout=60)


def test_v9_follow_a_task_that_never_ran(any_rc):
    view = any_rc.load_balanced_view()
    with view.temp_flags(after=[UNKNOWN]):
        never = view.apply_async(int)
    never.wait(60)
    rule = ipp.Dependency(never, success=True, failure=True)
    with view.temp_flags(follow=rule), pytest.raises(ipp.error.ImpossibleDependency):
        view.apply_async(int).get(timeout=60)


@pytest.mark.parametrize("waits_for", ["after", "follow", "targets", "free engine"])
def test_v11_timeout_covers_all_waiting(both_rc, gate, waits_for):
    view = both_rc.load_balanced_view()
    held = [both_rc[engine].apply_async(gate.hold()) for engine in (0, 1)]
    gate.wait_for(2)
    flags = {"after": {"after": held[0]}, "follow": {"follow": held[0]}, "targets": {"targets": [0]}}.get(waits_for, {})
    with view.temp_flags(timeout=0.1, **flags):
        ar = view.apply_async(int)
    with pytest.raises(ipp.error.DependencyTimeout):
        ar.get(timeout=60)
    assert not any(one.ready() for one in held)
    assert ar.started is None


def test_v11_timeout_with_no_engine_at_all(new_client):
    view = new_client(0).load_balanced_view()
    with view.temp_flags(timeout=0.1), pytest.raises(ipp.error.DependencyTimeout):
        view.apply_async(int).get(timeout=60)


def test_v11_timeout_never_limits_running(both_rc, gate, until):
    view = both_rc.load_balanced_view()
    for timeout in (0.2, 2, 20):  # a longer one if the machine has not begun the task in time
        with view.temp_flags(timeout=timeout):
            ar = view.apply_async(gate.hold("took long"))
        until(lambda ar=ar: gate.started or ar.ready())
        if gate.started:
            break
    with view.temp_flags(after=ar, timeout=2 * timeout):
        witness = view.apply_async(int)
    with pytest.raises(ipp.error.DependencyTimeout):
        witness.get(timeout=60)  # so twice the running task's timeout has passed
    gate.open()
    assert ar.get(timeout=60) == "took long"


def test_v11_timeout_is_not_restarted_by_a_refusal(fresh, gate):
    unmet = ipp.error.UnmetDependency

    @ipp.interactive
    def refuse_on_zero():
        if ENGINE == 0:  # noqa: F821 - a name on the engine
            raise unmet
        return "ran"

    for engine in fresh.ids:
        fresh[engine].push({"ENGINE": engine}, block=True)
    held = fresh[1].apply_async(gate.hold())
    gate.wait_for(1)
    view = fresh.load_balanced_view()
    with view.temp_flags(timeout=0.3):
        ar = view.apply_async(refuse_on_zero)
    with pytest.raises(ipp.error.DependencyTimeout):
        ar.get(timeout=60)
    assert not held.ready()


@pytest.mark.parametrize("timeout", [0, None, 0.0])
def test_v11_no_timeout(both_rc, gate, timeout):
    view = both_rc.load_balanced_view()
    held = view.apply_async(gate.hold())
    with view.temp_flags(after=held, timeout=timeout):
        ar = view.apply_async(lambda: "ran")
    assert not ar.wait(0.05)
    gate.open()
    assert ar.get(timeout=60) == "ran"


def test_v18_blocked_tasks_run_in_the_order_of_submission(new_client, gate):
    client = new_client(1)
    view = client.load_balanced_view()
    held = view.apply_async(gate.hold())
    with view.temp_flags(after=held):
        ars = [view.apply_async(int) for _ in range(20)]
    gate.open()
    client.wait(timeout=60)
    starts = [ar.started for ar in ars]
    assert starts == sorted(starts)


def test_v18_priority_goes_first(new_client, gate):
    client = new_client(1)
    view = client.load_balanced_view()
    held = view.apply_async(gate.hold())
    ars = []
    for priority in (0, 5, -1, 5, 0):
        with view.temp_flags(after=held, priority=priority):
            ars.append(view.apply_async(int))
    gate.open()
    client.wait(timeout=60)
    order = sorted(range(5), key=lambda n: ars[n].started)
    assert order == [1, 3, 0, 4, 2]
