"""One host with an sshd for tests, of either kind: of namespaces, or only an address of the loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PATIENCE_S = 60.0
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


class Host:
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
        make_key(self._hostkey)
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
        sshd = find_sshd()
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
        # Its listener may have begun another process meanwhile, and a port is free when who has it is gone.
        wait_until(lambda: not self._kill_all(_is_of_sshd), PATIENCE_S, lambda: f"sshd does not end on {self.name}")
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()

    def public_key(self) -> str:
        return self._hostkey.with_suffix(".pub").read_text().rsplit(" ", 1)[0].strip()

    def change_key(self) -> None:
        make_key(self._hostkey)
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
        return [(pid, line) for pid, line in self._all_processes() if not _is_of_sshd(line)]

    def end_processes(self) -> None:
        """End what runs beside sshd, and what that serves: a connection that is left would begin something again."""
        wait_until(
            lambda: not self._kill_all(_is_no_listener), PATIENCE_S, lambda: f"on {self.name}: {self.processes()}"
        )

    def _kill_all(self, which: Callable[[str], bool]) -> bool:
        """Whether there was one."""
        found = [pid for pid, line in self._all_processes() if which(line)]
        for pid in found:
            self.kill(pid)
        return bool(found)

    def set_link(self, *, up: bool) -> None:
        """Nothing, where there is none."""

    def _all_processes(self) -> list[tuple[int, str]]:
        raise NotImplementedError

    def kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self.kill_sshd()


class NamespacedHost(Host):
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
        self._first = int(child)
        self._processes_of = os.readlink(f"/proc/{child}/ns/pid")
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
        found = []
        for folder in Path("/proc").glob("[0-9]*"):  # with their numbers out here
            with contextlib.suppress(OSError):
                pid = int(folder.name)
                if pid != self._first and os.readlink(folder / "ns" / "pid") == self._processes_of:
                    name, _, rest = folder.joinpath("stat").read_text().partition("(")[2].rpartition(")")
                    line = _command_line(folder) or f"[{name}]"
                    if rest.split()[0] not in "ZX" and not line.startswith("nsenter "):
                        found.append((pid, line))
        return found

    def close(self) -> None:
        if hasattr(self, "_unshare"):
            self._unshare.kill()
            self._unshare.communicate()
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()


class LoopbackHost(Host):
    """A host that is only an address of the loopback; its processes are told by their environment."""

    def __init__(self, folder: Path, name: str, number: int) -> None:
        # By the number of this process: two runs of the tests have different addresses.
        pid = os.getpid()
        super().__init__(folder, name, f"127.{pid // 250 % 250 + 1}.{pid % 250}.{number}", _LOOPBACK_PORT + pid % 50)

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
                found[pid] = _command_line(folder)
                parents[pid] = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
                environment = folder.joinpath("environ").read_bytes()
                if b"SSH_CONNECTION=" in environment and server in environment and found[pid]:
                    parents[pid] = self._pid
        # One that has no command line has ended, and is only not reaped yet.
        return [(pid, line) for pid, line in found.items() if line and self._is_of_daemon(pid, parents)]

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


def _command_line(process: Path) -> str:
    return process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()


def _is_of_sshd(line: str) -> bool:
    return "sshd" in line.partition(" ")[0]


def _is_no_listener(line: str) -> bool:
    return not _is_of_sshd(line) or (line.startswith("sshd") and "[listener]" not in line)


def find_sshd() -> str | None:
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/sbin")


def may_make_namespaces() -> bool:
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("nsenter") and shutil.which("ip")):
        return False
    trial = ["unshare", "--net", "--uts", "--pid", "--mount", "--mount-proc", "--fork", "ip", "link", "set", "lo", "up"]
    return subprocess.run(trial, check=False, capture_output=True).returncode == 0


def make_key(path: Path) -> None:
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f", str(path)], check=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _dotted(number: int) -> str:
    return socket.inet_ntoa(number.to_bytes(4, "big"))
