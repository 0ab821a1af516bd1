"""Why a job is not running, in sentences."""

from __future__ import annotations

import pytest

from gangline.queue import Explanation, Queue
from gangline.queue.reasons import Waits
from gangline.store.jobs.port import Ending
from tests.integration.queue_front.running import Hands


def said(queue: Queue, job: int) -> list[str]:
    explanation = queue.explain(job)
    assert isinstance(explanation, Explanation)
    data = explanation.to_json()
    assert [reason["text"] for reason in data["reasons"]] == [str(reason) for reason in explanation.reasons]
    assert str(explanation).startswith(f"job {job} ({explanation.name}) is {explanation.state}:\n  ")
    return [str(reason) for reason in explanation.reasons]


def test_nobody_is_there(queue, shop):
    job = queue.enqueue(shop.Add, a=1)
    assert said(queue, job) == ["there is no worker; start one: gangline worker"]


def test_nothing_keeps_it(queue, shop):
    Hands(queue)
    job = queue.enqueue(shop.Add, a=1)
    assert said(queue, job) == ["nothing keeps it: it is the next one to be taken"]
    other = queue.enqueue(shop.Add, a=2, python="/opt/python")
    assert said(queue, other) == ["1 job is taken before it, by priority and age"]
    queue.kill(job)
    assert said(queue, other)[0].endswith("once the interpreter /opt/python has started")


def test_jobs_before_it(queue, shop):
    Hands(queue)
    queue.enqueue_many("nowhere.Thing", [{"n": n} for n in range(14)])
    job = queue.enqueue(shop.Add, a=1)
    assert said(queue, job) == ["14 jobs are taken before it, by priority and age"]
    assert said(queue, queue.enqueue(shop.Add, a=2, priority=1)) == [
        "nothing keeps it: it is the next one to be taken"
    ]  # fmt: skip


def test_its_time_has_not_come(queue, shop):
    hands = Hands(queue)
    later = queue.enqueue(shop.Add, a=1, delay=3 * 3600 + 120)
    (reason,) = said(queue, later)
    assert reason.startswith("it waits until 20")
    assert reason.endswith(", for another 3.0 h: it was entered for later")
    deferred = queue.enqueue(shop.Add, a=2)
    (claim,) = hands.take()
    hands.end(Ending(claim.id, claim.fence, "deferred", wait_s=620, message="rain"))
    (reason,) = said(queue, deferred)
    assert reason.endswith(", for another 10 min: it has deferred (rain)")
    failed = queue.enqueue(shop.Add, a=3, attempts=3)
    (claim,) = hands.take()
    hands.end(Ending(claim.id, claim.fence, "failed", wait_s=8000, error="Traceback\nValueError: no\n"))
    (reason,) = said(queue, failed)
    assert reason.endswith(", for another 2.2 h: its last attempt has failed, and 2 attempts are left (ValueError: no)")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (90.4, "90 s"), (119.0, "119 s"), (120.0, "2 min"), (5400.0, "1.5 h")]
)
def test_how_long_it_waits_is_said_in_units_that_fit(seconds, words):
    assert str(Waits(0.0, seconds, "why", "")).endswith(f", for another {words}: why")


def test_pauses(queue, shop):
    hands = Hands(queue, host="mars")
    job = queue.enqueue(shop.Add, a=1)
    queue.pause(host="venus")
    assert said(queue, job) == ["nothing keeps it: it is the next one to be taken"]
    queue.pause(host="mars", reason="new disk")
    (reason,) = said(queue, job)
    assert reason.startswith("the host mars is paused since 20")
    assert reason.endswith(" (new disk)")
    queue.pause(shop.Add)
    queue.pause(shop.Report)
    queue.pause(reason="lunch")
    whole, of_class, host = sorted(said(queue, job), key=lambda text: "queue class host".index(text.split()[1][:4]))
    assert whole.startswith("the queue is paused since 20")
    assert whole.endswith("(lunch)")
    assert of_class.startswith("its class shop.Add is paused since 20")
    assert host.startswith("the host mars")
    assert hands.take() == []


def test_limits_of_its_class(queue, shop):
    hands = Hands(queue, host="mars")
    for n in range(2):
        queue.enqueue(shop.Add, a=n)
    assert len(hands.take(4)) == 2
    job = queue.enqueue(shop.Add, a=3)
    assert said(queue, job) == ["2 of at most 2 jobs of shop.Add are running on mars"]
    Hands(queue, "other", "venus")
    assert said(queue, job) == ["nothing keeps it: it is the next one to be taken"]


def test_limits_over_all_hosts(queue, shop):
    hands = Hands(queue)
    queue.enqueue(shop.Report, kind="a", max_parallel_total=1)
    assert len(hands.take(4)) == 1
    job = queue.enqueue(shop.Report, kind="b", max_parallel_total=1)
    assert said(queue, job) == ["1 of at most 1 jobs of shop.Report are running on all hosts together"]


def test_workers(queue, shop):
    job = queue.enqueue(shop.Add, a=1, worker=["big", "huge"])
    Hands(queue, "small")
    assert said(queue, job) == ["only a worker called big or huge may take it; there are small"]
    hands = Hands(queue, "big")
    queue.enqueue_many("nowhere.Thing", [{"n": n} for n in range(4)], priority=1, worker="big")
    assert len(hands.take(4)) == 4
    assert said(queue, job) == ["all 4 slots of big are busy"]
    queue.halt("big")
    assert said(queue, job) == ["big may take it, and takes no more jobs, since it is about to stop"]


def test_needs(queue, shop):
    Hands(queue)
    first = queue.enqueue(shop.Add, a=1)
    job = queue.enqueue(shop.Add, a=2, dependency=[first, "shop.Report"])
    assert sorted(said(queue, job)) == [
        "it waits for a job of shop.Report, and there has been none yet",
        f"it waits for job {first}, which is pending",
    ]
    report = queue.enqueue(shop.Report)
    queue.kill(first)
    assert sorted(said(queue, job)) == [
        f"it waits for job {first}, which is killed and has to be restarted (gangline queue restart {first})",
        f"it waits for the newest job of shop.Report, job {report}, which is pending",
    ]


def test_what_runs_and_what_is_over(queue, shop):
    hands = Hands(queue, host="mars")
    job = queue.enqueue(shop.Add, a=1)
    (claim,) = hands.take()
    queue.database.tell(job, claim.fence, flag="zombie")
    (reason,) = said(queue, job)
    assert reason.startswith("it is running since 20")
    assert " on mars, by the worker hands (process 1)" in reason
    assert reason.endswith("; it has shown no progress for its zombie_time")
    hands.end(Ending(job, claim.fence, "failed", error="Traceback\n  ...\nKeyError: 'x'\n"))
    (reason,) = said(queue, job)
    assert reason.startswith("it is error since 20")
    assert reason.endswith(": KeyError: 'x'; run it again with: gangline queue restart 1")
    new = queue.restart(job)
    hands.run()
    (reason,) = said(queue, new)
    assert reason.startswith("it is complete since 20")
    assert reason.endswith("; it is in the journal")


@pytest.mark.parametrize("number", [1, 2])
def test_one_and_many(queue, shop, number):
    hands = Hands(queue)
    queue.database.deregister(hands.uid)
    uid = queue.database.register("few", "here", 1, number, 60.0)
    queue.enqueue_many(shop.Report, [{"kind": str(n)} for n in range(number + 1)])
    queue.database.turn(uid, room=number)
    (waiting,) = queue.find({"state": "pending"})
    busy = "the only slot of few is busy" if number == 1 else "all 2 slots of few are busy"
    assert said(queue, waiting.id) == [busy]
