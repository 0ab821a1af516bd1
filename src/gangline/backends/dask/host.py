"""A Dask worker that belongs to one client: ``main()`` in a clean interpreter, so that no script is imported again.

What it has to know, which includes its keys, comes through its standard input. When that is closed, the worker ends. If
there was no word of goodbye before, the client has died, and the worker cleans up behind it.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
import sys
from typing import Any

from distributed import Worker

__all__ = ["GOODBYE", "main"]

GOODBYE = b"."


def main() -> None:
    """Be a worker until the client says that it is over, or is gone."""
    options: dict[str, Any] = pickle.load(sys.stdin.buffer)
    if not asyncio.run(_serve(options)):
        shutil.rmtree(options["local_directory"], ignore_errors=True)


async def _serve(options: dict[str, Any]) -> bool:
    """Gives whether the client is still there."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    heard = b""

    def on_readable() -> None:
        nonlocal heard
        word = os.read(0, 4096)
        heard += word
        if not word:
            loop.remove_reader(0)
            over.set()

    os.set_blocking(0, False)
    loop.add_reader(0, on_readable)
    async with Worker(**options) as worker:
        waits = [asyncio.ensure_future(over.wait()), asyncio.ensure_future(worker.finished())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
    return not over.is_set() or heard == GOODBYE
