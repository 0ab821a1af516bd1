"""One client and many engines on a simulated clock: the scheduler's real core, and a client that needs time.

The client is one processor. Submissions, and what engines report, wait until it is free; what it sends leaves when
it has done its part, and takes its way. The runtime around the core is not played, since it reads this machine's
clock: what it costs is in the measured `Costs`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from gangline._core.task import Task
from gangline.messages import PLAIN, EngineId
from gangline.testing.simulator import SimulatedEngine, Simulator, Span, Work

_SUBMIT_MAX = 1_000
_SPREAD = 0.3


class Costs(NamedTuple):
    """What a client needs.

    Attributes:
        submit_s: Processor time to submit a task.
        task_s: To send a task among many, and to take in its result.
        exchange_s: What it costs in addition that something is sent, and that something is reported.
        byte_s: To move one byte.
        way_s: From the client to an engine, and back again as long.
        link_bytes_per_s: What the client's network carries.
    """

    submit_s: float
    task_s: float
    exchange_s: float
    byte_s: float = 0.0
    way_s: float = 0.0001
    link_bytes_per_s: float = 125e6

    @property
    def lone_s(self) -> float:
        """Processor time for a task that travels alone."""
        return self.submit_s + self.task_s + self.exchange_s


class Load(NamedTuple):
    """What there is to do.

    Attributes:
        engines: How many there are.
        task_s: How long a task takes in the mean; log-normal.
        result_bytes: How large its result is.
    """

    engines: int
    task_s: float
    result_bytes: int = 0


class Reached(NamedTuple):
    """How it went, while there was always more to do.

    Attributes:
        efficiency: The part of their time that engines were at work.
        tasks_per_s: How many tasks ended in a second.
        client_share: The part of its time that the client was at work.
    """

    efficiency: float
    tasks_per_s: float
    client_share: float


class _Client(Simulator):
    """A simulator whose scheduler takes time, and whose engines are some way off."""

    def __init__(self, load: Load, costs: Costs, seed: int) -> None:
        super().__init__(kept=False, seed=seed)
        self._load = load
        self._costs = costs
        self._random = Random(seed)
        self._mean = math.log(load.task_s) - _SPREAD**2 / 2
        self._inbox: deque[Callable[[], None]] = deque()
        self._working = False
        self._spent = 0.0
        self._link_free_at = 0.0
        self._lacking = 0
        self.ended = 0
        self.worked_s = 0.0
        self.measured_from = 0.0
        self.busy_s = 0.0

    # The client ---------------------------------------------------------------------------------------------------

    def want(self, count: int) -> None:
        """Submit more tasks as soon as the client comes to it."""
        self._lacking += count
        while self._lacking >= _SUBMIT_MAX or (self._lacking and not self._inbox):
            size = min(self._lacking, _SUBMIT_MAX)
            self._lacking -= size
            self._come(lambda size=size: self._submit(size))  # type: ignore[misc]

    def _submit(self, count: int) -> None:
        self._spent += count * self._costs.submit_s
        self.submit_many([(Work(self._random.lognormvariate(self._mean, _SPREAD)), PLAIN) for _ in range(count)])

    def _come(self, what: Callable[[], None]) -> None:
        self._inbox.append(what)
        if not self._working:
            self._turn()

    def _turn(self) -> None:
        self._working = bool(self._inbox)
        if self._working:
            now = self.clock.monotonic()
            self._spent = 0.0
            self._inbox.popleft()()
            self.worked_s += self._spent
            self.at(now + self._spent, self._turn)

    # The way to the engines, and back -------------------------------------------------------------------------------

    def send(self, engine_id: EngineId, tasks: Sequence[Task]) -> None:
        """What the core sends leaves when the client has packed it."""
        self._spent += self._costs.exchange_s / 2 + len(tasks) * self._costs.task_s / 2
        arrives_at = self.clock.monotonic() + self._spent + self._costs.way_s
        self.at(arrives_at, lambda: Simulator.send(self, engine_id, tasks))

    def report(self, engine: SimulatedEngine, done: Sequence[Span]) -> None:
        """What an engine reports comes over the client's link, and is taken in when the client is free."""
        now, size = self.clock.monotonic(), len(done) * self._load.result_bytes
        self.busy_s += sum(end - max(start, self.measured_from) for _, start, end in done if end > self.measured_from)
        self._link_free_at = max(now, self._link_free_at) + size / self._costs.link_bytes_per_s
        self.at(self._link_free_at + self._costs.way_s, lambda: self._come(lambda: self._take_in(engine, done, size)))

    def _take_in(self, engine: SimulatedEngine, done: Sequence[Span], size: int) -> None:
        costs = self._costs
        self._spent += costs.exchange_s / 2 + len(done) * costs.task_s / 2 + size * costs.byte_s
        super().report(engine, done)
        self.ended += len(done)
        self.want(len(done))

    def measure_from_now(self) -> None:
        """What was before does not count."""
        self.measured_from = self.clock.monotonic()
        self.busy_s = self.worked_s = 0.0

    def under_way_s(self) -> float:
        """How long engines have worked on what they have not reported."""
        now, since = self.clock.monotonic(), self.measured_from
        spans = [span for engine in self.engines for span in engine.group]
        return sum(max(0.0, min(end, now) - max(start, since)) for _, start, end in spans)


def play(load: Load, costs: Costs, *, tasks: int | None = None, seed: int = 1) -> Reached:
    """Have engines work while there is always more to do than they can.

    Args:
        load: What there is to do.
        costs: What the client needs.
        tasks: How many end; None is as many as show where it leads to.
        seed: For the lengths of tasks.
    """
    if tasks is None:
        tasks = min(max(4_000, 8 * load.engines), 10_000 + 2 * load.engines)
    client = _Client(load, costs, seed)
    client.add_engines(load.engines)
    client.want(2 * load.engines + 2_000)
    client.run_while(lambda: client.ended < tasks // 2)
    client.measure_from_now()
    client.run_while(lambda: client.ended < tasks)
    elapsed_s = client.clock.monotonic() - client.measured_from
    busy_s = client.busy_s + client.under_way_s()
    efficiency = min(1.0, busy_s / elapsed_s / load.engines)
    return Reached(efficiency, efficiency * load.engines / load.task_s, min(1.0, client.worked_s / elapsed_s))
