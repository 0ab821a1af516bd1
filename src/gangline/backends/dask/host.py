"""A Dask worker that belongs to one client: ``main()`` in a clean interpreter, so that no script is imported again.

What it has to know, which includes its keys, comes through its standard input. That is closed when the client is done
or gone, and then the worker ends.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from typing import Any

from distributed import Worker

__all__ = ["main"]


def main() -> None:
    """Be a worker until the client says that it is over, or is gone."""
    options: dict[str, Any] = pickle.load(sys.stdin.buffer)
    asyncio.run(_serve(options))


async def _serve(options: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def on_readable() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            over.set()

    os.set_blocking(0, False)
    loop.add_reader(0, on_readable)
    async with Worker(**options) as worker:
        waits = [asyncio.ensure_future(over.wait()), asyncio.ensure_future(worker.finished())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
