"""Engines that are places in the queue of a site's scheduler: each has one job there at a time, which is one task."""

from __future__ import annotations

import os
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gangline.backends.batch.detect import find_system
from gangline.backends.batch.dispatcher import Dispatcher
from gangline.backends.batch.jobs import Job
from gangline.backends.batch.orders import Order, order_of
from gangline.backends.batch.system import BatchSystem
from gangline.errors import UsageError
from gangline.messages import (
    Attempt,
    BackendEvent,
    EngineId,
    EngineInfo,
    EngineJoined,
    EngineLost,
    Finished,
    Payload,
    TaskId,
)
from gangline.ports import Inbox
from gangline.remote.resources import Resources

__all__ = ["BatchBackend"]

_PLACES = 200
_PLENTY = 1e18
"""What a job needs it asks of the scheduler, not of a place in the queue."""
_STOP_S = 5.0


@dataclass(eq=False, slots=True)
class _Place:
    """One engine: a place for a job in the scheduler's queue."""

    engine: EngineId
    uuid: str
    queue: deque[tuple[TaskId, Order]] = field(default_factory=deque)
    job: Job | None = None


class BatchBackend:
    """Jobs of Slurm, Grid Engine, or what DRMAA leads to. Each task is one, whether a command or a call of a function.

    A call runs in a new interpreter, this one's program on the host of the job, and finds what it imports where this
    process finds it; nothing is kept from one call to the next.

    Args:
        system: "slurm", "sge" or "drmaa"; None: what this host has.
        folder: Where jobs find what to run and leave what became of them; all hosts must see it. A program that died
            and is started again with the same folder finds its jobs there: those that wait or run it waits for, those
            that have succeeded are not run again.
        resources: What jobs ask for, if they do not say it themselves; see `Resources.read`.

    Raises:
        UsageError: There is no system of that name, or a job cannot ask for something by that name.
        BackendError: This host has no scheduler, or the folder cannot be used.
    """

    name = "batch"
    expected = _PLACES
    """How many engines there are, unless told."""

    def __init__(
        self,
        *,
        system: str | BatchSystem | None = None,
        folder: str | os.PathLike[str] = ".gangline/batch",
        **resources: Any,
    ) -> None:
        self._usual = Resources.read(resources)
        self._system = find_system(system) if system is None or isinstance(system, str) else system
        self._folder = Path(folder).absolute()
        self._lock = threading.Lock()
        self._places: dict[EngineId, _Place] = {}
        self._dispatcher: Dispatcher | None = None

    def start(self, inbox: Inbox, engines: int | None) -> None:
        """Take over the folder, and be ready for that many jobs at once (None: 200).

        Raises:
            BackendError: The folder cannot be used.
        """
        self._inbox = inbox
        self._dispatcher = Dispatcher(self._system, self._folder, self._on_end)
        self.add_engines(_PLACES if engines is None else engines)

    def add_engines(self, count: int) -> None:
        """Have places for more jobs."""
        offers = {"cores": _PLENTY, "memory_bytes": _PLENTY}
        for _ in range(count):
            place = _Place(self._inbox.new_engine_id(), uuid.uuid4().hex)
            with self._lock:
                self._places[place.engine] = place
            info = EngineInfo(place.uuid, self._system.name, os.getpid(), place.uuid, offers)
            self._inbox.put(EngineJoined(place.engine, info))

    # Tasks -----------------------------------------------------------------------------------------------------

    def prepare(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Payload:
        """Make a command, or a call, ready.

        Raises:
            Unpicklable: The call cannot travel.
            UsageError: The command has something that a job cannot have.
        """
        return order_of(function, args, kwargs, self._usual)

    def send(self, engine: EngineId, tasks: Sequence[tuple[TaskId, Payload]]) -> None:
        """Have a place run tasks, in this order."""
        with self._lock:
            place = self._places.get(engine)
            if place is None:
                return
            place.queue.extend((task, payload) for task, payload in tasks if isinstance(payload, Order))
            self._next(place)

    def _next(self, place: _Place) -> None:
        """Submit what is next in a place that has nothing; with the lock held."""
        if place.job is None and place.queue and self._dispatcher is not None:
            task, order = place.queue.popleft()
            place.job = Job(place.engine, place.uuid, task, order)
            self._dispatcher.submit([place.job])

    def _on_end(self, job: Job, attempt: Attempt) -> None:
        with self._lock:
            place = self._places.get(job.engine)
            if place is None or place.job is not job:
                return
            place.job = None
            self._inbox.put(Finished(place.engine, [attempt]))
            self._next(place)

    def recall(self, engine: EngineId) -> Sequence[TaskId]:
        """Take back what has not been submitted."""
        with self._lock:
            place = self._places.get(engine)
            if place is None:
                return ()
            tasks = [task for task, _ in place.queue]
            place.queue.clear()
        return tasks

    def interrupt(self, engine: EngineId, task: TaskId) -> None:
        """Remove the job of a task."""
        self._call_off(engine, task)

    def kill(self, engine: EngineId, reason: str) -> None:
        """Remove the job of a place. The place stays."""
        self._call_off(engine)

    def _call_off(self, engine: EngineId, only: TaskId | None = None) -> None:
        with self._lock:
            place = self._places.get(engine)
            job = None if place is None else place.job
        if job is not None and only in (None, job.task) and self._dispatcher is not None:
            self._dispatcher.call_off(job)

    def signal_engine(self, engine: EngineId, signum: int) -> None:
        """Refuse: jobs are ended, not signalled.

        Raises:
            UsageError: Always.
        """
        raise UsageError("jobs of a scheduler are not sent signals; they are removed with cancel")

    def running(self, engine: EngineId) -> TaskId | None:
        """The task whose job has begun."""
        place = self._places.get(engine)
        job = None if place is None else place.job
        return None if job is None or job.begun is None else job.task

    def turn(self) -> Sequence[BackendEvent]:
        """Nothing: there is a thread for it all."""
        return ()

    # Ending ----------------------------------------------------------------------------------------------------

    def stop_engine(self, engine: EngineId) -> None:
        """Take away a place, and remove its job."""
        self._call_off(engine)
        with self._lock:
            place = self._places.pop(engine, None)
        if place is not None:
            task = None if place.job is None else place.job.task
            lost = frozenset[TaskId]() if task is None else frozenset({task})
            self._inbox.put(EngineLost(engine, "was stopped", lost))

    def stop(self, timeout_s: float) -> None:
        """Remove all jobs, and wait a few seconds for them to be gone."""
        with self._lock:
            self._places.clear()
            dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher is not None:
            dispatcher.close(max(timeout_s, _STOP_S))
