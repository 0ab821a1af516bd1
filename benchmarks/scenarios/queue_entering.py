"""Entering jobs into a queue that nobody works on."""

from __future__ import annotations

from functools import partial

from benchmarks.queues.marks import Marks
from benchmarks.queues.systems import POSTGRES, SQLITE, SYSTEMS, folder_on_disk
from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, bound, seconds

ONE_BY_ONE, BULK, PEERS_BULK = 5_000, 200_000, 10_000
LIMIT = "100,000/s, the limit"


def measure(name: str, bulk: bool, size: int) -> Figure:
    """Seconds by job."""
    with folder_on_disk() as folder, SYSTEMS[name]() as system:
        Marks(folder, size)

        def one_by_one() -> None:
            for number in range(size):
                system.enqueue(number)

        numbers = range(size)
        return Figure(seconds(partial(system.enqueue_many, numbers) if bulk else one_by_one) / size)


def _one_by_one(name: str, where: str, ours: str, peers: tuple[str, ...], targets: tuple[Target, ...]) -> Scenario:
    return Scenario(
        name=f"queue_entering_{name}",
        title=f"entering {ONE_BY_ONE:,} jobs one by one, {where}",
        unit=Unit.MICROSECONDS,
        contenders=(
            Contender(GANGLINE, partial(measure, ours, False), ONE_BY_ONE, ONE_BY_ONE // 5),
            *(Contender(peer, partial(measure, peer, False), ONE_BY_ONE // 2, ONE_BY_ONE // 5) for peer in peers),
        ),
        targets=targets,
        typical=True,
        note="Cost by job.",
    )


def _bulk(name: str, where: str, ours: str, peers: tuple[str, ...]) -> Scenario:
    return Scenario(
        name=f"queue_bulk_{name}",
        title=f"entering {BULK:,} jobs at once, {where}",
        unit=Unit.MICROSECONDS,
        contenders=(
            Contender(GANGLINE, partial(measure, ours, True), BULK, BULK),
            bound(LIMIT, 1e-5),
            *(Contender(peer, partial(measure, peer, True), PEERS_BULK, PEERS_BULK) for peer in peers),
        ),
        targets=(Target(LIMIT, 1),),
        typical=True,
        note="Cost by job.",
    )


SCENARIOS = (
    _one_by_one("sqlite", "SQLite", SQLITE, ("huey",), (Target("huey", 3),)),
    _one_by_one("postgres", "PostgreSQL", POSTGRES, ("pgqueuer", "procrastinate", "Celery + Redis"), ()),
    _bulk("sqlite", "SQLite", SQLITE, ()),
    _bulk("postgres", "PostgreSQL", POSTGRES, ("pgqueuer", "procrastinate")),
)
