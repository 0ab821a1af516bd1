"""Many processes at one queue: each job is taken once, limits hold, nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gangline.store.jobs.port import JobStore, Lane, State
from tests.integration.queue_store.conftest import Open
from tests.integration.queue_store.support import LANE, end, eventually, new, take, worker

PROGRAM = Path(__file__).with_name("racer.py")


def run_racers(url: str, plans: list[dict[str, Any]]) -> list[Any]:
    """Processes that begin at the same time; what each of them says."""
    racers = [
        subprocess.Popen(
            [sys.executable, PROGRAM, url, json.dumps(plan)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for plan in plans
    ]
    answers = []
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == b"ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"go\n")
        racer.stdin.flush()
    for racer in racers:
        out, _ = racer.communicate()
        assert racer.returncode == 0
        answers.append(json.loads(out))
    return answers


@pytest.mark.parametrize("number", [2, 8])
def test_each_job_is_taken_exactly_once(store: JobStore, url: str, number: int) -> None:
    jobs = 300
    plans = [{"name": f"w{one}", "host": f"h{one}", "room": 1, "until": jobs} for one in range(number)]
    plans.append({"enter": jobs})
    *taken, entered = run_racers(url, plans)
    counts = Counter(job for racer in taken for job in racer["taken"])
    assert sorted(counts) == sorted(entered["entered"])
    assert set(counts.values()) == {1}
    assert all(racer["lost"] == [] for racer in taken)
    assert store.count_states() == {State.COMPLETE: jobs}


def test_batches_are_taken_exactly_once_and_handed_back(store: JobStore, url: str) -> None:
    lanes = [LANE, Lane("tests.Other"), Lane("tests.Third")]
    numbers = store.add([new(lanes[one % 3], priority=one % 2) for one in range(600)])
    plans = [
        {
            "name": f"w{one}",
            "host": f"h{one}",
            "room": 7,
            "ahead": {"tests.Other": 30},
            "release_every": 5,
            "until": 600,
        }
        for one in range(4)
    ]
    taken = run_racers(url, plans)
    counts = Counter(job for racer in taken for job in racer["taken"])
    assert sorted(counts) == numbers
    assert set(counts.values()) == {1}


@pytest.mark.parametrize(
    ("limits", "hosts", "most"),
    [({"max_parallel": 2}, 1, 2), ({"max_parallel": 2}, 2, 4), ({"max_parallel_total": 3}, 2, 3)],
)
def test_limits_hold_exactly_under_four_workers(
    store: JobStore, url: str, limits: dict[str, int], hosts: int, most: int
) -> None:
    lane = Lane("tests.Limited", **limits)  # type: ignore[arg-type]
    store.add([new(lane) for _ in range(120)])
    store.add([new() for _ in range(50)])
    plans = [
        {
            "name": f"w{one}",
            "host": f"h{one % hosts}",
            "room": 5,
            "until": 170,
            "watch": "tests.Limited",
            "reach": most,
            "hold_s": 0.003,
        }
        for one in range(4)
    ]
    taken = run_racers(url, plans)
    assert sum(len(racer["taken"]) for racer in taken) == 170
    seen = max(racer["most_running"] for racer in taken)
    assert seen == most


def test_entering_an_equal_job_by_many_at_once(store: JobStore, url: str) -> None:
    answers = run_racers(url, [{"enter_equal": 60} for _ in range(4)])
    winners = Counter(key for answer in answers for key in answer["won"])
    assert winners == Counter({str(key): 1 for key in range(60)})
    assert store.count() == 60


def test_needs_that_are_met_at_the_same_time(open_queue: Open) -> None:
    """Two transactions that each see the other's job as open must not both leave the dependent behind."""
    store, other = open_queue(), open_queue()
    one, two = worker(store, "one"), worker(other, "two")
    with ThreadPoolExecutor(2) as pool:
        for _ in range(30):
            a, b = store.add([new(), new()])
            (late,) = store.add([new(needs=(a, b))])
            first, second = take(store, one)[0], take(other, two)[0]
            ended = [pool.submit(end, store, one, first), pool.submit(end, other, two, second)]
            assert [future.result() for future in ended] == [[], []]
            (claim,) = take(store, one)
            assert claim.id == late
            end(store, one, claim)


def test_entering_what_needs_a_job_that_is_just_ending(open_queue: Open) -> None:
    store, other = open_queue(), open_queue()
    uid = worker(store)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(30):
            (first,) = store.add([new()])
            (claim,) = take(store, uid)
            ended = pool.submit(end, store, uid, claim)
            (late,) = other.add([new(needs=(first,))])
            assert ended.result() == []
            (claim,) = take(store, uid)
            assert claim.id == late
            end(store, uid, claim)


def test_a_program_that_is_killed_in_the_midst_leaves_nothing_half_done(store: JobStore, url: str) -> None:
    for moment in (0.0, 0.02, 0.05, 0.09):
        racer = subprocess.Popen(
            [sys.executable, PROGRAM, url, json.dumps({"enter_forever": 50})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert racer.stdout is not None
        assert racer.stdin is not None
        racer.stdout.readline()
        racer.stdin.write(b"go\n")
        racer.stdin.flush()
        racer.stdout.readline()
        before = store.count()
        eventually(lambda before=before: store.count() > before)  # type: ignore[misc]
        time.sleep(moment)
        racer.kill()
        racer.communicate()
    uid = store.register("w", "h", 1, 1, 600.0)
    taken: set[int] = set()

    def have_taken_all() -> bool:  # a server may still be at what the last one has asked for
        taken.update(claim.id for claim in store.turn(uid, room=500).claimed)
        return len(taken) == store.count()

    eventually(have_taken_all)
    assert len(taken) >= 4 * 50
    assert len(taken) % 50 == 0
