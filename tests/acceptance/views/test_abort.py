"""V14: taking tasks back, and stopping those that run."""

from __future__ import annotations

import pytest

import gangline.views as ipp


def test_v14_waiting_task_is_removed_at_once(both_rc, gate):
    running = both_rc[0].apply_async(gate.hold("held"))
    gate.wait_for(1)
    waiting = both_rc[0].apply_async(lambda: "never")
    waiting.abort()
    with pytest.raises(ipp.error.TaskAborted):
        waiting.get(timeout=60)
    assert waiting.status == "aborted"
    assert waiting.started is None
    assert not running.ready()
    gate.open()
    assert running.get(timeout=60) == "held"


def test_v14_waiting_for_a_dependency(both_rc, gate):
    running = both_rc[0].apply_async(gate.hold())
    view = both_rc.load_balanced_view()
    with view.temp_flags(after=running):
        waiting = view.apply_async(lambda: "never")
    view.abort(waiting)
    with pytest.raises(ipp.error.TaskAborted):
        waiting.get(timeout=60)
    gate.open()
    running.get(timeout=60)
    assert waiting.status == "aborted"


def test_v14_running_task_is_untouched_and_said_so(both_rc, gate):
    running = both_rc[0].apply_async(gate.hold("went on"))
    gate.wait_for(1)
    with pytest.warns(match="(?i)running|begun|started") as said:
        running.abort()
    assert running.msg_ids[0] in str(said[0].message)
    gate.open()
    assert running.get(timeout=60) == "went on"


def test_v14_running_task_is_interrupted_if_asked(both_rc, gate):
    running = both_rc[0].apply_async(gate.hold("not this"))
    gate.wait_for(1)
    both_rc.abort(running, interrupt=True)
    with pytest.raises(ipp.error.TaskAborted):
        running.get(timeout=60)
    assert both_rc[0].apply_async(lambda: "lives").get(timeout=60) == "lives"
    assert both_rc.ids == [0, 1]


def test_v14_interrupt_does_not_hit_the_next_task(both_rc, gate):
    running = both_rc[0].apply_async(gate.hold())
    gate.wait_for(1)
    following = [both_rc[0].apply_async(lambda n=n: n) for n in range(20)]
    both_rc.abort(running, interrupt=True)
    assert [ar.get(timeout=60) for ar in following] == list(range(20))


def test_v14_finished_task(any_rc):
    ar = any_rc.load_balanced_view().apply_async(int)
    ar.get(timeout=60)
    with pytest.raises(RuntimeError):
        ar.abort()
    with pytest.raises(RuntimeError):
        any_rc.abort(ar.msg_ids)
    assert ar.get() == 0


def test_v14_what_is_after_it_is_impossible(both_rc, gate):
    running = both_rc[0].apply_async(gate.hold())
    gate.wait_for(1)
    view = both_rc.load_balanced_view()
    with view.temp_flags(after=running):
        waiting = view.apply_async(int)
    with view.temp_flags(after=waiting):
        dependent = view.apply_async(int)
    waiting.abort()
    with pytest.raises(ipp.error.ImpossibleDependency) as caught:
        dependent.get(timeout=60)
    assert waiting.msg_ids[0] in str(caught.value)
    assert not running.ready()


def test_v14_abort_everything_of_the_client(both_rc, gate):
    running = [both_rc[engine].apply_async(gate.hold("held")) for engine in (0, 1)]
    gate.wait_for(2)
    waiting = [both_rc.load_balanced_view().apply_async(int) for _ in range(10)]
    left = both_rc.abort()
    assert set(left) == {ar.msg_ids[0] for ar in running}
    for ar in waiting:
        with pytest.raises(ipp.error.TaskAborted):
            ar.get(timeout=60)
    gate.open()
    assert [ar.get(timeout=60) for ar in running] == ["held", "held"]


def test_v14_abort_by_id_list_and_result(both_rc, gate):
    running = both_rc[0].apply_async(gate.hold())
    gate.wait_for(1)
    one, two, three = (both_rc[0].apply_async(int) for _ in range(3))
    both_rc.abort(one.msg_ids[0])
    both_rc.abort([two, three.msg_ids[0]])
    for ar in (one, two, three):
        with pytest.raises(ipp.error.TaskAborted):
            ar.get(timeout=60)
    gate.open()
    running.get(timeout=60)


def test_v14_abort_unknown_id(any_rc):
    with pytest.raises((ValueError, KeyError)):
        any_rc.abort("no-such-id")
    assert any_rc.load_balanced_view().apply_sync(lambda: "usable") == "usable"


def test_v14_abort_a_map(both_rc, gate):
    held = [both_rc[engine].apply_async(gate.hold()) for engine in (0, 1)]
    gate.wait_for(2)
    ar = both_rc.load_balanced_view().map_async(lambda x: x, range(10), chunksize=1)
    ar.abort()
    with pytest.raises((ipp.error.TaskAborted, ipp.CompositeError)):
        ar.get(timeout=60)
    gate.open()
    both_rc.wait(held, timeout=60)


def test_v14_aborted_retries_do_not_begin_again(both_rc, gate):
    view = both_rc.load_balanced_view()
    with view.temp_flags(retries=5):
        running = view.apply_async(gate.hold())
    gate.wait_for(1)
    both_rc.abort(running, interrupt=True)
    with pytest.raises(ipp.error.TaskAborted):
        running.get(timeout=60)
    assert len(gate.started) == 1
