"""The accounting of a Slurm for tests: its daemon, and the database behind that."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests import debian

PACKAGES = ("slurmdbd", "slurm-wlm-mysql-plugin", "mariadb-server-core", "mariadb-client-core")
PATIENCE_S = 60.0


def missing() -> str:
    """What has to be installed, as a sentence; empty if nothing has to be."""
    search = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    programs = ("slurmdbd", "mariadbd", "mariadb-install-db", "my_print_defaults")
    there = all(shutil.which(program, path=search) for program in programs)
    return "" if there else f"no accounting of Slurm: apt install {' '.join(PACKAGES)}"


def install() -> None:
    """Install Debian's packages; their daemons are not started."""
    debian.install(*PACKAGES)


class Accounting:
    """Settings and daemons of an accounting.

    Args:
        folder: Of the Slurm; for all files.
        ports: Two that are free.
    """

    def __init__(self, folder: Path, ports: list[int]) -> None:
        self._folder = folder
        self._database, self._port = ports
        self.settings = {
            "AccountingStorageType": "accounting_storage/slurmdbd",
            "AccountingStorageHost": "127.0.0.1",
            "AccountingStoragePort": str(self._port),
            "AccountingStoragePass": f"{folder}/munge/socket",
        }

    def start(self, enter: list[str], user: str) -> None:
        """Start the database, then the daemon; `enter` is the beginning of a command that runs where Slurm does."""
        folder = self._folder / "database"
        folder.mkdir()
        of_user = [f"--user={user}"] if user == "root" else []
        make = ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data", "--skip-test-db", *of_user]
        subprocess.run(
            [*make, "--auth-root-authentication-method=normal"], check=True, capture_output=True, timeout=PATIENCE_S
        )
        options = {
            "datadir": f"{folder}/data",
            "socket": f"{folder}/socket",
            "pid-file": f"{self._folder}/database.pid",
            "log-error": f"{self._folder}/log/database",
            "bind-address": "127.0.0.1",
            "port": str(self._database),
            "innodb-buffer-pool-size": "64M",
            "innodb-flush-log-at-trx-commit": "0",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
        environment = os.environ | {"PATH": path, "SLURM_CONF": f"{self._folder}/slurm.conf"}
        subprocess.run(
            ["setsid", "--fork", *enter, "mariadbd", "--no-defaults", *of_user, *words],
            check=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _until_answers(self._database)
        self._configure(user)
        subprocess.run([*enter, "slurmdbd"], env=environment, check=True, timeout=PATIENCE_S)
        _until_answers(self._port)

    def _configure(self, user: str) -> None:
        """Write the daemon's own settings, which it looks for beside those of Slurm."""
        table = {
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={self._folder}/munge/socket",
            "DbdHost": socket.gethostname().split(".")[0],
            "DbdAddr": "127.0.0.1",
            "DbdPort": str(self._port),
            "SlurmUser": user,
            "LogFile": f"{self._folder}/log/slurmdbd",
            "PidFile": f"{self._folder}/slurmdbd.pid",
            "StorageType": "accounting_storage/mysql",
            "StorageHost": "127.0.0.1",
            "StoragePort": str(self._database),
            "StorageUser": "root",
            "StorageLoc": "accounting",
        }
        path = self._folder / "slurmdbd.conf"
        path.touch(0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in table.items()))


def _until_answers(port: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
            return
        except OSError:
            assert time.monotonic() < end, f"nobody listens on port {port}"
            time.sleep(0.02)
