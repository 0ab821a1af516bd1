"""From entering a job to its start, while the workers have nothing else to do; and what they use meanwhile."""

from __future__ import annotations

import os
import random
import time
from functools import partial
from pathlib import Path

from benchmarks.queues.marks import Marks
from benchmarks.queues.systems import POSTGRES, SQLITE, SYSTEMS, folder_on_disk
from benchmarks.queues.workers import warm
from benchmarks.scenario import ENGINES, GANGLINE, Contender, Figure, Scenario, Target, Unit, bound

JOBS = 200
PAUSES_S = (0.01, 0.05)
IDLE_S = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(name: str, part: float, size: int) -> Figure:
    """Seconds from the call that enters a job to its first line; jobs come one at a time, at random moments.

    Args:
        name: Whose.
        part: Which of the times, once they are sorted: 0.5 is the median.
        size: How many jobs.
    """
    random_ = random.Random(20)
    with folder_on_disk() as folder, SYSTEMS[name]() as system:
        marks = Marks(folder, size)
        with warm(system, ENGINES, marks):
            waits = []
            for number in range(size):
                time.sleep(random_.uniform(*PAUSES_S))
                begun = time.time()
                system.enqueue(number)
                marks.wait(number)
                waits.append(marks.at(number) - begun)
    return Figure(sorted(waits)[min(int(part * size), size - 1)])


def measure_idle(name: str, seconds: int) -> Figure:
    """Processor seconds that two workers use in a second without jobs, and the server as far as it is theirs."""
    with folder_on_disk() as folder, SYSTEMS[name]() as system:
        marks = Marks(folder, 200)
        with warm(system, ENGINES, marks) as workers:
            processes = [*workers.tree(), *_servers(system.url)]
            time.sleep(1)
            before = sum(map(_used_s, processes))
            time.sleep(seconds)
            return Figure((sum(map(_used_s, processes)) - before) / seconds / ENGINES)


def _servers(url: str) -> list[int]:
    """The processes of the PostgreSQL that a URL names."""
    if not url.startswith("postgresql:"):
        return []
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE pid != pg_backend_pid()").fetchall()
    return [row[0] for row in rows]


def _used_s(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _scenario(
    store: str, where: str, ours: str, peers: tuple[str, ...], which: str, part: float, limit_s: float
) -> Scenario:
    limit = f"{limit_s * 1000:g} ms, the limit"
    return Scenario(
        name=f"queue_latency_{store}_{which}",
        title=f"from entering a job to its start, idle, {where}, {which} of {JOBS}",
        unit=Unit.MILLISECONDS,
        contenders=(
            Contender(GANGLINE, partial(measure, ours, part), JOBS, JOBS),
            bound(limit, limit_s),
            *(Contender(peer, partial(measure, peer, part), JOBS, JOBS // 2) for peer in peers),
        ),
        targets=(Target(limit, 1),),
        repetitions=3 if len(peers) == 1 else 1,
        typical=True,
        scaled=False,
    )


def _idle(store: str, where: str, ours: str) -> Scenario:
    limit = "1 %, the limit"
    return Scenario(
        name=f"queue_idle_{store}",
        title=f"processor time that an idle worker uses in a second, {where}",
        unit=Unit.MILLISECONDS,
        contenders=(
            Contender(GANGLINE, partial(measure_idle, ours), int(IDLE_S), int(IDLE_S)),
            bound(limit, 0.01),
        ),
        targets=(Target(limit, 1),),
        repetitions=1,
        note="With its engine, and its part of the database server. 10 ms are 1 % of a core.",
        scaled=False,
    )


_ON_POSTGRES = ("procrastinate", "pgqueuer", "Celery + Redis", "dramatiq + Redis")
SCENARIOS = (
    _scenario("sqlite", "SQLite", SQLITE, ("huey",), "median", 0.5, 0.010),
    _scenario("sqlite", "SQLite", SQLITE, ("huey",), "p99", 0.99, 0.040),
    _scenario("postgres", "PostgreSQL", POSTGRES, _ON_POSTGRES, "median", 0.5, 0.004),
    _scenario("postgres", "PostgreSQL", POSTGRES, _ON_POSTGRES, "p99", 0.99, 0.015),
    _idle("sqlite", "SQLite", SQLITE),
    _idle("postgres", "PostgreSQL", POSTGRES),
)
