"""What becomes of jobs that were taken."""

from __future__ import annotations

from typing import Any

import pytest

from gangline.errors import JobExists
from gangline.store.jobs.port import Ending, JobStore, Lane, OutputLine, State
from tests.integration.queue_store.conftest import Open
from tests.integration.queue_store.support import LANE, end, eventually, new, row, take, take_one, worker


def test_complete(store: JobStore) -> None:
    uid = worker(store)
    (number,) = store.add([new()])
    claim = take_one(store, uid)
    output = (OutputLine("stdout", 5.5, "hello\n"), OutputLine("info", 6.5, "it's done"))
    lost = end(
        store, uid, claim, runtime_s=1.5, result='{"answer": [42]}', message="well", sources=("a", "b", "a"),
        output=output,
    )  # fmt: skip
    assert lost == []
    found = row(store, number)
    assert (found.state, found.journaled, found.runtime_s, found.message) == (State.COMPLETE, True, 1.5, "well")
    assert (found.result, found.sources, found.attempts_left, found.trial) == ({"answer": [42]}, ["a", "b"], 1, 1)
    assert found.finished_at is not None
    assert found.started_at is not None
    assert found.started_at <= found.finished_at
    assert (found.worker, found.host, found.locked_at, found.lease_until, found.removed_at) == (
        "w",
        "h",
        None,
        None,
        None,
    )
    assert [(trial, line) for _, trial, line in store.output(number)] == [(1, output[0]), (1, output[1])]
    assert store.count() == 0
    assert store.count(journal=True) == 1


def test_failing_until_no_attempt_is_left(store: JobStore) -> None:
    uid = worker(store)
    (number,) = store.add([new(attempts=3)])
    for trial in (1, 2, 3):
        (claim,) = eventually(lambda: take(store, uid))
        assert (claim.id, claim.trial, claim.attempts_left) == (number, trial, 4 - trial)
        end(store, uid, claim, "failed", error=f"error {trial}", wait_s=0.01)
        found = row(store, number)
        assert (found.state, found.attempts_left) == (State.FAILED if trial < 3 else State.ERROR, 3 - trial)
    assert [(one["trial"], one["error"], one["worker"], one["host"]) for one in found.errors] == [
        (1, "error 1", "w", "h"), (2, "error 2", "w", "h"), (3, "error 3", "w", "h"),
    ]  # fmt: skip
    assert not found.journaled
    assert found.finished_at is not None
    assert store.count({"last_error": "error 3"}) == 1
    assert store.count({"last_error": "error 1"}) == 0


def test_failing_waits(store: JobStore) -> None:
    uid = worker(store)
    (number,) = store.add([new(attempts=2)])
    before = store.now()
    end(store, uid, take_one(store, uid), "failed", error="x", wait_s=600)
    found = row(store, number)
    assert found.state == State.FAILED
    assert found.query_at is not None
    assert before + 600 <= found.query_at <= store.now() + 600
    assert found.finished_at is None
    with pytest.raises(JobExists):
        store.add([new(args=found.args)])


def test_deferring_leaves_attempts_untouched(store: JobStore) -> None:
    uid = worker(store)
    (number,) = store.add([new(attempts=2)])
    for trial in range(1, 6):
        (claim,) = eventually(lambda: take(store, uid))
        assert (claim.trial, claim.attempts_left) == (trial, 2)
        end(store, uid, claim, "deferred", wait_s=0.005, defer_max_s=1000, message=f"waiting {trial}")
        found = row(store, number)
        assert (found.state, found.message) == (State.DEFERRED, f"waiting {trial}")
        assert found.first_deferred_at is not None
    (claim,) = eventually(lambda: take(store, uid))
    end(store, uid, claim)
    assert (row(store, number).state, row(store, number).trial) == (State.COMPLETE, 6)


def test_who_defers_for_too_long_is_inactive(store: JobStore) -> None:
    uid = worker(store)
    (number,) = store.add([new()])
    end(store, uid, take_one(store, uid), "deferred", defer_max_s=0.0)
    assert row(store, number).state == State.DEFERRED
    (claim,) = eventually(lambda: take(store, uid))
    end(store, uid, claim, "deferred", defer_max_s=0.0)
    found = row(store, number)
    assert (found.state, found.journaled, found.inactive_at) == (State.INACTIVE, False, found.finished_at)
    assert take(store, uid) == []


@pytest.mark.parametrize(("kind", "state"), [("refused", State.ERROR), ("killed", State.KILLED)])
def test_ends_without_another_attempt(store: JobStore, kind: str, state: State) -> None:
    uid = worker(store)
    (number,) = store.add([new(attempts=5)])
    end(store, uid, take_one(store, uid), kind, error="no module")
    found = row(store, number)
    assert (found.state, found.journaled, found.errors[0]["error"]) == (state, False, "no module")
    assert (found.killed_at is not None) == (state == State.KILLED)
    assert take(store, uid) == []


