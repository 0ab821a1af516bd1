"""A Dask cluster of the client's own on this host: a scheduler in this process, and one worker process for each engine.

It listens on the loopback address only, and speaks TLS with keys that exist in memory only.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from distributed import LocalCluster

from gangline.backends.dask import host
from gangline.errors import BackendError, MissingExtra

__all__ = ["OwnCluster", "OwnWorker"]

_LOOPBACK = "127.0.0.1"
_BOOT = "import sys; sys.path[:] = sys.argv.pop().split(chr(10)); from gangline.backends.dask.host import main; main()"
_SOURCES = str(Path(__file__).parents[3])
_DEATH_TIMEOUT_S = 30
_END_S = 5.0
_LAST_LINES = 8


class OwnWorker:
    """One worker process.

    Args:
        name: By which the scheduler calls it.
        options: For `distributed.Worker`.
        log: The file for what it writes.

    Attributes:
        death: A descriptor that is readable when it has ended.

    Raises:
        BackendError: the system starts no more processes.
    """

    def __init__(self, name: str, options: dict[str, Any], log: Path) -> None:
        self.name = name
        self._log = log
        path = "\n".join([*(entry for entry in sys.path if isinstance(entry, str)), _SOURCES])
        try:
            with log.open("wb") as output:
                self._child = subprocess.Popen(
                    [sys.executable, "-c", _BOOT, path],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            assert self._child.stdin is not None
            self._child.stdin.write(pickle.dumps({"name": name, **options}))
            self._child.stdin.flush()
        except OSError as exc:
            raise BackendError(f"a Dask worker process cannot be started: {exc}") from exc
        self.death = os.pidfd_open(self._child.pid)

    def end(self) -> None:
        """Have it end; it may take a moment."""
        if self._child.stdin is not None and not self._child.stdin.closed:
            with contextlib.suppress(OSError):  # it has ended
                self._child.stdin.write(host.GOODBYE)
                self._child.stdin.flush()
            with contextlib.suppress(OSError):
                self._child.stdin.close()

    def kill(self) -> None:
        """End it by force; its engine ends with it."""
        self._child.kill()

    def reap(self, timeout_s: float) -> str:
        """Wait for its end, and enforce it after that time; says in words how it ended."""
        self.end()
        try:
            code = self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        os.close(self.death)
        ended = f"exit code {code}" if code >= 0 else f"killed by signal {-code}"
        lines = self._log.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:] if self._log.exists() else []
        return "\n".join([f"{ended}; its last words:", *lines]) if lines and code else ended


class OwnCluster:
    """A scheduler that lives as long as this object is open, and its workers.

    Raises:
        MissingExtra: what makes the keys is not installed.
        BackendError: the scheduler cannot be started.
    """

    def __init__(self) -> None:
        self._scratch = tempfile.mkdtemp(prefix="gangline-dask-")
        self._count = 0
        self._workers: dict[str, OwnWorker] = {}
        try:
            self._cluster = LocalCluster(
                n_workers=0,
                threads_per_worker=1,
                host=_LOOPBACK,
                dashboard_address=f"{_LOOPBACK}:0",
                scheduler_kwargs={"dashboard": False, "local_directory": self._scratch},
                security=True,
                silence_logs=logging.ERROR,
            )
        except Exception as exc:
            shutil.rmtree(self._scratch, ignore_errors=True)
            if isinstance(exc, ImportError):
                raise MissingExtra("a Dask cluster needs more packages: pip install 'gangline[dask]'") from exc
            raise BackendError(f"a local Dask scheduler cannot be started: {exc}") from exc
        self._cluster.shutdown_on_close = False  # Dask would close it at the program's end, before the session does
        self.address: str = self._cluster.scheduler_address
        self.security: Any = self._cluster.security

    def start_worker(self) -> OwnWorker:
        """Begin to bring up a worker.

        Raises:
            BackendError: the system starts no more processes.
        """
        self._count += 1
        name = f"engine-{self._count}"
        options = {
            "scheduler_ip": self.address,
            "nthreads": 1,
            "host": _LOOPBACK,
            "dashboard_address": f"{_LOOPBACK}:0",
            "security": self.security,
            "local_directory": self._scratch,
            "memory_limit": 0,
            "death_timeout": _DEATH_TIMEOUT_S,
        }
        worker = self._workers[name] = OwnWorker(name, options, Path(self._scratch, f"{name}.log"))
        return worker

    def reap(self, worker: OwnWorker, timeout_s: float = _END_S) -> str:
        """After a worker's end: say in words how it ended."""
        del self._workers[worker.name]
        return worker.reap(timeout_s)

    def close(self) -> None:
        """End the workers and the scheduler, and leave nothing."""
        for worker in self._workers.values():
            worker.end()
        for worker in list(self._workers.values()):
            self.reap(worker)
        self._cluster.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
