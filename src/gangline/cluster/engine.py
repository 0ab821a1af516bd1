"""The program that is started on the hosts of a cluster: one engine's process. Reads what it is to be from stdin."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from typing import Any

__all__ = ["main"]

_DEATH_TIMEOUT_S = 30


def main() -> None:
    """Be an engine of a cluster until the scheduler, or whoever started this process, ends it."""
    order = json.loads(sys.stdin.read())
    logging.getLogger("distributed").setLevel(logging.WARNING)
    scratch = tempfile.mkdtemp(prefix="gangline-engine-")
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(order, scratch))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


async def _serve(order: dict[str, Any], scratch: str) -> None:
    from distributed import Security, Worker

    security = Security(
        tls_ca_file=order["ca"], tls_worker_cert=order["certificate"], tls_worker_key=order["key"],
        require_encryption=True,
    )  # fmt: skip
    worker = await Worker(
        order["address"], name=order["name"], nthreads=1, security=security, memory_limit=0, local_directory=scratch,
        host=order["host"], dashboard_address=":0", dashboard=False, death_timeout=_DEATH_TIMEOUT_S,
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: loop.create_task(worker.close(nanny=False, reason="it was stopped")))
    sys.stdout.write(json.dumps({"engine": order["name"], "pid": os.getpid(), "address": worker.address}) + "\n")
    sys.stdout.flush()
    await worker.finished()


if __name__ == "__main__":
    main()
