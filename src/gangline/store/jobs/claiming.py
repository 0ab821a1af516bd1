"""Who may take which jobs, as far as it does not depend on how the database is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge

from gangline.store.jobs.port import Lane

__all__ = ["Allowance", "choose", "is_open", "limited"]

Head = tuple[int, int, int]
"""A ready job: (minus its priority, its id, its lane). The least is the next."""


def limited(lane: Lane) -> bool:
    """Whether only so many jobs of it may run."""
    return lane.max_parallel is not None or lane.max_parallel_total is not None


def is_open(lane: Lane, worker: str, host: str, paused: Iterable[tuple[str, str]], *, forced_only: bool) -> bool:
    """Whether a worker may take jobs of a lane at all."""
    if lane.workers and worker not in lane.workers:
        return False
    if forced_only and not lane.force:
        return False
    return not any(
        scope == "queue" or (scope == "host" and name == host) or (scope == "class" and name == lane.name)
        for scope, name in paused
    )


class Allowance:
    """How many jobs a turn may take yet.

    Args:
        room: How many can start at once.
        ahead: Of these classes so many may be taken instead, to lie at hand.
        running: How many of a class run now, by host.
        host: Where the worker is.
    """

    def __init__(
        self, room: int, ahead: Mapping[str, int], running: Callable[[str], Mapping[str, int]], host: str
    ) -> None:  # fmt: skip
        self._room = room
        self._total = max([room, *ahead.values()])
        self._ahead = dict(ahead)
        self._running = running
        self._host = host
        self._counts: dict[str, tuple[int, int]] = {}

    @property
    def total(self) -> int:
        """At most so many more."""
        return max(0, self._total)

    def most(self, lane: Lane) -> int:
        """At most so many more of this lane."""
        own = self._ahead.get(lane.name, self._room) if not limited(lane) else min(self._room, self._free(lane))
        return max(0, min(self._total, own))

    def take(self, lane: Lane) -> None:
        """One is taken."""
        self._total -= 1
        if limited(lane) or lane.name not in self._ahead:
            self._room -= 1
        else:
            self._ahead[lane.name] -= 1
        if lane.name in self._counts:
            here, total = self._counts[lane.name]
            self._counts[lane.name] = (here + 1, total + 1)

    def _free(self, lane: Lane) -> int:
        if lane.name not in self._counts:
            running = self._running(lane.name)
            self._counts[lane.name] = (running.get(self._host, 0), sum(running.values()))
        here, total = self._counts[lane.name]
        return min(
            self._room if lane.max_parallel is None else lane.max_parallel - here,
            self._room if lane.max_parallel_total is None else lane.max_parallel_total - total,
        )


def choose(
    heads: Mapping[int, Callable[[int], Iterator[Head]]], lanes: Mapping[int, Lane], allowance: Allowance
) -> list[int]:  # fmt: skip
    """The ids of the jobs that are taken, best first.

    Args:
        heads: For each open lane a function that yields at most so many ready jobs of it, in order.
        lanes: What the lanes are.
        allowance: How many may be taken.
    """
    sources = [heads[lane](most) for lane in heads if (most := allowance.most(lanes[lane])) > 0]
    chosen: list[int] = []
    for _, job, lane in merge(*sources):
        if allowance.most(lanes[lane]) > 0:
            chosen.append(job)
            allowance.take(lanes[lane])
            if allowance.total == 0:
                break
    return chosen