def test_released_as_if_nothing_had_been(store: JobStore) -> None:
    uid = worker(store)
    numbers = store.add([new(), new()])
    claim = take_one(store, uid)
    end(store, uid, claim, "released")
    found = row(store, numbers[0])
    assert (found.state, found.trial, found.attempts_left, found.worker, found.lost) == (State.PENDING, 0, 1, "w", 0)
    again = take_one(store, uid)
    assert (again.id, again.trial) == (numbers[0], 1)
    assert again.fence > claim.fence


def test_an_ending_that_is_told_twice_is_done_once(store: JobStore) -> None:
    uid = worker(store)
    numbers = store.add([new(attempts=3), new()])
    failing, passing = take(store, uid, 2)
    endings = [
        Ending(failing.id, failing.fence, "failed", error="once", wait_s=100),
        Ending(passing.id, passing.fence, "complete", output=(OutputLine("stdout", 1.0, "x"),)),
    ]
    assert store.turn(uid, endings).lost == []
    assert store.turn(uid, endings).lost == []
    found = row(store, numbers[0])
    assert (found.attempts_left, len(found.errors), found.state) == (2, 1, State.FAILED)
    assert len(store.output(numbers[1])) == 1


def test_a_claim_that_somebody_else_has_is_lost(store: JobStore) -> None:
    one, other = worker(store, "one", lease_s=0.02), worker(store, "other")
    numbers = store.add([new(), new()])
    old = take(store, one, 2)
    assert eventually(store.recover) == numbers
    taken = take(store, other, 1)
    kept = [Ending(claim.id, claim.fence, "complete", output=(OutputLine("stdout", 1.0, "late"),)) for claim in old]
    assert sorted(store.turn(one, kept).lost) == sorted((claim.id, claim.fence) for claim in old)
    assert row(store, numbers[0]).state == State.RUNNING
    assert row(store, numbers[1]).state == State.PENDING
    assert store.output(numbers[0]) == []
    assert end(store, other, taken[0]) == []
    assert store.turn(other, [Ending(999_999, 1, "complete")]).lost == [(999_999, 1)]


def test_both_claims_of_a_job_that_was_lost_and_taken_again_may_end_at_once(store: JobStore) -> None:
    uid = worker(store, lease_s=0.02)
    numbers = store.add([new(), new()])
    old = take(store, uid, 2)
    assert eventually(store.recover) == numbers
    again = take(store, uid, 2)
    endings = [Ending(claim.id, claim.fence, "complete", result="1") for claim in (old[0], *again, old[1])]
    assert sorted(store.turn(uid, endings).lost) == sorted((claim.id, claim.fence) for claim in old)
    assert store.count_states() == {State.COMPLETE: 2}
    assert store.turn(uid, endings[1:3]).lost == []


def test_what_complete_jobs_have_to_tell_stays_theirs(store: JobStore) -> None:
    uid = worker(store)
    numbers = store.add([new() for _ in range(40)])
    claims = take(store, uid, 40)
    store.remove(numbers[5])
    endings = [
        Ending(
            claim.id, claim.fence, "complete", runtime_s=place / 8, message=f"m{place}" if place % 2 else "",
            result=f'{{"place": {place}}}' if place % 3 else "", sources=("s",) if place % 10 == 9 else (),
        )
        for place, claim in enumerate(claims)
    ]  # fmt: skip
    assert store.turn(uid, endings[20:] + endings[:20]).lost == []
    for place, number in enumerate(numbers):
        found = row(store, number)
        assert (found.state, found.journaled, found.runtime_s) == (State.COMPLETE, True, place / 8)
        assert found.message == (f"m{place}" if place % 2 else "")
        assert found.result == ({"place": place} if place % 3 else None)
        assert found.sources == (["s"] if place % 10 == 9 else [])
        assert (found.removed_at is not None) == (place == 5)


def test_many_endings_and_claims_in_one_turn(store: JobStore) -> None:
    uid = worker(store)
    numbers = store.add([new(attempts=2) for _ in range(300)])
    kinds: list[Any] = ["complete", "failed", "deferred", "killed", "refused", "complete", "released"]
    claims = take(store, uid, 100)
    endings = [
        Ending(claim.id, claim.fence, kinds[place % 7], wait_s=1000, error="e" if place % 3 else "")
        for place, claim in enumerate(claims)
    ]
    result = store.turn(uid, endings, room=100)
    assert result.lost == []
    released = [claim.id for place, claim in enumerate(claims) if place % 7 == 6]
    assert [claim.id for claim in result.claimed] == (released + numbers[100:])[:100]
    states = store.count_states()
    assert states[State.COMPLETE] == sum(place % 7 in (0, 5) for place in range(100))
    assert states[State.FAILED] == sum(place % 7 == 1 for place in range(100))
    assert sum(states.values()) == 300


