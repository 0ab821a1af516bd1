"""Durable jobs: a queue in SQLite or PostgreSQL, and workers on any number of hosts.

    from gangline.queue import DurableJob, Queue

    class Primes(DurableJob):
        def execute(self, start, end): ...

    Queue().enqueue(Primes, start=1, end=1000)

Jobs that are in the queue are run by `gangline worker`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gangline._lazy import lazy

if TYPE_CHECKING:
    from gangline.errors import JobExists, StoreError, StoreUnavailable, UsageError, WaitTimeout
    from gangline.queue.configuration import Configuration
    from gangline.queue.cookies import Cookie
    from gangline.queue.deferral import Deferred
    from gangline.queue.explain import Explanation
    from gangline.queue.facade import Queue
    from gangline.queue.job import CoreJob, CoreLoadJob, DurableJob
    from gangline.queue.local import JobDeferred, enqueue, execute
    from gangline.queue.properties import Properties
    from gangline.queue.record import Counts, JobRecord, LogLine, Paused, Scheduled, WorkerRecord
    from gangline.queue.values import Values
    from gangline.store.jobs.port import State

_HOMES = {
    "errors": ("JobExists", "StoreError", "StoreUnavailable", "UsageError", "WaitTimeout"),
    "queue.configuration": ("Configuration",),
    "queue.cookies": ("Cookie",),
    "queue.deferral": ("Deferred",),
    "queue.explain": ("Explanation",),
    "queue.facade": ("Queue",),
    "queue.job": ("CoreJob", "CoreLoadJob", "DurableJob"),
    "queue.local": ("JobDeferred", "enqueue", "execute"),
    "queue.properties": ("Properties",),
    "queue.record": ("Counts", "JobRecord", "LogLine", "Paused", "Scheduled", "WorkerRecord"),
    "queue.values": ("Values",),
    "store.jobs.port": ("State",),
}
_WHERE = {name: f"gangline.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022  in the order in which a reader wants them
    "DurableJob",
    "CoreJob",
    "CoreLoadJob",
    "Queue",
    "enqueue",
    "execute",
    "JobRecord",
    "State",
    "Counts",
    "Explanation",
    "LogLine",
    "Paused",
    "Scheduled",
    "WorkerRecord",
    "Properties",
    "Configuration",
    "Cookie",
    "Values",
    "Deferred",
    "JobDeferred",
    "JobExists",
    "StoreError",
    "StoreUnavailable",
    "UsageError",
    "WaitTimeout",
]


__getattr__, __dir__ = lazy(__name__, _WHERE)
