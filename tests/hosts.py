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
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from gangline.remote.ssh import SshOptions

PACKAGES = ("openssh-server", "openssh-client", "iproute2")
IN_CI = os.environ.get("CI") == "true"
PATIENCE_S = 20.0
_LOOPBACK_PORT = 2200

_INIT = """
set -e
hostname {name}
mount -t tmpfs -o mode=755 none /run
mkdir -p /run/sshd
ip link set lo up
echo up
read -r _
ip addr add {address}/30 dev eth0
ip link set eth0 up
ip route add default via {gateway}
echo ready
while read -r _; do :; done
"""
"""What is process 1 of a host: ends with its standard input, and then the kernel ends all others."""


def missing() -> str:
    """What has to be installed, as a sentence; empty if nothing has to be."""
    wanted = [] if _sshd() and shutil.which("ssh") else ["apt install openssh-server openssh-client"]
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
        self.links = _may_make_namespaces()
        makers = _Namespaced if self.links else _OnLoopback
        self._hosts = {
            f"{prefix}h{number}": makers(folder, f"{prefix}h{number}", number) for number in range(1, count + 1)
        }
        self.names = list(self._hosts)

    def start(self) -> None:
        """Have them up."""
        _make_key(self._key)
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


class _Host:
    """What both kinds have in common: an sshd with a key of its own."""

    enter: Sequence[str] = ()

    def __init__(self, folder: Path, name: str, address: str, port: int) -> None:
        self.name = name
        self.address = address
        self.port = port
        self.folder = folder / name
        self._common = folder
        self.home = self.folder / "home"  # not the user's own, whose shell may do all kinds of things
        self._hostkey = self.folder / "hostkey"
        self._daemon: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.home.mkdir(parents=True)
        _make_key(self._hostkey)
        shutil.copy(self._hostkey, self.folder / "hostkey.first")
        shutil.copy(self._hostkey.with_suffix(".pub"), self.folder / "hostkey.first.pub")
        (self.folder / "sshd_config").write_text(
            f"ListenAddress {self.address}:{self.port}\nHostKey {self._hostkey}\nPidFile none\n"
            f"AuthorizedKeysFile {self._common / 'authorized_keys'}\nStrictModes no\nUsePAM no\nUseDNS no\n"
            "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n"
            "MaxStartups 100:30:200\nMaxSessions 100\nPrintMotd no\nPrintLastLog no\nAllowTcpForwarding yes\n"
            f"SetEnv HOME={self.home} PATH={Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin\n"
        )

    def start_sshd(self) -> None:
        if self._daemon is not None and self._daemon.poll() is None:
            return
        sshd = _sshd()
        assert sshd is not None
        log = self.folder / "sshd.log"
        command = [*self.enter, sshd, "-D", "-f", str(self.folder / "sshd_config"), "-E", str(log)]
        self._daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        wait_until(self._listens, PATIENCE_S, lambda: f"no sshd on {self.name}: {log.read_text()}")

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), timeout=1.0):
            return True
        return False

    def kill_sshd(self) -> None:
        for pid, line in self._all_processes():
            if "sshd" in line.partition(" ")[0]:
                self.kill(pid)
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()

    def public_key(self) -> str:
        return self._hostkey.with_suffix(".pub").read_text().rsplit(" ", 1)[0].strip()

    def change_key(self) -> None:
        _make_key(self._hostkey)
        self._restart_sshd()

    def restore_key(self) -> None:
        first = self.folder / "hostkey.first"
        if first.read_bytes() != self._hostkey.read_bytes():
            shutil.copy(first, self._hostkey)
            shutil.copy(self.folder / "hostkey.first.pub", self._hostkey.with_suffix(".pub"))
            self._restart_sshd()

    def _restart_sshd(self) -> None:
        self.kill_sshd()
        self.start_sshd()

    def processes(self) -> list[tuple[int, str]]:
        return [(pid, line) for pid, line in self._all_processes() if "sshd" not in line.partition(" ")[0]]

    def end_processes(self) -> None:
        for pid, _ in self.processes():
            self.kill(pid)

    def set_link(self, *, up: bool) -> None:
        """Nothing, where there is none."""

    def _all_processes(self) -> list[tuple[int, str]]:
        raise NotImplementedError

    def kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self.kill_sshd()


