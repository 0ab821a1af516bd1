"""Tasks in a relay whose arguments are not all there: they wait until these have been fetched, and then go on.

Rules:
- An engine gets its tasks in the order in which they were sent, so those behind one that waits do too.
- A task that waits has not begun: it can be taken back, and when its engine dies it goes elsewhere.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gangline.backends.calls import Call
from gangline.messages import EngineId, TaskId

__all__ = ["Gathering"]

Batch = list[tuple[TaskId, Call]]


@dataclass(eq=False, slots=True)
class _Incomplete:
    """A task, and what fetches what it needs."""

    task: TaskId
    complete: Callable[[], Awaitable[Call]]


class Gathering:
    """The queues of a relay's engines, as far as there is anything to wait for.

    Args:
        send: Sends tasks to an engine.
        fail: Told of a task that cannot be made complete, and why.
    """

    def __init__(
        self,
        send: Callable[[EngineId, Batch], None],
        fail: Callable[[EngineId, TaskId, Exception], None],
    ) -> None:
        self._send = send
        self._fail = fail
        self._queues: dict[EngineId, deque[_Incomplete | Batch]] = {}
        self._movers: dict[EngineId, asyncio.Task[None]] = {}

    @property
    def waits(self) -> bool:
        """Whether there is any task."""
        return bool(self._queues)

    def put(self, engine: EngineId, batch: Batch) -> None:
        """Send these, but not before what is there."""
        queue = self._queues.get(engine)
        if queue is None:
            self._send(engine, batch)
        else:
            queue.append(batch)

    def put_incomplete(self, engine: EngineId, task: TaskId, complete: Callable[[], Awaitable[Call]]) -> None:
        """Send this one as soon as it is complete."""
        queue = self._queues.get(engine)
        if queue is None:
            queue = self._queues[engine] = deque()
            self._start(engine)
        queue.append(_Incomplete(task, complete))

    def recall(self, engine: EngineId) -> list[TaskId]:
        """Take back all but the first one, for which something is being fetched."""
        queue = self._queues.get(engine)
        if not queue:
            return []
        first, *others = queue
        queue.clear()
        queue.append(first)
        return [task for each in others for task in _tasks(each)]

    def take(self, engine: EngineId, task: TaskId) -> bool:
        """Take one task back, if it is the first one."""
        queue = self._queues.get(engine)
        if not queue or not isinstance(queue[0], _Incomplete) or queue[0].task != task:
            return False
        queue.popleft()
        self._movers.pop(engine).cancel()
        self._start(engine)
        return True

    def drop(self, engine: EngineId) -> None:
        """The engine is gone."""
        if self._queues.pop(engine, None) is not None:
            self._movers.pop(engine).cancel()

    def clear(self) -> None:
        """All is over."""
        for engine in list(self._queues):
            self.drop(engine)

    def _start(self, engine: EngineId) -> None:
        self._movers[engine] = asyncio.get_running_loop().create_task(self._move(engine))

    async def _move(self, engine: EngineId) -> None:
        queue = self._queues[engine]
        while queue:
            first = queue[0]
            if isinstance(first, _Incomplete):
                try:
                    call = await first.complete()
                except Exception as exc:  # a worker that is gone, no memory
                    queue.popleft()
                    self._fail(engine, first.task, exc)
                    continue
                first = [(first.task, call)]
            queue.popleft()
            self._send(engine, first)
        del self._queues[engine], self._movers[engine]


def _tasks(waiting: _Incomplete | Batch) -> list[TaskId]:
    return [waiting.task] if isinstance(waiting, _Incomplete) else [task for task, _ in waiting]
