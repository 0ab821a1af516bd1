"""Does a queue get slower by its length, or by the number of its workers? How soon is the work of a dead one redone?"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import closing
from functools import partial
from typing import Any

from benchmarks.queues.marks import Marks
from benchmarks.queues.systems import POSTGRES, SQLITE, SYSTEMS, System, folder_on_disk
from benchmarks.queues.workers import Workers, running, stood_still, warm
from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, bound

FEW, MANY = 100, 1_000_000
CLAIMS = 200
WAIT_S = 0.05
JOBS_EACH = 100
WORKERS = (1, 2, 4, 8, 16)
LEASE_S, GRACE_S = 10.0, 2.0
STORES = {"sqlite": ("SQLite", SQLITE), "postgres": ("PostgreSQL", POSTGRES)}


def measure_claim(name: str, pending: int, most: int) -> Figure:
    """Seconds of one turn at the store, the median of some: one job ends, the next one is claimed.

    Args:
        name: Whose.
        pending: How many jobs are in the queue that is measured.
        most: A queue with so many, and one with few, lie side by side and have their turns alternately. So the disk,
            which has just taken in the large one, is as busy for the small one.
    """
    with SYSTEMS[name]() as system:
        beside = "?schema=few" if name == POSTGRES else ".few"
        costs: dict[int, list[float]] = {}
        with closing(Turns(system.url, most)) as large, closing(Turns(f"{system.url}{beside}", FEW)) as small:
            for _ in range(CLAIMS):
                for turns in (large, small):
                    costs.setdefault(turns.pending, []).append(turns.take())
    return Figure(sorted(costs[pending])[CLAIMS // 2])


class Turns:
    """A worker at a queue in which so many jobs are pending all the time.

    Args:
        url: The queue.
        pending: How many.
    """

    def __init__(self, url: str, pending: int) -> None:
        from benchmarks.queues.jobs.for_gangline import Mark
        from gangline.queue import Queue

        self.pending = pending
        self._queue = Queue(url)
        self._class = Mark
        self._entered = 0
        for first in range(0, pending, 100_000):
            self._enter(min(100_000, pending - first))
        self._store = self._queue.database
        self._worker = self._store.register("bench", "bench", os.getpid(), 1, 3600.0)
        self._endings: list[Any] = []

    def _enter(self, count: int) -> None:
        first, self._entered = self._entered, self._entered + count
        self._queue.enqueue_many(self._class, [{"number": number} for number in range(first, self._entered)])

    def take(self) -> float:
        """Seconds of a turn."""
        from gangline.store.jobs.port import Ending

        begun = time.perf_counter()
        (claim,) = self._store.turn(self._worker, self._endings, room=1).claimed
        cost = time.perf_counter() - begun
        self._endings = [Ending(claim.id, claim.fence, "complete", runtime_s=0.001)]
        self._enter(1)
        return cost

    def close(self) -> None:
        """End it."""
        self._queue.close()


def measure_scaling(name: str, workers: int, each: int) -> Figure:
    """Seconds by job and worker, when each worker has so many jobs to do that wait."""
    size = workers * each
    with folder_on_disk() as folder, SYSTEMS[name]() as system:
        from benchmarks.queues.jobs.for_gangline import Wait
        from gangline.queue import Queue

        marks = Marks(folder, size)
        with Queue(system.url) as queue, warm(system, workers, marks) as processes:
            queue.enqueue_many(
                Wait, [{"number": number, "seconds": WAIT_S} for number in range(min(size, 3 * workers))]
            )
            _until_empty(system)
            marks.clear()
            with stood_still(processes):
                jobs = [{"number": number, "seconds": WAIT_S} for number in range(size)]
                queue.enqueue_many(Wait, jobs)
                begun = time.time()
            marks.wait_all()
            return Figure((marks.last_at() + WAIT_S - begun) * workers / size)


def _until_empty(system: System) -> None:
    while system.left():
        time.sleep(0.02)


def measure_recovery(name: str, size: int) -> Figure:
    """Seconds from the death of a worker until its jobs run again, on another one."""
    with folder_on_disk() as folder, SYSTEMS[name]() as system:
        from benchmarks.queues.jobs.for_gangline import Hang
        from gangline.queue import Queue

        marks = Marks(folder, size)
        command = [sys.executable, "-m", "gangline", "worker", "--queue", system.url, "--slots", str(size)]
        with Queue(system.url) as queue:
            queue.enqueue_many(Hang, [{"number": number} for number in range(size)])
            victim = Workers([command])
            try:
                for number in range(size):
                    marks.wait(number, timeout_s=30)
                with running(system, 1):
                    time.sleep(3)
                    os.kill(victim.processes[0].pid, signal.SIGKILL)
                    died_at = time.time()
                    for number in range(size):
                        marks.wait(number, runs=2, timeout_s=60)
            finally:
                victim.end()
        return Figure(marks.last_at() - died_at)


def _claiming(store: str, where: str, ours: str) -> Scenario:
    few = f"{FEW} pending"
    return Scenario(
        name=f"queue_claiming_{store}",
        title=f"ending a job and claiming the next with {MANY:,} pending, against {FEW}, {where}",
        unit=Unit.MICROSECONDS,
        contenders=(
            Contender(GANGLINE, partial(measure_claim, ours, MANY), MANY, MANY),
            Contender(few, partial(measure_claim, ours, FEW), MANY, MANY),
        ),
        targets=(Target(few, 0.8),),
        repetitions=1,
        typical=True,
        note="At least 0.8: within 25 %.",
        scaled=False,
    )


def _scaling(store: str, where: str, ours: str) -> Scenario:
    one = "1 worker"
    return Scenario(
        name=f"queue_workers_{store}",
        title=f"{WORKERS[-1]} workers, jobs that wait {WAIT_S * 1000:g} ms, {where}",
        unit=Unit.MILLISECONDS,
        contenders=(
            Contender(GANGLINE, partial(measure_scaling, ours, WORKERS[-1]), JOBS_EACH, JOBS_EACH // 2),
            *(
                Contender(
                    f"{count} worker{'s' * (count > 1)}",
                    partial(measure_scaling, ours, count),
                    JOBS_EACH,
                    JOBS_EACH // 2,
                )
                for count in reversed(WORKERS[:-1])
            ),
        ),
        targets=(Target(one, 0.95),),
        repetitions=1,
        note=f"Time by job and worker; {JOBS_EACH} jobs for each worker. At least 0.95 of one worker: 95 % of linear.",
    )


def _recovery(store: str, where: str, ours: str) -> Scenario:
    limit = f"lease of {LEASE_S:g} s + {GRACE_S:g} s, the limit"
    return Scenario(
        name=f"queue_recovery_{store}",
        title=f"after kill -9 of a worker until its 4 jobs run again, {where}",
        unit=Unit.MILLISECONDS,
        contenders=(Contender(GANGLINE, partial(measure_recovery, ours), 4, 4), bound(limit, LEASE_S + GRACE_S)),
        targets=(Target(limit, 1),),
        repetitions=1,
        note="The other worker has one slot.",
        scaled=False,
    )


SCENARIOS = tuple(
    make(store, where, ours) for make in (_claiming, _scaling, _recovery) for store, (where, ours) in STORES.items()
)
