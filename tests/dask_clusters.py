"""Dask clusters as users have them: started by a program of their own, whose workers are processes with nannies."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]

PROGRAM = """
import sys
import dask
from distributed import LocalCluster

# A worker that is started again in the place of a killed one may take long, on a busy machine; Dask would give it up.
dask.config.set({"distributed.deploy.lost-worker-timeout": "1h"})

if __name__ == "__main__":
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        scheduler_port=int(sys.argv[1]),
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        for line in sys.stdin:
            cluster.scale(int(line))
"""


class RunningCluster:
    """One cluster.

    Attributes:
        address: Its scheduler's.
    """

    def __init__(self, program: subprocess.Popen[str]) -> None:
        assert program.stdout is not None
        self.address = program.stdout.readline().strip()
        self._program = program

    def kill(self) -> None:
        """End the scheduler without a word; workers without one end by themselves."""
        self._program.kill()
        self._program.wait()

    def scale(self, workers: int) -> None:
        """Have so many workers; they come and go by and by."""
        assert self._program.stdin is not None
        self._program.stdin.write(f"{workers}\n")
        self._program.stdin.flush()


def free_port() -> int:
    """One that is still free when a program has ended that had it: the system gives it to no connection by itself."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


@contextmanager
def running_cluster(folder: Path, port: int = 0) -> Iterator[RunningCluster]:
    """Two workers, which can import the modules of tests.

    Args:
        folder: For the program.
        port: The scheduler's; 0 is any.
    """
    script = folder / "cluster.py"
    script.write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(script), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as program:
        yield RunningCluster(program)
        program.communicate()
