"""Jobs come in, all or none, and stand there as they were given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gangline.errors import JobExists, UsageError
from gangline.store.jobs.port import JobStore, Lane, State
from tests.integration.queue_store.conftest import Open
from tests.integration.queue_store.support import LANE, Alike, end, new, row, take, take_one, worker

AWKWARD = [
    "'; DROP TABLE jobs; --", '" OR 1=1 --', "%s %(name)s {} :name ?1 $1", "\\'\\\"\\", "--", "/*", "ünïcödé 🐕",
    "\u202e", "\t\r\n", "x" * 100_000, "null", "[]", "{",
]  # fmt: skip


def test_ids_rise_in_the_order_of_entering(store: JobStore) -> None:
    first = store.add([new()])
    several = store.add([new() for _ in range(500)])
    last = store.add([new()])
    assert first + several + last == sorted(first + several + last)
    assert len({*first, *several, *last}) == 502
    assert [row.id for row in store.find()] == first + several + last
    assert store.add([]) == []


def test_a_job_is_read_as_it_was_entered(store: JobStore) -> None:
    lane = Lane("a.B", ("w1", "w2"), "/usr/bin/python3", "/home/x", True, 2, 5)
    (parent,) = store.add([new()])
    job = new(
        lane, {"a": [1, 2.5, None, {"b": True}]}, priority=-7, attempts=3, properties='{"wall_time": 5}', parent=parent,
        host="here", user="me", tag="t", author="au", hidden=True, unique=False,
    )  # fmt: skip
    before = store.now()
    (number,) = store.add([job])
    found = row(store, number)
    assert found.lane == lane
    assert found.args == {"a": [1, 2.5, None, {"b": True}]}
    assert (found.state, found.journaled, found.priority, found.trial) == (State.PENDING, False, -7, 0)
    assert (found.attempts, found.attempts_left, found.properties) == (3, 3, {"wall_time": 5})
    assert (found.enqueued_host, found.enqueued_user, found.parent) == ("here", "me", parent)
    assert (found.tag, found.author, found.hidden, found.unique, found.digest) == ("t", "au", True, False, job.digest)
    assert before - 1 <= found.enqueued_at <= store.now() + 1
    assert (found.query_at, found.started_at, found.finished_at, found.worker, found.errors) == (
        None,
        None,
        None,
        "",
        [],
    )
    assert store.get(number + 1000) is None
    assert store.get(-1) is None
    assert store.get(2**70) is None


def test_an_equal_job_is_refused_until_it_is_final(store: JobStore) -> None:
    (first,) = store.add([new(args={"x": 1})])
    with pytest.raises(JobExists) as refusal:
        store.add([new(args={"x": 1})])
    assert refusal.value.job == first
    assert str(first) in str(refusal.value)
    uid = worker(store)
    claim = take_one(store, uid)
    with pytest.raises(JobExists):
        store.add([new(args={"x": 1})])
    end(store, uid, claim)
    (second,) = store.add([new(args={"x": 1})])
    assert second > first


@pytest.mark.parametrize("kind", ["failed", "refused", "killed"])
def test_what_ended_badly_blocks_nothing(store: JobStore, kind: str) -> None:
    uid = worker(store)
    store.add([new(args={"x": 1})])
    end(store, uid, take_one(store, uid), kind, error="why")
    assert store.add([new(args={"x": 1})])


def test_a_job_that_is_not_unique_stands_beside_equal_ones(store: JobStore) -> None:
    store.add([new(args={"x": 1})])
    assert store.add([new(args={"x": 1}, unique=False), new(args={"x": 1}, unique=False)])
    (other,) = store.add([new(args={"x": 2}, unique=False)])
    assert store.add([new(args={"x": 2})]) > [other]


def test_jobs_are_entered_all_or_none(store: JobStore) -> None:
    (first,) = store.add([new(args={"x": 1})])
    with pytest.raises(JobExists) as refusal:
        store.add([new(), new(args={"x": 2}), new(args={"x": 1}), new()])
    assert refusal.value.job == first
    with pytest.raises(JobExists, match="2 and 3 of the 3"):
        store.add([new(), new(args={"x": 3}), new(args={"x": 3})])
    assert store.count() == 1


def test_who_is_named_must_be_there(store: JobStore) -> None:
    with pytest.raises(UsageError, match="4711"):
        store.add([new(parent=4711)])
    with pytest.raises(UsageError, match="4712"):
        store.add([new(), new(needs=(4712,))])
    assert store.count() == 0


def test_any_text_is_kept_as_it_is(store: JobStore) -> None:
    for text in AWKWARD:
        _check_that_text_is_kept(store, text)


def _check_that_text_is_kept(store: JobStore, text: str) -> None:
    lane = Lane("a.B", python=text, folder=text)
    job = new(lane, {"value": text, text: 1}, host=text, user=text, tag=text, author=text)
    (number,) = store.add([job])
    found = row(store, number)
    assert found.lane == lane
    assert found.args == {"value": text, text: 1}
    assert [found.enqueued_host, found.enqueued_user, found.tag, found.author] == [text] * 4
    assert [one.id for one in store.find({"args.value": text, "tag": text})] == [number]
    assert store.find({"args.value": text + "x"}) == []


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_what_no_database_keeps_is_replaced(store: JobStore, text: str) -> None:
    (number,) = store.add([new(args={"value": text, "other": 1}, tag=text, host=text, user=text, author=text)])
    found = row(store, number)
    assert [found.tag, found.enqueued_host, found.enqueued_user, found.author] == ["a\ufffdb"] * 4
    assert found.args == {"value": text, "other": 1}
    assert take(store, worker(store))[0].args == json.dumps({"value": text, "other": 1})
    store.add([new(args={"other": 1})])
    assert store.count({"args.other": {"$lt": 5}}) in (1, 2)  # what cannot be looked into matches nothing


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "x" * 2000])
def test_names_are_not_changed_but_refused(store: JobStore, name: str) -> None:
    with pytest.raises(UsageError):
        store.add([new(Lane(name))])
    with pytest.raises(UsageError):
        worker(store, name)
    assert store.count() == 0


def test_large_arguments_and_numbers(store: JobStore) -> None:
    (number,) = store.add([new(args={"data": "y" * 8_000_000})])
    claim = take_one(store, worker(store))
    assert (claim.id, len(json.loads(claim.args)["data"])) == (number, 8_000_000)
    with pytest.raises(UsageError):
        store.add([new(priority=2**80)])
    assert store.add([new(priority=2**31 - 1), new(priority=-(2**31))])


def test_two_openers_see_the_same_queue(open_queue: Open) -> None:
    one, other = open_queue(), open_queue()
    (number,) = one.add([new(args={"x": 1})])
    assert row(other, number).args == {"x": 1}
    with pytest.raises(JobExists):
        other.add([new(args={"x": 1})])
    (second,) = other.add([new(LANE._replace(folder="elsewhere"))])
    assert row(one, second).lane.folder == "elsewhere"


def test_thousands_are_entered_at_once(store: JobStore) -> None:
    jobs = [new(Lane(f"tests.Kind{number % 7}"), priority=number % 3) for number in range(20_000)]
    numbers = store.add(jobs)
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 20_000
    assert store.count_states() == {State.PENDING: 20_000}
    found = store.find({"id": {"$in": [numbers[0], numbers[777], numbers[-1]]}})
    assert [one.args for one in found] == [json.loads(jobs[place].args) for place in (0, 777, -1)]


def test_what_was_completed_is_entered_again_alone_or_among_many(store: JobStore) -> None:
    uid = worker(store)
    store.add([new(args={"x": number}) for number in range(300)])
    for claim in take(store, uid, 250):
        end(store, uid, claim)
    with pytest.raises(JobExists) as refusal:
        store.add([new(args={"x": number}) for number in range(240, 300)])
    assert row(store, refusal.value.job).args == {"x": 250}
    assert store.count() == 50
    assert len(store.add([new(args={"x": number}) for number in range(250)])) == 250
    with pytest.raises(JobExists):
        store.add([new(args={"x": 0})])
    assert store.count() == 300


def test_what_was_completed_is_entered_again_for_others_to_take(store: JobStore) -> None:
    uid = worker(store)
    jobs = [new(args={"x": number}) for number in range(5)]
    store.add(jobs)
    for claim in take(store, uid, 5):
        end(store, uid, claim)
    elsewhere = LANE._replace(folder="elsewhere")
    numbers = store.add([job._replace(lane=elsewhere) for job in jobs])
    store.add([new(elsewhere)])
    claims = take(store, uid, 9)
    assert [claim.id for claim in claims[:5]] == numbers
    assert {claim.lane for claim in claims} == {elsewhere}
    assert len(claims) == 6


@pytest.mark.parametrize("text", AWKWARD)
def test_jobs_that_are_alike_are_read_as_they_were_entered(store: JobStore, text: str) -> None:
    fields: dict[str, Any] = {"tag": text, "author": "?2 :now", "host": text, "user": "me", "hidden": True}
    like = new(priority=-7, attempts=3, properties=json.dumps({"x": text}), **fields)
    count = 300 if len(text) < 1000 else 60
    numbers = store.add_alike(Alike(like, [{"text": text, "number": number} for number in range(count)]))
    assert numbers == list(range(numbers[0], numbers[0] + count))
    for place in (0, count // 2, count - 1):
        found = row(store, numbers[place])
        assert (found.tag, found.author, found.properties) == (text, "?2 :now", {"x": text})
        assert (found.enqueued_host, found.enqueued_user, found.hidden, found.unique) == (text, "me", True, True)
        assert (found.args, found.state) == ({"text": text, "number": place}, State.PENDING)
        assert (found.priority, found.attempts, found.attempts_left) == (-7, 3, 3)
        assert found.digest == new(args=found.args).digest
    claim = take_one(store, worker(store))
    assert (claim.id, json.loads(claim.args)) == (numbers[0], {"text": text, "number": 0})


@pytest.mark.parametrize("count", [3, 5000])
def test_jobs_that_are_alike_are_entered_all_or_none(store: JobStore, count: int) -> None:
    (there,) = store.add([new(args={"x": count - 1})])
    with pytest.raises(JobExists) as refusal:
        store.add_alike(Alike(new(), [{"x": number} for number in range(count)]))
    assert refusal.value.job == there
    with pytest.raises(JobExists, match=f"2 and {count + 1} of the {count + 1}"):
        store.add_alike(Alike(new(), [*({"x": number} for number in range(-1, count - 1)), {"x": 0}]))
    with pytest.raises(UsageError, match="4711"):
        store.add_alike(Alike(new(parent=4711), [{"y": number} for number in range(count)]))
    assert store.count() == 1
    uid = worker(store)
    end(store, uid, take_one(store, uid))
    assert len(store.add_alike(Alike(new(), [{"x": number} for number in range(count)]))) == count
    assert len(store.add_alike(Alike(new(unique=False), [{"x": number} for number in range(count)]))) == count
    assert store.count() == 2 * count


def test_what_goes_wrong_while_jobs_are_gone_through_leaves_nothing(store: JobStore) -> None:
    class Broken(Alike):
        def __iter__(self) -> Iterator[tuple[str, bytes]]:
            yield from list(super().__iter__())[:4000]
            raise KeyError("the next one")

    with pytest.raises(KeyError, match="the next one"):
        store.add_alike(Broken(new(), [{"x": number} for number in range(5000)]))
    assert store.count() == 0
    assert len(store.add_alike(Alike(new(), [{"x": number} for number in range(5000)]))) == 5000


def test_jobs_that_are_alike_may_wait_for_a_time_and_for_others(store: JobStore) -> None:
    uid = worker(store)
    (needed,) = store.add([new()])
    later = store.add_alike(Alike(new(wait_s=600), [{"later": number} for number in range(150)]))
    held = store.add_alike(Alike(new(needs=(needed,), parent=needed), [{"held": number} for number in range(150)]))
    assert [row(store, number).parent for number in (later[0], held[0])] == [None, needed]
    claim = take_one(store, uid)
    assert claim.id == needed
    assert take(store, uid, 500) == []
    end(store, uid, claim)
    assert [claim.id for claim in take(store, uid, 500)] == held


def test_large_arguments_of_jobs_that_are_alike(store: JobStore) -> None:
    many = [{"data": str(number) * 100_000} for number in range(50)]
    numbers = store.add_alike(Alike(new(), many))
    assert [row(store, number).args for number in numbers[::12]] == many[::12]
