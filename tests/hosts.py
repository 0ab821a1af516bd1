"""Hosts with a real sshd for tests: namespaces of network, process numbers and host name, each with a link of its own.

Where namespaces are not allowed, the hosts are several sshd on addresses of the loopback; they have no links to cut.
All state is in one folder, and everything ends with the process that made it.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gangline.remote.ssh import SshOptions
from tests.one_host import (
    PATIENCE_S,
    LoopbackHost,
    NamespacedHost,
    find_sshd,
    make_key,
    may_make_namespaces,
    wait_until,
)

PACKAGES = ("openssh-server", "openssh-client", "iproute2")
IN_CI = os.environ.get("CI") == "true"


def missing() -> str:
    """What has to be installed, as a sentence; empty if nothing has to be."""
    wanted = [] if find_sshd() and shutil.which("ssh") else ["apt install openssh-server openssh-client"]
    wanted += [] if shutil.which("ip") or os.geteuid() else ["apt install iproute2"]
    return f"no hosts: {'; '.join(wanted)}" if wanted else ""


def install() -> None:
    """Install Debian's packages; the daemon is not started."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(["apt-get", "update", "--quiet"], check=True, env=environment, stdout=subprocess.DEVNULL)
    subprocess.run(
        ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *PACKAGES],
        check=True, env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def started_hosts(folder: Path, count: int = 3) -> Iterator[Hosts]:
    """Hosts for as long as they are used.

    Args:
        folder: For all their files.
        count: How many.
    """
    if missing() and IN_CI and os.geteuid() == 0:
        install()
    if why := missing():
        pytest.skip(why)
    hosts = Hosts(folder, count)
    try:
        hosts.start()
        yield hosts
    finally:
        hosts.close()


class Hosts:
    """Hosts that can be reached with `ssh -F config NAME`, and what may befall them.

    Attributes:
        names: What they are called.
        config: A configuration for ssh that knows them.
        known_hosts: Their keys.
        links: Whether they have links that can be cut, and processes of their own.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.config = folder / "ssh_config"
        self.known_hosts = folder / "known_hosts"
        self._key = folder / "id"
        self._authorized = folder / "authorized_keys"
        folder.chmod(0o755)  # sshd looks at the keys as another user
        prefix = f"gl{os.getpid()}"
        self.links = may_make_namespaces()
        makers = NamespacedHost if self.links else LoopbackHost
        self._hosts = {
            f"{prefix}h{number}": makers(folder, f"{prefix}h{number}", number) for number in range(1, count + 1)
        }
        self.names = list(self._hosts)

    def start(self) -> None:
        """Have them up."""
        make_key(self._key)
        self._authorized.write_text(self._key.with_suffix(".pub").read_text())
        for host in self._hosts.values():
            host.start()
        self._write_configuration()
        for host in self._hosts.values():
            host.start_sshd()

    def close(self) -> None:
        """End them and all that runs there."""
        for host in self._hosts.values():
            host.close()

    def restore(self) -> None:
        """As they were in the beginning: links mended, keys accepted, sshd running, nothing else."""
        for host in self._hosts.values():
            host.set_link(up=True)
            host.end_processes()
            host.restore_key()
        self._authorized.write_text(self._key.with_suffix(".pub").read_text())
        self._write_configuration()
        for host in self._hosts.values():
            host.start_sshd()

    def ssh(self, **options: object) -> SshOptions:
        """How they are reached."""
        return SshOptions(config=str(self.config), **options)  # type: ignore[arg-type]

    def cut(self, name: str) -> None:
        """Have nothing pass over a host's link any more, in neither direction. Skips the test where there is none."""
        if not self.links:
            pytest.skip("links cannot be cut: network namespaces need root and CAP_SYS_ADMIN")
        self._hosts[name].set_link(up=False)

    def mend(self, name: str) -> None:
        """Have packets pass again."""
        self._hosts[name].set_link(up=True)

    def kill_sshd(self, name: str) -> None:
        """End sshd on a host, with the connections that it serves."""
        self._hosts[name].kill_sshd()

    def start_sshd(self, name: str) -> None:
        """Have it listen again."""
        self._hosts[name].start_sshd()

    def change_key(self, name: str) -> None:
        """Have a host present another key than the known one."""
        self._hosts[name].change_key()

    def forget_key(self, name: str) -> None:
        """Have a host's key not known."""
        lines = self.known_hosts.read_text().splitlines(keepends=True)
        self.known_hosts.write_text("".join(line for line in lines if not line.startswith(f"{name} ")))

    def refuse_keys(self) -> None:
        """Have no host accept our key any more."""
        self._authorized.write_text("")

    def run_in(self, name: str, argv: Sequence[str]) -> str:
        """Run a program on a host, not over ssh, and give what it writes."""
        return subprocess.run([*self._hosts[name].enter, *argv], check=True, capture_output=True, text=True).stdout

    def processes(self, name: str) -> list[str]:
        """The command lines of what runs on a host beside its own daemons."""
        return [line for _, line in self._hosts[name].processes()]

    def address(self, name: str) -> str:
        """A host's address."""
        return self._hosts[name].address

    def wait_until_empty(self, name: str, seconds: float = PATIENCE_S) -> None:
        """Wait until nothing of ours runs on a host.

        Raises:
            AssertionError: Something still does.
        """
        wait_until(lambda: not self.processes(name), seconds, lambda: f"still on {name}: {self.processes(name)}")

    def _write_configuration(self) -> None:
        self.known_hosts.write_text("".join(f"{name} {host.public_key()}\n" for name, host in self._hosts.items()))
        self.config.write_text(
            "".join(
                f"Host {name}\n HostName {host.address}\n Port {host.port}\n HostKeyAlias {name}\n"
                for name, host in self._hosts.items()
            )
            + f"Host *\n User {getpass.getuser()}\n IdentityFile {self._key}\n IdentitiesOnly yes\n"
            f" UserKnownHostsFile {self.known_hosts}\n GlobalKnownHostsFile /dev/null\n CheckHostIP no\n"
        )


if __name__ == "__main__":  # hosts to try things out by hand
    import tempfile

    with tempfile.TemporaryDirectory() as place, contextlib.closing(started_hosts(Path(place))) as making:
        there = next(making)
        print(f"export GANGLINE_SSH_CONFIG={shlex.quote(str(there.config))}", *there.names, flush=True)
        sys.stdin.read()
