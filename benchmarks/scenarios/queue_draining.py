"""Draining a queue of jobs that do nothing, with two worker processes."""

from __future__ import annotations

import time
from functools import partial

from benchmarks.queues.marks import Marks
from benchmarks.queues.systems import PGQUEUER, PGQUEUER_LARGE, POSTGRES, SQLITE, SYSTEMS, folder_on_disk
from benchmarks.queues.workers import stood_still, warm
from benchmarks.scenario import ENGINES, GANGLINE, Contender, Figure, Scenario, Target, Unit

JOBS = 10_000


def measure(name: str, size: int) -> Figure:
    """Seconds by job. The workers are warm; they stand still while the queue is filled."""
    with folder_on_disk() as folder, SYSTEMS[name]() as system:
        marks = Marks(folder, size)
        with warm(system, ENGINES, marks) as workers:
            with stood_still(workers):
                system.enqueue_many(range(size))
                begun = time.time()
            marks.wait_all()
            if system.left():
                while system.left():
                    time.sleep(0.005)
                return Figure((time.time() - begun) / size)
        return Figure((marks.last_at() - begun) / size)


NOTE = "Cost by job, until all are recorded as done: they wait when the two workers, which are warm, go on."
ON_SQLITE = Scenario(
    name="queue_draining_sqlite",
    title=f"draining a queue of {JOBS:,} jobs that do nothing, SQLite, 2 workers",
    unit=Unit.MICROSECONDS,
    contenders=(
        Contender(GANGLINE, partial(measure, SQLITE), JOBS, JOBS),
        Contender("huey", partial(measure, "huey"), JOBS, JOBS),
    ),
    targets=(Target("huey", 2.5),),
    typical=True,
    note=NOTE,
)
ON_POSTGRES = Scenario(
    name="queue_draining_postgres",
    title=f"draining a queue of {JOBS:,} jobs that do nothing, PostgreSQL, 2 workers",
    unit=Unit.MICROSECONDS,
    contenders=(
        Contender(GANGLINE, partial(measure, POSTGRES), JOBS, JOBS),
        Contender(PGQUEUER, partial(measure, PGQUEUER), JOBS, JOBS),
        Contender(PGQUEUER_LARGE, partial(measure, PGQUEUER_LARGE), JOBS, JOBS),
        Contender("procrastinate", partial(measure, "procrastinate"), JOBS // 2, JOBS // 5),
        Contender("Celery + Redis", partial(measure, "Celery + Redis"), JOBS, JOBS // 2),
        Contender("dramatiq + Redis", partial(measure, "dramatiq + Redis"), JOBS, JOBS // 2),
    ),
    targets=(Target(PGQUEUER, 1.2), Target("procrastinate", 7), Target("Celery + Redis", 5)),
    typical=True,
    note=f"{NOTE} pgqueuer takes 10 jobs at a time if nothing is said, as in the first row of it.",
)
