"""A Grid Engine of its own for tests: one host, all state in one folder, no network but the loopback.

Its daemons listen on all addresses, so they get a network namespace that has the loopback only; and a namespace of
process numbers, which takes them and all jobs along when it ends.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests import debian

PACKAGES = ("gridengine-master", "gridengine-exec", "gridengine-client", "gridengine-drmaa1.0", "libjemalloc2")
LIBRARY = "/usr/lib/gridengine-drmaa/lib/libdrmaa.so.1.0"
PROGRAMS = "/usr/lib/gridengine"
RESOURCES = "/usr/share/gridengine/util/resources"
HOST = "localhost"
PATIENCE_S = 60.0

_HOLDER = """
import fcntl, socket, struct, sys
IFF_UP, SIOCSIFFLAGS = 1, 0x8914
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
print("up", flush=True)
sys.stdin.read()
"""

_QUESTIONS = """
gridengine-common shared/gridenginemaster string localhost
gridengine-common shared/gridenginecell string default
gridengine-common shared/gridengineconfig boolean false
gridengine-master shared/gridengineconfig boolean false
gridengine-exec shared/gridengineconfig boolean false
gridengine-client shared/gridengineconfig boolean false
"""


def missing() -> str:
    """What has to be installed, as a sentence; empty if nothing has to be."""
    wanted = []
    if not (Path(LIBRARY).exists() and shutil.which("sge_qmaster") and shutil.which("sge_execd")):
        wanted.append(f"apt install {' '.join(PACKAGES)}")
    if importlib.util.find_spec("drmaa") is None:
        wanted.append("pip install drmaa")
    return f"no Grid Engine: {'; '.join(wanted)}" if wanted else ""


def install() -> None:
    """Install Debian's packages; their daemons are not started."""
    debian.install(*PACKAGES, answers=_QUESTIONS)


