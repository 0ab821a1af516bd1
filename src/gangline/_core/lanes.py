"""Where ready tasks wait.

Tasks that may run in just the same places and count against the same limits wait in one lane, first in first out.
There are few lanes, however many tasks there are; an engine with room looks at the heads of those lanes
that are open to it and takes the one of highest priority and, among equals, the earliest.

Rules:
- A lane is registered (in `Lanes.all`, and with the engines that it names) as long as it holds ready tasks.
- A lane's order is by task number: those that come in order stand in a deque, those that come back or are freed late
  in a heap beside it.
- A task that left its lane without being popped (cancelled, timed out, moved) stays behind as a stale entry; `ready`
  counts the others. `head` drops the stale ones that it meets; all go when they are the most, or one was moved, since
  a moved task may come back.
- A lane whose limit is exhausted is parked with that limit, so that no engine looks at it in vain.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from gangline._core.task import NO_ENGINES, Task
from gangline._core.transitions import State
from gangline.messages import EngineId, TaskId


class LaneKey(NamedTuple):
    """What the tasks of one lane have in common.

    `allowed` None is any engine; `prompt` tasks go to idle engines only.
    """

    priority: int
    allowed: frozenset[EngineId] | None
    excluded: frozenset[EngineId]
    limits: tuple[str, ...]
    resources: tuple[tuple[str, float], ...]
    prompt: bool


_STALE_MAX = 64

PLAIN_KEY = LaneKey(0, None, NO_ENGINES, (), (), False)


class Lane:
    """Ready tasks that are alike in where they may run.

    Attributes:
        key: What they have in common.
        tasks: Those that came in order; may hold stale entries.
        late: Those that are older than one that came before them, as a heap; may hold stale entries.
        ready: How many are not stale.
        parked_on: The limit whose exhaustion keeps the lane back, if any.
    """

    __slots__ = ("key", "late", "parked_on", "ready", "tasks")

    def __init__(self, key: LaneKey) -> None:
        self.key = key
        self.tasks: deque[Task] = deque()
        self.late: list[tuple[TaskId, Task]] = []  # numbers first: compared without looking at the tasks
        self.ready = 0
        self.parked_on: str | None = None

    def __repr__(self) -> str:
        return f"<Lane {self.key} {self.ready} ready>"

    def __iter__(self) -> Iterator[Task]:
        return (task for task in (*self.late_tasks(), *self.tasks) if self.holds(task))

    def holds(self, task: Task) -> bool:
        """Whether an entry of this lane is not stale."""
        return task.state is State.READY and (task.detail is None or task.detail.lane is self)

    def late_tasks(self) -> Iterator[Task]:
        """Those in the heap, in no order."""
        return (task for _, task in self.late)

    def append(self, task: Task) -> None:
        """Enter a task in the place of its number."""
        self.ready += 1
        if not self.tasks or self.tasks[-1].id < task.id:
            self.tasks.append(task)
        else:
            heappush(self.late, (task.id, task))

    def head(self) -> Task | None:
        """The first ready task."""
        tasks, late = self.tasks, self.late
        while tasks and not self.holds(tasks[0]):
            tasks.popleft()
        while late and not self.holds(late[0][1]):
            heappop(late)
        if late and (not tasks or late[0][0] < tasks[0].id):
            return late[0][1]
        return tasks[0] if tasks else None

    def drop_stale(self) -> None:
        """Take out every stale entry."""
        self.tasks = deque(task for task in self.tasks if self.holds(task))
        self.late = [entry for entry in self.late if self.holds(entry[1])]
        heapify(self.late)

    def drop_head(self) -> None:
        """Take out what `head` has just returned."""
        if self.late and (not self.tasks or self.late[0][0] < self.tasks[0].id):
            heappop(self.late)
        else:
            self.tasks.popleft()


class Lanes:
    """All lanes that hold ready tasks.

    Attributes:
        plain: The lane of tasks without any restriction; always there.
        all: Every other lane with ready tasks, parked ones included.
        open: Those of them that name no engines and are not parked.
        by_engine: Those that name engines and are not parked, by engine.
        parked: Those that a limit keeps back, by limit.
        unnamed: How many tasks are ready in those lanes, parked or not, that name no engines.
    """

    __slots__ = ("all", "by_engine", "open", "parked", "plain", "unnamed")

    def __init__(self) -> None:
        self.plain = Lane(PLAIN_KEY)
        self.all: dict[LaneKey, Lane] = {}
        self.open: dict[LaneKey, Lane] = {}
        self.by_engine: dict[EngineId, dict[LaneKey, Lane]] = {}
        self.parked: dict[str, dict[LaneKey, Lane]] = {}
        self.unnamed = 0

    @property
    def shared(self) -> int:
        """How many tasks are ready that name no engines, so that they are there for all."""
        return self.plain.ready + self.unnamed

    @property
    def open_to_all(self) -> int:
        """How many of them no limit keeps back."""
        return self.plain.ready + sum(lane.ready for lane in self.open.values())

    def enter(self, task: Task, key: LaneKey) -> Lane:
        """Put a ready task into the lane for `key`."""
        lane = self.plain if key == PLAIN_KEY else self.all.get(key)
        if lane is None:
            lane = self.all[key] = Lane(key)
            self._show(lane)
        self.unnamed += lane is not self.plain and key.allowed is None
        if task.detail is not None:
            task.detail.lane = lane
        lane.append(task)
        return lane

    def leave(self, lane: Lane) -> None:
        """One ready task has left the lane, popped or stale."""
        lane.ready -= 1
        if lane is self.plain:
            return
        self.unnamed -= lane.key.allowed is None
        if not lane.ready:
            del self.all[lane.key]
            self._hide(lane)

    def withdraw(self, task: Task) -> None:
        """A task that waited in a lane has ended, so its entry is stale."""
        lane = task.detail.lane if task.detail is not None and task.detail.lane is not None else self.plain
        self.leave(lane)
        if len(lane.tasks) + len(lane.late) > 2 * lane.ready + _STALE_MAX:
            lane.drop_stale()

    def visible_to(self, engine: EngineId) -> Iterable[Lane]:
        """The lanes other than the plain one that an engine may take from, parked ones left out."""
        own = self.by_engine.get(engine)
        if not own:
            return list(self.open.values())
        return [*self.open.values(), *own.values()]

    def park(self, lane: Lane, limit: str) -> None:
        """No engine need look at the lane until the limit has room."""
        self._hide(lane)
        lane.parked_on = limit
        self.parked.setdefault(limit, {})[lane.key] = lane

    def unpark(self, limit: str) -> list[Lane]:
        """The limit has room: its lanes are looked at again."""
        lanes = list(self.parked.pop(limit, {}).values())
        for lane in lanes:
            lane.parked_on = None
            self._show(lane)
        return lanes

    def _show(self, lane: Lane) -> None:
        if lane.key.allowed is None:
            self.open[lane.key] = lane
            return
        for engine in lane.key.allowed:
            self.by_engine.setdefault(engine, {})[lane.key] = lane

    def _hide(self, lane: Lane) -> None:
        if lane.parked_on is not None:
            parked = self.parked[lane.parked_on]
            del parked[lane.key]
            if not parked:
                del self.parked[lane.parked_on]
            lane.parked_on = None
        elif lane.key.allowed is None:
            del self.open[lane.key]
        else:
            for engine in lane.key.allowed:
                lanes = self.by_engine[engine]
                del lanes[lane.key]
                if not lanes:
                    del self.by_engine[engine]