def test_the_next_jobs_are_entered_with_success(store: JobStore) -> None:
    uid = worker(store)
    (first,) = store.add([new()])
    twin = new(args={"twin": 1})
    (existing,) = store.add([twin._replace(wait_s=1000)])
    follow = (new(Lane("tests.Next"), {"after": first}, parent=first), twin, new(args={"z": 1}, priority=3))
    follow += (follow[2],)
    end(store, uid, take_one(store, uid), "complete", next=follow)
    entered = store.find({"id": {"$gt": existing}})
    assert [(one.lane.name, one.parent, one.priority) for one in entered] == [
        ("tests.Next", first, 0),
        ("tests.Job", None, 3),
    ]
    claims = take(store, uid, 5)
    assert [claim.id for claim in claims] == [entered[1].id, entered[0].id]
    end(store, uid, claims[0], "failed", next=(new(),))
    assert store.count(journal=None) == 4


def test_dependents_wait_for_all_that_they_need(store: JobStore) -> None:
    uid = worker(store)
    a, b = store.add([new(), new()])
    (late,) = store.add([new(needs=(a, b), priority=9)])
    assert row(store, late).needs == (a, b)
    claims = take(store, uid, 5)
    assert [claim.id for claim in claims] == [a, b]
    end(store, uid, claims[0])
    assert row(store, late).needs == (b,)
    assert take(store, uid) == []
    end(store, uid, claims[1])
    assert [claim.id for claim in take(store, uid, 5)] == [late]
    (at_once,) = store.add([new(needs=(a, b))])
    assert [claim.id for claim in take(store, uid, 5)] == [at_once]


def test_dependents_of_a_failure_wait_until_it_is_repeated(store: JobStore) -> None:
    uid = worker(store)
    (first,) = store.add([new()])
    (late,) = store.add([new(needs=(first,), wait_s=0.01)])
    end(store, uid, take_one(store, uid), "failed", error="x")
    again = store.restart(first)
    assert row(store, late).needs == (again,)
    claim = take_one(store, uid)
    assert claim.id == again
    assert take(store, uid) == []
    end(store, uid, claim)
    assert [claim.id for claim in eventually(lambda: take(store, uid))] == [late]


def test_needing_the_newest_of_a_class(store: JobStore) -> None:
    uid = worker(store)
    other = Lane("tests.Other")
    (waiting,) = store.add([new(needs_classes=("tests.Other",))])
    assert take(store, uid) == []
    assert row(store, waiting).needs == ("tests.Other",)
    store.add([new(other), new(other._replace(folder="f"))])
    old, newest = take(store, uid, 2)
    end(store, uid, old)
    assert take(store, uid) == []
    end(store, uid, newest)
    assert [claim.id for claim in take(store, uid)] == [waiting]
    (at_once,) = store.add([new(needs_classes=("tests.Other",))])
    assert [claim.id for claim in take(store, uid)] == [at_once]


def test_completion_in_a_transaction_of_the_users(open_queue: Open) -> None:
    store = open_queue()
    uid = worker(store)
    numbers = store.add([new(), new()])
    (late,) = store.add([new(needs=(numbers[0],))])
    one, two = take(store, uid, 2)
    connection = store.connect()
    try:
        connection.execute("CREATE TABLE work (text TEXT)")
        connection.commit()
        connection.execute("INSERT INTO work VALUES ('done')")
        assert store.finish_within(connection, Ending(one.id, one.fence, "complete", result="1", runtime_s=2.0))
        assert row(store, one.id).state == State.RUNNING
        connection.commit()
        assert (row(store, one.id).state, row(store, one.id).result) == (State.COMPLETE, 1)
        connection.execute("INSERT INTO work VALUES ('not done')")
        assert store.finish_within(connection, Ending(two.id, two.fence, "complete"))
        connection.rollback()
        assert row(store, two.id).state == State.RUNNING
        assert not store.finish_within(connection, Ending(two.id, two.fence + 1, "complete"))
        connection.rollback()
        assert connection.execute("SELECT text FROM work").fetchall() == [("done",)]
        connection.rollback()
        assert store.tell(one.id, one.fence, output=[OutputLine("stdout", 1.0, "the rest")], sources=["s"])
        assert [claim.id for claim in take(store, uid)] == [late]
    finally:
        connection.execute("DROP TABLE work")
        connection.commit()
        connection.close()


def test_large_and_awkward_endings(store: JobStore) -> None:
    uid = worker(store)
    (number,) = store.add([new(LANE)])
    text = "';\0--\ud800" + "x" * 3_000_000
    end(
        store, uid, take_one(store, uid), "failed", error=text, message=text, sources=(text[:9],),
        output=(OutputLine("stdout", 1.0, text),),
    )  # fmt: skip
    found = row(store, number)
    assert found.message.startswith("';\ufffd--\ufffdxxx")
    assert len(found.message) < 66_000
    assert found.errors[0]["error"].endswith("xxxx")
    assert len(found.errors[0]["error"]) < 1_100_000
    assert found.sources == ["';\ufffd--\ufffdxxx"]
    assert len(store.output(number)[0][2].text) == len(text)