class Namespace:
    """A network with the loopback only, and process numbers that end together."""

    def __init__(self) -> None:
        self._unshare = subprocess.Popen(
            ["unshare", "--net", "--pid", "--mount-proc", "--fork", "--kill-child", sys.executable, "-c", _HOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._unshare.stdout is not None
        if self._unshare.stdout.readline() != "up\n":
            _, why = self._unshare.communicate()
            raise PermissionError(f"this process may not make namespaces: {why.strip()}")
        children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children").read_text().split()
        self.enter = ["nsenter", f"--target={children[0]}", "--net", "--pid", "--mount"]

    def close(self) -> None:
        self._unshare.kill()
        self._unshare.communicate()


class GridEngine:
    """The daemons, and programs that talk to them.

    Args:
        folder: For all its files.
        slots: How many jobs run at once.
        enter: The beginning of a command that runs in its namespace.
    """

    def __init__(self, folder: Path, slots: int, enter: list[str]) -> None:
        self._folder = folder
        self._enter = enter
        master, execution = _free_ports(2)
        self._environment = os.environ | {
            "SGE_ROOT": str(folder / "root"),
            "SGE_CELL": "default",
            "SGE_ARCH": "lx-amd64",
            "SGE_CLUSTER_NAME": "tests",
            "SGE_QMASTER_PORT": str(master),
            "SGE_MASTER_PIDFILE": str(folder / "qmaster.pid"),
            "SGE_EXECD_PIDFILE": str(folder / "execd.pid"),
            "SGE_EXECD_PORT": str(execution),
        }
        self._lay_out()
        self._start(slots)

    def _lay_out(self) -> None:
        folder, root = self._folder, self._folder / "root"
        common = root / "default" / "common"
        for directory in (common, folder / "spool/qmaster/job_scripts", folder / "spool/execd"):
            directory.mkdir(parents=True)
        for name in ("bin", "lib", "util", "utilbin"):
            (root / name).symlink_to(f"/var/lib/gridengine/{name}")
        spooling = f"{common};{folder}/spool/qmaster"
        bootstrap = {
            "admin_user": _user(),
            "default_domain": "none",
            "ignore_fqdn": "true",
            "spooling_method": "classic",
            "spooling_lib": "libspoolc",
            "spooling_params": spooling,
            "binary_path": "/usr/sbin",
            "qmaster_spool_dir": f"{folder}/spool/qmaster",
            "security_mode": "none",
            "listener_threads": "2",
            "worker_threads": "2",
            "scheduler_threads": "1",
        }
        (common / "bootstrap").write_text(_table(bootstrap))
        (common / "act_qmaster").write_text(f"{HOST}\n")
        (common / "cluster_name").write_text("tests\n")
        (common / "host_aliases").write_text(f"{HOST} {socket.gethostname()}\n")
        changes = {
            "execd_spool_dir": f"{folder}/spool/execd",
            "min_uid": "0",
            "min_gid": "0",
            "load_report_time": "00:00:05",
        }
        standard = Path("/usr/share/gridengine/default-configuration").read_text()
        (folder / "configuration").write_text(
            _changed(standard, changes).replace("flush_time=00:00:15", "flush_time=00:00:01")
        )
        self._call(f"{PROGRAMS}/spoolinit", "classic", "libspoolc", spooling, "init")
        for what, source in (
            ("configuration", f"{folder}/configuration"),
            ("complexes", f"{RESOURCES}/centry"),
            ("usersets", f"{RESOURCES}/usersets"),
            ("managers", _user()),
        ):
            self._call(f"{PROGRAMS}/spooldefaults", what, source)

    def _start(self, slots: int) -> None:
        self._call("sge_qmaster")
        self.until(lambda: self._question("qconf", "-sh").returncode == 0, "the master answers")
        self._call("qconf", "-ah", HOST)
        self._call("qconf", "-as", HOST)
        pace = {
            "schedule_interval": "0:0:1",
            "flush_submit_sec": "1",
            "flush_finish_sec": "1",
            "job_load_adjustments": "NONE",
            "load_adjustment_decay_time": "0:0:0",
        }
        self._configure("-ssconf", pace, "-Msconf")
        for name in ("make", "smp"):
            self._call("qconf", "-Ap", f"{RESOURCES}/pe/{name}")
        self._call("sge_execd")
        queue = {
            "qname": "all.q",
            "hostlist": HOST,
            "slots": str(slots),
            "pe_list": "make smp",
            "load_thresholds": "NONE",
            "shell": "/bin/sh",
            "shell_start_mode": "unix_behavior",
            "min_cpu_interval": "0:0:1",
            "notify": "0:0:2",
        }
        self._configure("-sq", queue, "-Aq")
        self.until(
            lambda: self._question("qstat", "-f").stdout.rstrip().endswith("lx-amd64"), "the host reports itself"
        )

    def _configure(self, show: str, changes: dict[str, str], modify: str) -> None:
        """Ask for a table, change some of its lines, and hand it back."""
        shown = self._shown("qconf", show)
        path = self._folder / modify.strip("-")
        path.write_text(_changed(shown, changes))
        self._call("qconf", modify, str(path))

    def _ask(self, *argv: str, patience_s: float = 120) -> subprocess.CompletedProcess[str]:
        command = [*self._enter, *argv]
        return subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=patience_s)

    def _question(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """What one of its commands shows; asked again if it hangs, as it may if its daemons have stood still."""
        for patience_s in (10, 30, 120):
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self._ask(*argv, patience_s=patience_s)
        raise TimeoutError(f"{argv} does not end")

    def _shown(self, *argv: str) -> str:
        done = self._question(*argv)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def _call(self, *argv: str) -> subprocess.CompletedProcess[str]:
        done = self._ask(*argv)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done

    def until(self, happened: object, what: str) -> None:
        """Wait for something that only asking tells."""
        assert callable(happened)
        end = time.monotonic() + PATIENCE_S
        while not happened():
            assert time.monotonic() < end, f"Grid Engine: not within {PATIENCE_S} s: {what}"
            time.sleep(0.05)

    def jobs(self) -> list[str]:
        """The numbers of all jobs that wait or run."""
        return [line.split()[0] for line in self._shown("qstat").splitlines()[2:]]

    def call(self, *argv: str) -> str:
        """What one of its commands answers."""
        return self._call(*argv).stdout

    def stop_master(self) -> None:
        """Kill the master; jobs go on."""
        pid = (self._folder / "spool/qmaster/qmaster.pid").read_text().strip()
        self._call("kill", "-KILL", pid)
        self.until(lambda: self._ask("qstat").returncode != 0, "the master is gone")

    def start_master(self) -> None:
        """Start the master again, with all that it knew."""
        self._call("sge_qmaster")
        self.until(lambda: self._question("qstat").returncode == 0, "the master answers again")

    def program(self, path: Path, *args: str, folder: Path, **variables: str) -> subprocess.Popen[str]:
        """Start a Python program that may use DRMAA, in a working directory, with variables of its own."""
        # The library wants more thread-local storage than is left when Python loads it, unless jemalloc is there first.
        environment = ["env", f"--chdir={folder}", f"DRMAA_LIBRARY_PATH={LIBRARY}", "LD_PRELOAD=libjemalloc.so.2"]
        return subprocess.Popen(
            [*self._enter, *environment, sys.executable, str(path), *args],
            env=self._environment | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def python(self, program: str, folder: Path, **variables: str) -> str:
        """What a few lines of Python print."""
        argv = [*self._enter, "env", f"--chdir={folder}", sys.executable, "-c", program]
        environment = self._environment | variables
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout


def end_daemons(folder: Path) -> None:
    """End the daemons that have no namespace to end with; asked for politely, the master would take ten seconds."""
    for path in folder.rglob("*.pid"):
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(path.read_text()), signal.SIGKILL)


def _user() -> str:
    return subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()


def _table(rows: dict[str, str]) -> str:
    return "".join(f"{name} {value}\n" for name, value in rows.items())


def _changed(table: str, changes: dict[str, str]) -> str:
    lines = [line for line in table.splitlines() if line.split(" ")[0].split("\t")[0] not in changes]
    return "\n".join([*lines, _table(changes)])


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
