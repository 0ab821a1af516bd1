"""Scaling of users' own clusters of Dask by what Gangline's clients have to do.

    cluster = SLURMCluster(cores=4, memory="8 GB")
    cluster.adapt(minimum=0, maximum=10, Adaptive=gangline.cluster.Adaptive)
    with Client(cluster) as rc:
        ...

The work of Dask's own clients counts as well: there are as many workers as either needs.
"""

from __future__ import annotations

import math
import pickle
import time
from typing import Any

import distributed

from gangline.backends.dask.load import TOPIC, Load, Loads
from gangline.backends.dask.relay import leave
from gangline.cluster.adapting import IDLE_S, Bounds, Planner

__all__ = ["Adaptive"]

_LEAVE_S = 1.0


class Adaptive(distributed.Adaptive):  # type: ignore[misc]
    """For `cluster.adapt(Adaptive=...)`: workers come for tasks that wait, and go when they have been idle.

    Args:
        cluster: The cluster.
        idle_s: How long a worker may be idle before it is ended.
        options: What Dask's own class takes, such as `minimum` and `maximum`.
    """

    def __init__(self, cluster: Any, idle_s: float = IDLE_S, **options: Any) -> None:
        super().__init__(cluster, **options)
        self._loads = Loads()
        self._heard_at = -math.inf
        most = int(self.maximum) if math.isfinite(self.maximum) else 2**31
        self._planner = Planner(Bounds(int(self.minimum), max(most, int(self.minimum), 1), idle_s))
        self._idle: tuple[str, ...] = ()

    async def target(self) -> int:
        """How many workers there should be."""
        load = await self._load()
        workers = (await self.scheduler.identity())["workers"]
        coming = max(len(self.plan) - len(workers), 0)
        plan = self._planner.plan(load, workers.keys(), coming, time.monotonic())
        self._idle = plan.idle
        return max(plan.wanted, min(int(await super().target()), self._planner.bounds.maximum))

    async def _load(self) -> Load:
        events = await self.scheduler.events(topic=TOPIC)
        now = time.monotonic()
        new = [(at, message) for at, message in events if at > self._heard_at]
        for at, message in new:
            self._heard_at = at
            self._loads.on_message(message, now)
        return self._loads.total(now)

    async def workers_to_close(self, target: int) -> list[str]:
        """The names of those that have been idle, for our clients and for Dask's."""
        workers = (await self.scheduler.identity())["workers"]
        busy = {address for address, tasks in (await self.scheduler.processing(workers=None)).items() if tasks}
        return [workers[each]["name"] for each in self._idle if each in workers and each not in busy]

    async def scale_down(self, workers: Any) -> None:
        """End those of them that have nothing to do at this very moment; only they can know."""
        known = (await self.scheduler.identity())["workers"]
        addresses = {about["name"]: address for address, about in known.items()}
        names = [name for name in workers if name not in addresses or await self._leaves(addresses[name])]
        await super().scale_down(names)

    async def _leaves(self, address: str) -> bool:
        order = {"op": "run", "function": pickle.dumps(_leave)}
        answers = await self.scheduler.broadcast(msg=order, workers=[address], on_error="ignore")
        return any(answer.get("status") == "OK" and answer.get("result") for answer in answers.values())


async def _leave(dask_worker: Any) -> bool:
    return await leave(dask_worker, "was ended, since it had been idle for a while", timeout_s=_LEAVE_S, only_idle=True)
