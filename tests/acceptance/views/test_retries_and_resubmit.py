"""V10, V12, V13: attempts that are made again."""

from __future__ import annotations

import pytest

import gangline.views as ipp


@pytest.fixture
def attempts(tmp_path):
    """A function that fails until it has been tried so often, and the engines that have tried."""
    path = str(tmp_path / "attempts")

    def fail_until(wanted):
        def task():
            import os

            with open(path, "a") as file:
                file.write(f"{os.getpid()}\n")
            with open(path) as file:
                count = len(file.readlines())
            if count < wanted:
                raise ValueError(f"attempt {count}")
            return count

        return task

    def tried():
        with open(path) as file:
            return [int(line) for line in file]

    fail_until.tried = tried
    return fail_until


@pytest.mark.parametrize("retries", [0, 1, 2, 5, 9])
def test_v10_up_to_one_more_attempt_than_retries(any_rc, attempts, retries):
    view = any_rc.load_balanced_view()
    with view.temp_flags(retries=retries), pytest.raises(ValueError, match=f"attempt {retries + 1}"):
        view.apply_async(attempts(100)).get(timeout=60)
    assert len(attempts.tried()) == retries + 1


def test_v10_success_ends_the_attempts(any_rc, attempts):
    view = any_rc.load_balanced_view()
    with view.temp_flags(retries=9):
        assert view.apply_async(attempts(4)).get(timeout=60) == 4
    assert len(attempts.tried()) == 4


def test_v10_other_engines_first(rc, attempts):
    view = rc.load_balanced_view()
    with view.temp_flags(retries=3), pytest.raises(ValueError, match="attempt 4"):
        view.apply_async(attempts(100)).get(timeout=60)
    tried = attempts.tried()
    assert tried[0] != tried[1]


def test_v10_on_the_same_engine_when_there_is_no_other(rc, attempts):
    view = rc.load_balanced_view(targets=[1])
    with view.temp_flags(retries=2):
        ar = view.apply_async(attempts(3))
    assert ar.get(timeout=60) == 3
    assert len(set(attempts.tried())) == 1
    assert ar.engine_id == 1


def test_v10_earlier_errors_are_attached(any_rc, attempts):
    view = any_rc.load_balanced_view()
    with view.temp_flags(retries=2):
        ar = view.apply_async(attempts(100))
    with pytest.raises(ValueError, match="attempt 3") as caught:
        ar.get(timeout=60)
    earlier = "\n".join(getattr(caught.value, "__notes__", []))
    assert "attempt 1" in earlier
    assert "attempt 2" in earlier


def test_v10_in_a_map(any_rc, attempts):
    failing = attempts(3)

    def task(x):
        return failing() and x

    view = any_rc.load_balanced_view()
    with view.temp_flags(retries=5):
        assert view.map(task, [7], chunksize=1).get(timeout=60) == [7]


def test_v12_resubmit_a_finished_task(any_rc):
    view = any_rc.load_balanced_view()
    ar = view.apply_async(lambda a, b: a + b, 1, b=2)
    ar.get(timeout=60)
    again = any_rc.resubmit(ar.msg_ids[0])
    assert again.get(timeout=60) in (3, [3])
    assert set(again.msg_ids).isdisjoint(ar.msg_ids)
    assert isinstance(again, ipp.AsyncHubResult)


def test_v12_resubmit_keeps_targets_and_label(rc):
    view = rc.load_balanced_view()
    with view.temp_flags(targets=[1], label="mine"):
        ar = view.apply_async(int)
    ar.get(timeout=60)
    again = rc.resubmit([ar.msg_ids[0]])
    again.get(timeout=60)
    metadata = rc.metadata[again.msg_ids[0]]
    assert (metadata["engine_id"], metadata["label"]) == (1, "mine")


def test_v12_resubmit_keeps_retries(any_rc, attempts):
    view = any_rc.load_balanced_view()
    with view.temp_flags(retries=1):
        ar = view.apply_async(attempts(4))
    ar.wait(60)
    assert len(attempts.tried()) == 2
    assert any_rc.resubmit(ar.msg_ids).get(timeout=60) in (4, [4])


def test_v12_resubmit_with_dependencies(any_rc):
    view = any_rc.load_balanced_view()
    first = view.apply_async(int)
    with view.temp_flags(after=first, follow=first):
        ar = view.apply_async(lambda: "ran")
    ar.get(timeout=60)
    again = any_rc.resubmit(ar.msg_ids)
    again.get(timeout=60)
    assert any_rc.metadata[again.msg_ids[0]]["engine_id"] == first.engine_id


def test_v12_resubmit_a_failure_and_several(any_rc, attempts):
    view = any_rc.load_balanced_view()
    bad = view.apply_async(attempts(2))
    bad.wait(60)
    good = view.apply_async(lambda: "good")
    good.wait(60)
    assert any_rc.resubmit([bad.msg_ids[0], good.msg_ids[0]]).get(timeout=60) == [2, "good"]


def test_v12_resubmit_a_direct_task(rc):
    ar = rc[1].apply_async(lambda: "direct")
    ar.get(timeout=60)
    again = rc.resubmit(ar.msg_ids)
    assert again.get(timeout=60) in ("direct", ["direct"])
    assert rc.metadata[again.msg_ids[0]]["engine_id"] == 1


def test_v13_resubmit_while_running_or_waiting_is_refused(both_rc, gate):
    running = both_rc[0].apply_async(gate.hold("held"))
    gate.wait_for(1)
    view = both_rc.load_balanced_view()
    with view.temp_flags(after=running):
        waiting = view.apply_async(lambda: "ran")
    for ar in (running, waiting):
        with pytest.raises(ValueError, match=r"(?i)finish|pending|running"):
            both_rc.resubmit(ar.msg_ids[0])
    gate.open()
    assert running.get(timeout=60) == "held"
    assert waiting.get(timeout=60) == "ran"


def test_v13_resubmit_an_unknown_id_is_refused(any_rc):
    with pytest.raises((ValueError, KeyError)):
        any_rc.resubmit("no-such-id")
