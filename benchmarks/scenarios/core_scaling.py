"""The scheduler's core alone, on a simulated clock: does a task cost more when there are many of them?"""

from __future__ import annotations

import gc
import heapq
import math
import random
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, bound
from gangline._core.commands import Command, Dispatch, Succeed
from gangline._core.machine import on_engine_joined, on_finished, on_submitted, on_tick
from gangline._core.state import CoreState
from gangline._core.task import Task
from gangline.messages import PLAIN, Attempt, Dependency, EngineId, EngineInfo, Status, TaskId, Terms

TASKS_PER_ENGINE = 100
LAYERS = 10
"""A tenth of the tasks waits for nothing, each other tenth for the one before, whatever the size."""

BATCH = 1_000
"""How many tasks are submitted at once."""

NEIGHBOURS = 100
"""A task's parents are among as many of the layer before: as in most programs, they are near one another."""

SMALL, LARGE = 10_000, 1_000_000
PARENTS = 3
MEDIAN_S, SIGMA = 0.1, 1.0


class Load(NamedTuple):
    """What the tasks carry: nothing."""

    kind: int
    size_bytes: int


def tasks_of(shape: str, size: int) -> Iterator[list[Task]]:
    """The tasks in batches: `plain` ones, or a `graph` of layers in which each is after three of the layer before."""
    random_ = random.Random(20)
    load = Load(1, 100)
    width = size // LAYERS
    for first in range(0, size, BATCH):
        batch = []
        for number in range(first, min(first + BATCH, size)):
            terms = PLAIN
            if shape == "graph" and number >= width:
                start = number - width - number % NEIGHBOURS
                parents = frozenset(TaskId(start + random_.randrange(NEIGHBOURS)) for _ in range(PARENTS))
                terms = Terms(after=Dependency(parents))
            batch.append(Task(TaskId(number), load, terms))
        yield batch


class Simulation:
    """Engines on a simulated clock, and a stopwatch that runs in the core only.

    Attributes:
        core_s: How long the core has worked.
        ended: How many tasks have ended.
    """

    def __init__(self, engines: int) -> None:
        self._state = CoreState()
        random_ = random.Random(20)
        self._durations_s = [random_.lognormvariate(math.log(MEDIAN_S), SIGMA) for _ in range(10_007)]
        self._now = 0.0
        self._free_at = [0.0] * engines
        self._due: list[tuple[float, int, Dispatch, float]] = []
        self._sent = 0
        self.core_s = 0.0
        self.ended = 0
        for number in range(engines):
            info = EngineInfo(
                f"{number:032x}", f"host{number // 100}", number, f"host{number // 100}", {"cores": 100.0}
            )
            on_engine_joined(self._state, EngineId(number), info, 0.0)

    def submit(self, tasks: Sequence[Task]) -> None:
        """Let the core have new tasks."""
        begun = time.perf_counter()
        commands = on_submitted(self._state, tasks, self._now)
        self.core_s += time.perf_counter() - begun
        self._carry_out(commands)

    def run(self) -> None:
        """Let the engines work until nothing is left."""
        while self._due:
            self._now, _, sent, started_at = heapq.heappop(self._due)
            attempts = self._attempts(sent, started_at)
            begun = time.perf_counter()
            commands = on_finished(self._state, sent.engine, attempts, self._now)
            more = on_tick(self._state, self._now)
            self.core_s += time.perf_counter() - begun
            self._carry_out(commands)
            self._carry_out(more)

    def _carry_out(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if isinstance(command, Dispatch):
                self._send(command)
            elif isinstance(command, Succeed):
                self.ended += len(command.tasks)

    def _send(self, command: Dispatch) -> None:
        """The engine runs the batch after what it has, and reports when it is through."""
        engine = command.engine
        started_at = max(self._now, self._free_at[engine])
        takes_s = sum(self._durations_s[task.id % len(self._durations_s)] for task in command.tasks)
        self._free_at[engine] = started_at + takes_s
        self._sent += 1
        heapq.heappush(self._due, (started_at + takes_s, self._sent, command, started_at))

    def _attempts(self, command: Dispatch, started_at: float) -> list[Attempt]:
        """What the engine reports; made when it does, as if just received."""
        attempts = []
        for task in command.tasks:
            ended_at = started_at + self._durations_s[task.id % len(self._durations_s)]
            attempts.append(Attempt(task.id, Status.OK, None, started_at, ended_at, None))
            started_at = ended_at
        return attempts


def measure_cost(shape: str, repetitions: int, size: int) -> Figure:
    """Seconds in the core per task, from submission to end, with all tasks submitted before the first ends.

    The garbage collector is off, as in `timeit`: what it takes depends on all objects of a program.
    """
    costs = []
    for _ in range(repetitions):
        gc.collect()
        gc.disable()
        simulation = Simulation(size // TASKS_PER_ENGINE)
        for batch in tasks_of(shape, size):
            simulation.submit(batch)
        simulation.run()
        assert simulation.ended == size
        costs.append(simulation.core_s / size)
        gc.enable()
    return Figure(min(costs))


def measure_memory(shape: str, size: int) -> Figure:
    """Bytes per task that waits, everything counted that the core keeps and the task itself."""
    simulation = Simulation(size // TASKS_PER_ENGINE)
    gc.collect()
    tracemalloc.start()
    for batch in tasks_of(shape, size):
        simulation.submit(batch)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    return Figure(used / size)


def _cost_scenario(shape: str, what: str) -> Scenario:
    small = f"{SMALL:,} on {SMALL // TASKS_PER_ENGINE:,}"
    return Scenario(
        scaled=False,
        name=f"core_{shape}",
        title=f"core alone, simulated: {LARGE:,} {what} on {LARGE // TASKS_PER_ENGINE:,} engines, against {small}",
        unit=Unit.MICROSECONDS,
        contenders=(
            Contender(GANGLINE, partial(measure_cost, shape, 1), LARGE, LARGE // 10),
            Contender(small, partial(measure_cost, shape, 10), SMALL, SMALL),
        ),
        targets=(Target(small, 0.8),),
        note=f"Cost per task. All are submitted first ({BATCH:,} at once), so all are alive together; "
        f"log-normal, {MEDIAN_S:g} s median. The garbage collector is off. At least 0.8: it grows by less than 25 %.",
    )


PLAIN_COST = _cost_scenario("plain", "plain tasks")
GRAPH_COST = _cost_scenario("graph", f"tasks with {PARENTS} dependencies each")

LIMIT = "2 KB, the limit"
MEMORY = Scenario(
    name="core_memory",
    title="core alone: memory per live task, plain",
    unit=Unit.BYTES,
    contenders=(Contender(GANGLINE, partial(measure_memory, "plain"), 100_000, 100_000), bound(LIMIT, 2048)),
    targets=(Target(LIMIT, 1),),
    repetitions=1,
)
GRAPH_MEMORY = Scenario(
    name="core_memory_graph",
    title=f"core alone: memory per live task, {PARENTS} dependencies each",
    unit=Unit.BYTES,
    contenders=(Contender(GANGLINE, partial(measure_memory, "graph"), 100_000, 100_000), bound(LIMIT, 2048)),
    targets=(Target(LIMIT, 1),),
    repetitions=1,
)
