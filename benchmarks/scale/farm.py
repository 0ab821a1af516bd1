"""A Dask cluster with many workers on a small machine: they share one process, the scheduler has one of its own.

`python -m benchmarks.scale.farm scheduler` and `python -m benchmarks.scale.farm workers N`; both read what they need
from their input and end with it. Each worker has its engine, a process of its own, as soon as a client connects.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

_HOST = "127.0.0.1"
_TICKS = os.sysconf("SC_CLK_TCK")


class Farm(NamedTuple):
    """A running cluster.

    Attributes:
        address: Its scheduler's.
        security: To connect with.
        scheduler: The scheduler's process.
    """

    address: str
    security: Any
    scheduler: int

    def scheduler_cpu_s(self) -> float:
        """Processor time that the scheduler has used."""
        fields = Path(f"/proc/{self.scheduler}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def farm(workers: int) -> Iterator[Farm]:
    """A cluster with so many workers, which speaks TLS."""
    with tempfile.TemporaryDirectory() as scratch, _part("scheduler") as scheduler:
        assert scheduler.stdin is not None
        assert scheduler.stdout is not None
        address, security = pickle.load(scheduler.stdout)
        with _part("workers", str(workers)) as program:
            assert program.stdin is not None
            assert program.stdout is not None
            pickle.dump((address, security, scratch), program.stdin)
            program.stdin.flush()
            program.stdout.readline()
            try:
                yield Farm(address, security, scheduler.pid)
            finally:
                program.stdin.close()
                program.wait()
                scheduler.stdin.close()


@contextmanager
def _part(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "benchmarks.scale.farm", *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


async def _until_input_ends() -> None:
    await asyncio.to_thread(sys.stdin.buffer.read)


async def _serve_scheduler() -> None:
    from distributed import Scheduler, Security

    security = Security.temporary()
    async with Scheduler(host=_HOST, port=0, security=security, dashboard=False, dashboard_address=":0") as scheduler:
        pickle.dump((scheduler.address, security), sys.stdout.buffer)
        sys.stdout.buffer.flush()
        await _until_input_ends()


async def _serve_workers(count: int) -> None:
    from distributed import Worker

    address, security, scratch = pickle.load(sys.stdin.buffer)
    async with AsyncExitStack() as stack:
        for number in range(count):
            await stack.enter_async_context(
                Worker(
                    address, name=f"w{number}", nthreads=1, security=security, memory_limit=0, host=_HOST,
                    local_directory=scratch, dashboard=False, dashboard_address=f"{_HOST}:0",
                )
            )  # fmt: skip
        sys.stdout.buffer.write(b"up\n")
        sys.stdout.buffer.flush()
        await _until_input_ends()


if __name__ == "__main__":
    asyncio.run(_serve_scheduler() if sys.argv[1] == "scheduler" else _serve_workers(int(sys.argv[2])))