class _Namespaced(_Host):
    """A host of namespaces, joined to this one by a link with a network of four addresses."""

    def __init__(self, folder: Path, name: str, number: int) -> None:
        # Of 10.64.0.0/10, by the number of this process: two runs of the tests have different networks.
        network = 0x0A400000 + (os.getpid() * 16 + number) % 0x100000 * 4
        super().__init__(folder, name, _dotted(network + 2), 22)
        self._gateway = _dotted(network + 1)
        self._link = f"g{os.getpid()}v{number}"
        self._up = True

    def start(self) -> None:
        super().start()
        script = _INIT.format(name=self.name, address=self.address, gateway=self._gateway)
        namespaces = ["--net", "--uts", "--pid", "--mount", "--mount-proc", "--fork", "--kill-child"]
        self._unshare = subprocess.Popen(
            ["unshare", *namespaces, "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._expect(b"up\n")
        child = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children").read_text().split()[0]
        self.enter = ["nsenter", f"--target={child}", "--net", "--uts", "--pid", "--mount"]
        _ip("link", "add", self._link, "type", "veth", "peer", "name", "eth0", "netns", child)
        _ip("addr", "add", f"{self._gateway}/30", "dev", self._link)
        _ip("link", "set", self._link, "up")
        assert self._unshare.stdin is not None
        self._unshare.stdin.write(b"\n")
        self._expect(b"ready\n")

    def _expect(self, word: bytes) -> None:
        assert self._unshare.stdout is not None
        said = self._unshare.stdout.readline()
        assert said == word, f"host {self.name} does not come up: {said!r}"

    def set_link(self, *, up: bool) -> None:
        if up != self._up:
            _ip("link", "set", self._link, "up" if up else "down")
            self._up = up

    def _all_processes(self) -> list[tuple[int, str]]:
        listing = subprocess.run(
            [*self.enter, "ps", "-e", "-o", "pid=,stat=,args="], check=True, capture_output=True, text=True
        ).stdout
        rows = [line.split(None, 2) for line in listing.splitlines()]
        own = {"1"}
        return [
            (int(pid), line)
            for pid, stat, line in rows
            if pid not in own and not stat.startswith("Z") and not line.startswith("ps -e")
        ]

    def kill(self, pid: int) -> None:
        subprocess.run([*self.enter, "kill", "-KILL", str(pid)], check=False, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        if hasattr(self, "_unshare"):
            self._unshare.kill()
            self._unshare.communicate()
        if self._daemon is not None:
            self._daemon.wait()


class _OnLoopback(_Host):
    """A host that is only an address of the loopback; its processes are told by their environment."""

    def __init__(self, folder: Path, name: str, number: int) -> None:
        super().__init__(folder, name, f"127.0.{os.getpid() % 200 + 10}.{number}", _LOOPBACK_PORT + os.getpid() % 50)

    def start(self) -> None:
        super().start()
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # as Debian's service does

    def _all_processes(self) -> list[tuple[int, str]]:
        server = f" {self.address} {self.port}\0".encode()
        parents, found = {}, {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                pid = int(folder.name)
                found[pid] = (
                    folder.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
                )
                parents[pid] = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
                environment = folder.joinpath("environ").read_bytes()
                if b"SSH_CONNECTION=" in environment and server in environment and found[pid]:
                    parents[pid] = self._pid
        return [(pid, line) for pid, line in found.items() if self._is_of_daemon(pid, parents)]

    @property
    def _pid(self) -> int:
        return -1 if self._daemon is None else self._daemon.pid

    def _is_of_daemon(self, pid: int, parents: dict[int, int]) -> bool:
        while pid > 1 and pid != self._pid:
            pid = parents.get(pid, 0)
        return pid == self._pid


def wait_until(condition: Callable[[], bool], seconds: float, why: Callable[[], str] = lambda: "") -> None:
    """Wait for something that nobody tells of.

    Raises:
        AssertionError: It has not come to pass in that time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, why() or "it has not come to pass"
        time.sleep(0.05)


def _sshd() -> str | None:
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/sbin")


def _may_make_namespaces() -> bool:
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("nsenter") and shutil.which("ip")):
        return False
    trial = ["unshare", "--net", "--uts", "--pid", "--mount", "--mount-proc", "--fork", "ip", "link", "set", "lo", "up"]
    return subprocess.run(trial, check=False, capture_output=True).returncode == 0


def _make_key(path: Path) -> None:
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f", str(path)], check=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _dotted(number: int) -> str:
    return socket.inet_ntoa(number.to_bytes(4, "big"))


if __name__ == "__main__":  # hosts to try things out by hand
    import tempfile

    with tempfile.TemporaryDirectory() as place, contextlib.closing(started_hosts(Path(place))) as making:
        there = next(making)
        print(f"export GANGLINE_SSH_CONFIG={shlex.quote(str(there.config))}", *there.names, flush=True)
        sys.stdin.read()
