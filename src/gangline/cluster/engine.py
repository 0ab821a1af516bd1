"""One engine's process of a cluster: a Dask worker with one thread, which the engine's relay runs in."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from distributed import Security, Worker

from gangline.backends.dask.relay import leave  # what clients want it to have is imported once for all engines
from gangline.cluster.quiet import settle

__all__ = ["dismiss", "end", "serve"]

_DEATH_TIMEOUT_S = 30
_CLOSE_S = 1.0
_LEAVE_S = 0.5


def serve(order: dict[str, Any], on_up: Callable[[dict[str, Any]], None]) -> None:
    """Be an engine until the scheduler, or a signal, ends it.

    Args:
        order: The scheduler's `address`, `name`, `host` to listen on, the keys, `keepalive_s`, a `scratch` folder. Why
            it may be ended can be told by `leaving`, or better by a file of this name in that folder.
        on_up: Called when it can be used.
    """
    settle(order["keepalive_s"])
    asyncio.run(_serve(order, on_up))


async def _serve(order: dict[str, Any], on_up: Callable[[dict[str, Any]], None]) -> None:
    security = Security(
        tls_ca_file=order["ca"], tls_worker_cert=order["certificate"], tls_worker_key=order["key"],
        require_encryption=True,
    )  # fmt: skip
    try:
        worker = await Worker(
            order["address"], name=order["name"], nthreads=1, security=security, memory_limit=0,
            local_directory=order["scratch"], host=order["host"], dashboard_address="127.0.0.1:0", dashboard=False,
            death_timeout=_DEATH_TIMEOUT_S,
        )  # fmt: skip
    except (TimeoutError, OSError) as error:
        way = f"at {order['address']} from {socket.gethostname()}"
        hint = "`address` in the configuration names another address"
        sys.exit(f"the scheduler of the cluster cannot be reached {way}: {str(error) or type(error).__name__}; {hint}")
    loop = asyncio.get_running_loop()

    async def close() -> None:
        loop.call_later(_CLOSE_S, os._exit, 0)  # whatever may still hold it up
        await leave(worker, _why(order), timeout_s=_LEAVE_S)
        await worker.close(nanny=False, executor_wait=False, timeout=_CLOSE_S, reason="it was stopped")

    closing: list[asyncio.Task[None]] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: closing.append(loop.create_task(close())))
    on_up({"address": worker.address})
    await worker.finished()
    if not closing:
        sys.exit(f"the scheduler has ended it: {worker.status.name}")


async def dismiss(dask_worker: Any) -> bool:
    """Called within a worker that is not needed: its clients leave it, unless it has something to do after all.

    Then it is told to `end`, as soon as whoever keeps it knows that it is not lost.
    """
    why = "was ended, since it had been idle for a while"
    return await leave(dask_worker, why, timeout_s=_LEAVE_S, only_idle=True)


def end() -> None:
    """Called within a worker: it ends."""
    os.kill(os.getpid(), signal.SIGTERM)


def _why(order: dict[str, Any]) -> str:
    try:
        return Path(order["scratch"], "leaving").read_text("utf-8")
    except OSError:
        return str(order.get("leaving", "was ended, since the cluster is to have fewer engines or none"))
