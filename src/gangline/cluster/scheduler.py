"""The process through which the clients and the engines of a cluster find each other."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import time
from collections.abc import Callable
from typing import Any

from distributed import Scheduler, SchedulerPlugin, Security

from gangline.backends.dask.load import TOPIC, Loads
from gangline.cluster.adapting import Bounds, Planner
from gangline.cluster.engine import dismiss, end
from gangline.cluster.quiet import settle

__all__ = ["serve"]

_CLOSE_S = 1.0
_ADAPT_S = 0.25


def serve(order: dict[str, Any], on_up: Callable[[dict[str, Any]], None]) -> None:
    """Be a cluster's scheduler until ended by a signal.

    Args:
        order: The `host` to listen on, the keys, `keepalive_s`, a `scratch` folder, and the `bounds` between which the
            cluster scales, if it does.
        on_up: Called with its `port` when it listens; then with each engine that has `joined`, and has `left`, and with
            how many are `wanted`.
    """
    settle(order["keepalive_s"])
    asyncio.run(_serve(order, on_up))


async def _serve(order: dict[str, Any], on_up: Callable[[dict[str, Any]], None]) -> None:
    security = Security(
        tls_ca_file=order["ca"], tls_scheduler_cert=order["certificate"], tls_scheduler_key=order["key"],
        require_encryption=True,
    )  # fmt: skip
    scheduler = await Scheduler(
        host=order["host"], port=0, protocol="tls", security=security, dashboard=False, dashboard_address="127.0.0.1:0",
        local_directory=order["scratch"],
    )  # fmt: skip
    bounds = None if order.get("bounds") is None else Bounds(**order["bounds"])
    scheduler.add_plugin(_Roster(scheduler, on_up, bounds))
    loop = asyncio.get_running_loop()

    async def close() -> None:
        loop.call_later(_CLOSE_S, os._exit, 0)  # whatever may still hold it up
        await scheduler.close()

    closing: list[asyncio.Task[None]] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: closing.append(loop.create_task(close())))
    on_up({"port": int(scheduler.address.rpartition(":")[2])})
    await scheduler.finished()


class _Roster(SchedulerPlugin):  # type: ignore[misc]
    """Tells which engines there are; where the cluster adapts itself, also how many there should be.

    Args:
        scheduler: The scheduler.
        tell: Takes what there is to tell.
        bounds: Between what the cluster scales; None: it does not.
    """

    def __init__(self, scheduler: Scheduler, tell: Callable[[dict[str, Any]], None], bounds: Bounds | None) -> None:
        self._scheduler = scheduler
        self._tell = tell
        self._names: dict[str, str] = {}
        self._ended: set[str] = set()
        self._loads = Loads()
        self._planner = None if bounds is None else Planner(bounds)
        self._wanted = 0
        self._adapting = None if bounds is None else asyncio.get_running_loop().create_task(self._adapt())

    def add_worker(self, scheduler: Any, worker: str) -> None:
        """One has come."""
        state = scheduler.workers[worker]
        self._names[worker] = str(state.name)
        self._tell({"joined": str(state.name), "pid": state.pid, "host": state.host})

    def remove_worker(self, scheduler: Any, worker: str, **_: Any) -> None:
        """One is gone."""
        if name := self._names.pop(worker, ""):
            self._tell({"left": name})
            self._ended.discard(worker)

    def log_event(self, topic: str, msg: Any) -> None:
        """Somebody has said something, perhaps a client what it has to do."""
        if topic == TOPIC and isinstance(msg, dict):
            self._loads.on_message(msg, time.monotonic())

    def remove_client(self, scheduler: Any, client: str) -> None:
        """One is gone, with all that it had to do."""
        self._loads.forget(client)

    async def _adapt(self) -> None:
        assert self._planner is not None
        while True:
            await asyncio.sleep(_ADAPT_S)
            now = time.monotonic()
            up = self._names.keys() - self._ended
            plan = self._planner.plan(self._loads.total(now), up, max(self._wanted - len(up), 0), now)
            if plan.idle:
                await asyncio.gather(*(self._dismiss(address) for address in plan.idle))
                self._wanted = max(len(self._names.keys() - self._ended), self._planner.bounds.minimum)
                self._tell({"wanted": self._wanted})
            elif plan.wanted != self._wanted:
                self._wanted = plan.wanted
                self._tell({"wanted": plan.wanted})

    async def _dismiss(self, address: str) -> None:
        """End an engine, unless it has got something to do at this very moment; only it can know that."""
        self._ended.add(address)
        name = self._names.get(address, "")
        if await self._run(address, dismiss):
            self._tell({"dismissed": name})
            await self._run(address, end)
        else:
            self._ended.discard(address)
            if self._planner is not None:
                self._planner.on_refusal(address, time.monotonic())

    async def _run(self, address: str, function: Callable[..., Any]) -> bool:
        """Have an engine call it; whether that has said yes."""
        order = {"op": "run", "function": pickle.dumps(function)}
        answers = await self._scheduler.broadcast(msg=order, workers=[address], on_error="ignore")
        return any(answer.get("status") == "OK" and answer.get("result") for answer in answers.values())
