"""A long night in one process: a million tasks of all sorts on ten thousand engines, of which many die.

Run it with ``python -m gangline.testing.simulation --tasks 1000000 --engines 10000``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from gangline._core.check import check
from gangline.errors import InternalError
from gangline.messages import Dependency, EngineId, Terms
from gangline.testing.simulator import Simulator, Work

_PER_HOST = 16
_WAVES = 50
_CHECKS = 4
_LIMITS = {"database": 50, "licence": 5, "uplink": 500}


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a simulation.

    Attributes:
        tasks: How many were submitted; each of them has ended exactly once.
        endings: How many ended in which way.
        deaths: How many engines died.
        simulated_s: How long it took by the fake clock.
        elapsed_s: How long the computation took.
    """

    tasks: int
    endings: Counter[str]
    deaths: int
    simulated_s: float
    elapsed_s: float

    def __str__(self) -> str:
        endings = ", ".join(f"{name} {count:,}" for name, count in self.endings.most_common())
        return (
            f"{self.tasks:,} tasks in {self.simulated_s:,.1f} simulated seconds, {self.deaths:,} engines died: "
            f"{endings}; {self.elapsed_s:.1f} s, {self.elapsed_s / self.tasks * 1e6:.1f} µs per task"
        )


class _Night:
    """One simulation: waves of submissions, and engines that die and are replaced."""

    def __init__(self, tasks: int, engines: int, seed: int) -> None:
        self.random = Random(seed)
        self.simulator = Simulator(seed=seed, kept=False)
        self.tasks = tasks
        self.submitted = 0
        self.deaths = 0
        self.live: list[tuple[EngineId, str]] = []
        for number in range(engines):
            self._join(f"host{number // _PER_HOST}")
        for name, cap in _LIMITS.items():
            self.simulator.set_limit(name, cap)
        # A wave takes all engines about `pause_s`; one engine in twenty dies over the night.
        self.pause_s = max(0.05, 0.012 * tasks / _WAVES / engines)
        self.death_every_s = self.pause_s * _WAVES / max(20.0, engines / 20)

    def run(self) -> None:
        """Play it to its end.

        Raises:
            InternalError: a task did not end, or ended twice.
        """
        self._wave()
        self.simulator.at(self.death_every_s, self._death)
        self.simulator.run()
        check(self.simulator.state)
        ended = self.simulator.endings.total()
        if ended != self.tasks or self.simulator.state.tasks:
            raise InternalError(f"{ended} of {self.tasks} tasks have ended")

    def _join(self, host: str) -> None:
        self.live.append((self.simulator.add_engine(host, {"cores": float(_PER_HOST), "memory_bytes": 64e9}), host))

    def _wave(self) -> None:
        size = min(self.tasks - self.submitted, -(-self.tasks // _WAVES))
        self.simulator.submit_many(self._task(self.submitted + index) for index in range(size))
        self.submitted += size
        if self.submitted < self.tasks:
            self.simulator.at(self.simulator.clock.monotonic() + self.pause_s, self._wave)
        if self.submitted % (self.tasks // _CHECKS) < size:
            check(self.simulator.state)

    def _death(self) -> None:
        index = self.random.randrange(len(self.live))
        self.live[index], self.live[-1] = self.live[-1], self.live[index]
        engine, host = self.live.pop()
        self.simulator.lose_engine(engine)
        self.deaths += 1
        now = self.simulator.clock.monotonic()
        self.simulator.at(now + 10 * self.death_every_s, lambda: self._join(host))
        if self.simulator.state.tasks or self.submitted < self.tasks:
            self.simulator.at(now + self.death_every_s, self._death)

    def _task(self, number: int) -> tuple[Work, Terms]:
        duration_s = min(1.0, self.random.lognormvariate(-6.0, 1.5))
        fails, terms = 0, _PLAIN
        chance = self.random.random()
        if chance < 0.25:
            make = _SORTS[int(chance * 4 * len(_SORTS))]
            terms = make(self, number)
            fails = self.random.choice((0, 1, 1, 2, 5)) if terms.retries else 0
        elif chance < 0.26:
            fails = 1
        return Work(duration_s, int(chance * 100), fails), terms

    def earlier(self, number: int, count: int) -> frozenset[int]:
        """Numbers of tasks that were submitted not long before."""
        return frozenset(max(0, number - 1 - self.random.randrange(5000)) for _ in range(count))

    def some_engines(self, count: int) -> frozenset[EngineId]:
        """Live engines, drawn."""
        return frozenset(self.random.choice(self.live)[0] for _ in range(count))


_PLAIN = Terms()
_RETRIED = Terms(retries=3)
_DELAYED = Terms(retries=3, retry_delay_s=0.01, retry_backoff=2.0)
_URGENT = tuple(Terms(priority=priority) for priority in (-1, 1, 2))
_LIMITED = tuple(Terms(limits=(name,)) for name in _LIMITS)
_NEEDY = tuple(Terms(resources=(("cores", cores), ("memory_bytes", 4e9 * cores))) for cores in (1.0, 2.0, 8.0))
_BOUNDED = Terms(time_limit_s=0.3)
_HURRIED = Terms(timeout_s=600.0)


def _after(night: _Night, number: int) -> Terms:
    ids = frozenset(night.earlier(number, 3)) if number else frozenset()
    return Terms(after=Dependency(ids, all=night.random.random() < 0.8, failure=True))  # type: ignore[arg-type]


def _follow(night: _Night, number: int) -> Terms:
    ids = frozenset(night.earlier(number, 2)) if number else frozenset()
    return Terms(follow=Dependency(ids, all=False, failure=True))  # type: ignore[arg-type]


_SORTS: tuple[Callable[[_Night, int], Terms], ...] = (
    _after,
    _after,
    _follow,
    lambda night, _: Terms(targets=night.some_engines(4)),
    lambda _, __: _RETRIED,
    lambda _, __: _DELAYED,
    lambda night, _: night.random.choice(_URGENT),
    lambda night, _: night.random.choice(_LIMITED),
    lambda night, _: night.random.choice(_NEEDY),
    lambda night, _: night.random.choice((_BOUNDED, _HURRIED)),
)


def simulate(tasks: int, engines: int, *, seed: int = 0) -> Summary:
    """Run mixed tasks on simulated engines that die, and see each of them end exactly once.

    Raises:
        InternalError: a task did not end, or ended twice.
    """
    begun = time.perf_counter()
    night = _Night(tasks, engines, seed)
    night.run()
    elapsed_s = time.perf_counter() - begun
    return Summary(tasks, night.simulator.endings, night.deaths, night.simulator.clock.monotonic(), elapsed_s)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=simulate.__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--engines", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    sys.stdout.write(f"{simulate(arguments.tasks, arguments.engines, seed=arguments.seed)}\n")


if __name__ == "__main__":
    main()
