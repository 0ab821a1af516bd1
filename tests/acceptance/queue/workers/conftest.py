"""Real workers in processes of their own, on both stores."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline.queue import Queue
from tests.acceptance.queue.workers.support import Daemon, Start, until
from tests.integration.queue_store.conftest import emptied
from tests.postgres import Server


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a queue may be made."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/queue.db"
    server: Server = request.getfixturevalue("server")
    return emptied(server.url)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a user, whose modules can be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


@pytest.fixture
def queue(url: str, here: Path) -> Iterator[Queue]:
    """An empty queue."""
    with Queue(url) as queue:
        yield queue


@pytest.fixture
def start(url: str, here: Path) -> Iterator[Start]:
    """Starts workers; those that still run at the end are killed.

    Where a test says nothing of leases they outlast whatever keeps a worker from its work on a busy machine.
    """
    running: list[Daemon] = []

    def start_one(*options: str, ready: bool = True, host: str = "") -> Daemon:
        log = here / f"worker-{len(running)}.log"
        if "--lease" not in options:
            options += ("--lease", "60")
        command = [sys.executable, "-m", "gangline", "worker", "--queue", url, *options]
        if host:  # the shell becomes the worker, so that signals reach it
            command = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host, *command]
        with log.open("wb") as file:
            process = subprocess.Popen(
                command, stdout=file, stderr=file, cwd=here, env={**os.environ, "PYTHONPATH": ""}
            )
        daemon = Daemon(process, log)
        running.append(daemon)
        if ready:
            until(lambda: "slots" in daemon.said or process.poll() is not None, said=daemon)
        return daemon

    yield start_one
    for daemon in running:
        daemon.process.kill()
        daemon.process.wait()
