"""The program through which clients and engines of a cluster find each other. Reads what it is to be from stdin."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Be a cluster's scheduler until ended by a signal."""
    order = json.loads(sys.stdin.read())
    logging.getLogger("distributed").setLevel(logging.WARNING)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(order))


async def _serve(order: dict[str, Any]) -> None:
    from distributed import Scheduler, Security

    security = Security(
        tls_ca_file=order["ca"], tls_scheduler_cert=order["certificate"], tls_scheduler_key=order["key"],
        require_encryption=True,
    )  # fmt: skip
    scheduler = await Scheduler(
        host=order["host"], port=0, protocol="tls", security=security, dashboard=False, dashboard_address=":0"
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: loop.create_task(scheduler.close()))
    sys.stdout.write(json.dumps({"port": int(scheduler.address.rpartition(":")[2])}) + "\n")
    sys.stdout.flush()
    await scheduler.finished()


if __name__ == "__main__":
    main()
