"""The process through which the clients and the engines of a cluster find each other."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

from distributed import Scheduler, SchedulerPlugin, Security

from gangline.cluster.quiet import settle

__all__ = ["serve"]

_CLOSE_S = 1.0


def serve(order: dict[str, Any], on_up: Callable[[dict[str, Any]], None]) -> None:
    """Be a cluster's scheduler until ended by a signal.

    Args:
        order: The `host` to listen on, the keys, `keepalive_s`, a `scratch` folder.
        on_up: Called with its `port` when it listens; then with each engine that has `joined`, and has `left`.
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
    scheduler.add_plugin(_Roster(on_up))
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
    """Tells which engines there are."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._names: dict[str, str] = {}

    def add_worker(self, scheduler: Any, worker: str) -> None:
        """One has come."""
        state = scheduler.workers[worker]
        self._names[worker] = str(state.name)
        self._tell({"joined": str(state.name), "pid": state.pid, "host": state.host})

    def remove_worker(self, scheduler: Any, worker: str, **_: Any) -> None:
        """One is gone."""
        if name := self._names.pop(worker, ""):
            self._tell({"left": name})
