"""One engine on a Dask worker, as the client sees it, and what it reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gangline.backends.dask import wire
from gangline.backends.dask.link import Link
from gangline.backends.dask.own import OwnWorker
from gangline.backends.dask.wire import Frame
from gangline.backends.incoming import read_output, read_rows
from gangline.backends.place import local_engine
from gangline.messages import (
    BackendEvent,
    EngineId,
    EngineInfo,
    EngineJoined,
    EngineLost,
    Finished,
    Output,
    Returned,
    TaskId,
)

__all__ = ["DaskEngine"]


class _Frames:
    """The large values of one message."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = frames

    def open(self, first: int, count: int, /) -> list[memoryview]:
        """The parts of one of them."""
        return [memoryview(frame) for frame in self._frames[first : first + count]]


class DaskEngine:
    """One engine.

    Args:
        number: Its number.
        link: To its worker, once that can be reached.
        worker: Its worker's process, where that is our own.

    Attributes:
        joined: Whether it has announced itself.
        replace: Whether another one shall take its place when it ends.
        kill_reason: Why it was killed by us.
    """

    def __init__(self, number: EngineId, link: Link | None, worker: OwnWorker | None = None) -> None:
        self.number = number
        self.link = link
        self.worker = worker
        self.joined = False
        self.replace = True
        self.kill_reason = ""
        self._tasks: dict[TaskId, None] = {}  # sent and not heard of since, in that order
        self._shown_logs: dict[TaskId, int] = {}

    @property
    def running(self) -> TaskId | None:
        """The task that runs there, as far as is known here: the first of those that were sent."""
        return next(iter(self._tasks), None)

    def has(self, task: TaskId) -> bool:
        """Whether it was sent this task, and nothing was heard of it since."""
        return task in self._tasks

    @property
    def is_busy(self) -> bool:
        """Whether it was sent anything that is not heard of since."""
        return bool(self._tasks)

    def order(self, verb: int, *arguments: Any) -> None:
        """Send a verb to where the engine is."""
        if self.link is not None:
            self.link.order(verb, self.number, *arguments)

    def on_sent(self, tasks: Sequence[tuple[TaskId, Any]]) -> None:
        """Tasks are on their way there."""
        self._tasks.update(dict.fromkeys([task for task, _ in tasks]))

    def take_in(self, content: tuple[Any, ...], frames: Sequence[Frame]) -> BackendEvent | None:
        """The event that a message of this engine tells of, but for its end."""
        match content:
            case (wire.RESULTS, _, rows):
                attempts = read_rows(rows, _Frames(frames), self._shown_logs)
                for attempt in attempts:
                    self._tasks.pop(attempt.task, None)
                return Finished(self.number, attempts)
            case (wire.KEPT, _, row, relay, sizes):
                assert self.link is not None
                (attempt,) = read_rows([row], _Frames(()), self._shown_logs)
                self._tasks.pop(attempt.task, None)
                return Finished(self.number, [attempt._replace(value=self.link.new_kept(relay, attempt.task, sizes))])
            case (wire.RETURNED, _, tasks):
                for task in tasks:
                    self._tasks.pop(task, None)
                return Returned(self.number, tasks)
            case (wire.OUTPUT, _, task, stream, written):
                if isinstance(written, bytes):
                    written = read_output(task, stream, written, self._shown_logs)
                return None if written is None else Output(self.number, task, stream, written)
            case (wire.JOINED, _, (uuid, host, pid), (pool, offers)):
                self.joined = True
                own = self.worker is not None
                info = local_engine(uuid, pid) if own else EngineInfo(uuid, host, pid, pool, offers)
                return EngineJoined(self.number, info)
        return None

    def lost(self, reason: str, running: frozenset[TaskId] | None = None) -> EngineLost:
        """It is gone.

        Args:
            reason: In words.
            running: The tasks that it had started and not reported; None if nobody can tell any more. Then it may
                have started all that it was sent.
        """
        if not self.joined:
            reason = f"it could not start: {reason}"
        return EngineLost(self.number, reason, frozenset(self._tasks) if running is None else running)
