"""pgqueuer's job, and its worker as a program: the command `pgq run` cannot be relied on with each version of Typer.

The program's argument is how many jobs are taken at a time.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import asyncpg  # type: ignore[import-not-found]
from pgqueuer import AsyncpgDriver, PgQueuer  # type: ignore[import-not-found]

from benchmarks.queues import marks
from benchmarks.queues.jobs import url

ENTRY = "mark"


async def work(batch: int) -> None:
    """Work until it is ended."""
    logging.getLogger("pgqueuer").setLevel(logging.ERROR)
    queuer = PgQueuer(AsyncpgDriver(await asyncpg.connect(url())))

    @queuer.entrypoint(ENTRY)  # type: ignore[untyped-decorator]
    async def mark(job: Any) -> None:
        marks.mark(int(job.payload))

    await queuer.run(batch_size=batch)


if __name__ == "__main__":
    asyncio.run(work(int(sys.argv[1])))
