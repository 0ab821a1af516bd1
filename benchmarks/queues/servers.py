"""Servers that the queues of peers and of Gangline live in: private ones, on free ports, for one measurement each."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.last_words import last_words

_END_POSTGRES = """
server=$(head -n 1 data/postmaster.pid) && kill -QUIT "$server" && while kill -0 "$server"; do sleep 0.1; done
rm -rf "$PWD"
"""


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL as its package configures it, but for the memory that it may use; its URL.

    Raises:
        FileNotFoundError: It is not installed.
    """
    programs = _postgres_programs()
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
    user = _other_user(folder) if os.geteuid() == 0 else {}
    port = free_port()

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments], cwd=folder, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, env=os.environ | {"LC_ALL": "C"}, **user,
        )  # fmt: skip

    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c shared_buffers=256MB"
    with last_words(_END_POSTGRES, folder):
        run("initdb", "-D", "data", "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        run("pg_ctl", "-D", "data", "-l", "log", "-w", "-t", "60", "-o", options, "start")
        yield f"postgresql://bench@127.0.0.1:{port}/postgres"


@contextmanager
def redis() -> Iterator[str]:
    """A Redis that keeps everything in memory only; its URL.

    Raises:
        FileNotFoundError: It is not installed.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise FileNotFoundError("redis-server is not installed: apt install redis-server")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    with last_words('rm -rf "$PWD"', folder), subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL
    ) as process:  # fmt: skip
        try:
            _wait_for(port)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _postgres_programs() -> Path:
    if found := shutil.which("initdb"):
        return Path(os.path.realpath(found)).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise FileNotFoundError("PostgreSQL is not installed: apt install postgresql")
    return versions[-1].parent


def _other_user(folder: Path) -> dict[str, Any]:
    """The server refuses to be run by root."""
    entry = pwd.getpwnam("nobody")
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
