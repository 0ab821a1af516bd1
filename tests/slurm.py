"""A Slurm of its own for tests: several nodes on one host, all state in one folder, on the loopback only.

Its daemons and all jobs live in a namespace of process numbers, which takes them along when it ends; and it ends with
the process that made it, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests import debian
from tests.slurm_accounting import Accounting

PACKAGES = ("slurm-wlm", "munge")
PATIENCE_S = 60.0
MEMORY_MIB = 4000
"""Of each node, as Slurm counts; the machine need not have it."""

_HOLDER = """
import signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the first process inherits all daemons; no zombies of them
print("up", flush=True)
sys.stdin.read()
"""


def missing() -> str:
    """What has to be installed, as a sentence; empty if nothing has to be."""
    programs = ("slurmctld", "slurmd", "munged", "sbatch", "squeue")
    return "" if all(map(_find, programs)) else f"no Slurm: apt install {' '.join(PACKAGES)}"


def install() -> None:
    """Install Debian's packages; their daemons are not started."""
    debian.install(*PACKAGES)


def _find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


class _Namespace:
    """Process numbers that end together; none (and `enter` is empty) where this process may not make them."""

    def __init__(self) -> None:
        # An ordinary user may make one as well, if a new one of users comes with it.
        user = [] if os.geteuid() == 0 else ["--user", "--map-current-user"]
        self._unshare = subprocess.Popen(
            ["unshare", *user, "--pid", "--mount-proc", "--fork", "--kill-child", sys.executable, "-c", _HOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._unshare.stdout is not None
        self.enter: list[str] = []
        if self._unshare.stdout.readline() == "up\n":
            number = self._unshare.pid
            (child,) = Path(f"/proc/{number}/task/{number}/children").read_text().split()
            self.enter = ["nsenter", f"--target={child}", "--pid", "--mount"]
            self.enter += ["--user", "--preserve-credentials"] if user else []

    def close(self) -> None:
        self._unshare.kill()
        self._unshare.communicate()


class _Ports:
    """Ports that are free, and given to no other Slurm of tests on this host before this one ends."""

    def __init__(self) -> None:
        self._marks: list[socket.socket] = []

    def take(self, count: int) -> list[int]:
        """Some below those that the system itself gives to connections, of which one could come between two starts."""
        ports: list[int] = []
        while len(ports) < count:
            port = random.randrange(20_000, 32_000)
            mark = socket.socket(socket.AF_UNIX)
            try:
                mark.bind(f"\0gangline-tests-port-{port}")  # a name without a file, which ends with its holder
                with socket.socket() as attempt:
                    attempt.bind(("127.0.0.1", port))
            except OSError:
                mark.close()
                continue
            ports.append(port)
            self._marks.append(mark)
        return ports

    def close(self) -> None:
        """Others may have them."""
        for mark in self._marks:
            mark.close()


class Slurm:
    """The daemons, and programs that talk to them.

    Args:
        folder: For all its files; short, since a socket's path is.
        nodes: How many; they are n1, n2, and so on.
        cpus: Of each, as Slurm counts.
        settings: Lines of slurm.conf to have instead or in addition.
        accounting: Whether it keeps accounts, which needs more packages (see `slurm_accounting`) and some seconds.

    Attributes:
        environment: What a program has to have in its environment to talk to it.
    """

    def __init__(
        self,
        folder: Path,
        nodes: int = 3,
        cpus: int = 4,
        settings: dict[str, str] | None = None,
        *,
        accounting: bool = False,
    ) -> None:
        self._folder = folder
        self._user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        self._ports = _Ports()
        self._accounting = Accounting(folder, self._ports.take(2)) if accounting else None
        self.nodes = [f"n{number + 1}" for number in range(nodes)]
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        self._lay_out(cpus, (self._accounting.settings if self._accounting else {}) | (settings or {}))
        self._namespace = _Namespace()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _lay_out(self, cpus: int, settings: dict[str, str]) -> None:
        folder = self._folder
        for name in ("state", "log", "munge", *(f"spool/{node}" for node in self.nodes)):
            (folder / name).mkdir(parents=True)
        folder.chmod(0o755)
        key = folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))
        host = socket.gethostname().split(".")[0]
        control, *ports = self._ports.take(1 + len(self.nodes))
        table = {
            "ClusterName": "tests",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmctldPort": str(control),
            "SlurmUser": self._user,
            "SlurmdUser": self._user,
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={folder}/munge/socket",
            "CredType": "cred/munge",
            "CommunicationParameters": "NoCtldInAddrAny,NoInAddrAny",
            "StateSaveLocation": f"{folder}/state",
            "SlurmdSpoolDir": f"{folder}/spool/%n",
            "SlurmctldPidFile": f"{folder}/slurmctld.pid",
            "SlurmdPidFile": f"{folder}/slurmd-%n.pid",
            "SlurmctldLogFile": f"{folder}/log/slurmctld",
            "SlurmdLogFile": f"{folder}/log/%n",
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none",
            "SwitchType": "switch/none",
            "MpiDefault": "none",
            "ReturnToService": "2",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_CPU_Memory",
            "DefMemPerCPU": "100",
            "SlurmdParameters": "config_overrides",
            "SchedulerType": "sched/backfill",
            "SchedulerParameters": "sched_interval=1,bf_interval=2,sched_min_interval=0,batch_sched_delay=0",
            # Daemons of a machine that has much else to do may take long to answer; see `impatient`.
            "MessageTimeout": "60",
            "TCPTimeout": "60",
            "BatchStartTimeout": "120",
            "SlurmctldTimeout": "120",
            "SlurmdTimeout": "300",
            "InactiveLimit": "0",
            "KillWait": "1",
            "MinJobAge": "300",
            "Waittime": "0",
            "JobRequeue": "0",
            "AccountingStorageType": "accounting_storage/none",
            "JobAcctGatherType": "jobacct_gather/linux",
            "JobAcctGatherFrequency": "1",
            "JobAcctGatherParams": "OverMemoryKill",
            "JobCompType": "jobcomp/none",
        } | settings
        lines = [f"{name}={value}" for name, value in table.items()]
        for node, port in zip(self.nodes, ports, strict=True):
            where = f"NodeHostname={host} NodeAddr=127.0.0.1 Port={port}"
            lines.append(f"NodeName={node} {where} CPUs={cpus} RealMemory={MEMORY_MIB} State=UNKNOWN")
        lines.append("PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP")
        lines.append("PartitionName=other Nodes=ALL MaxTime=10 PriorityTier=2 State=UP")
        (folder / "slurm.conf").write_text("\n".join([*lines, ""]))

    def _start(self) -> None:
        munge = {
            "key-file": "munge.key",
            "socket": "munge/socket",
            "pid-file": "munged.pid",
            "log-file": "log/munged",
            "seed-file": "munge.seed",
        }
        # By force, since the folder may be in one that others may write to.
        self._daemon("munged", "--force", *(f"--{name}={self._folder / path}" for name, path in munge.items()))
        if self._accounting is not None:
            self._accounting.start(self._namespace.enter, self._user)
        self._daemon("slurmctld", "-f", self.environment["SLURM_CONF"])
        for node in self.nodes:
            self.start_node(node)
        self._until_known()

    def _until_known(self) -> None:
        def unknown() -> set[str]:
            states = self.ask("sinfo", "--noheader", "--Node", "--partition=main", "--format=%t").stdout.split()
            return set(states) & {"unk", "unk*"} if len(states) == len(self.nodes) else {"no answer"}

        self.until(lambda: not unknown(), "all nodes have told of themselves")

    def _daemon(self, program: str, *args: str) -> None:
        path = _find(program)
        assert path is not None, f"{program} is not installed"
        done = subprocess.run(
            [*self._namespace.enter, path, *args],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def _end_daemon(self, name: str, sign: str) -> None:
        """End a daemon; what it had started goes on."""
        number = (self._folder / f"{name}.pid").read_text().strip()
        subprocess.run([*self._namespace.enter, "kill", f"-{sign}", number], check=True)
        gone = [*self._namespace.enter, "sh", "-c", f"! kill -0 {number} 2>/dev/null"]
        self.until(lambda: subprocess.run(gone).returncode == 0, f"{name} ends")

    def start_controller(self) -> None:
        """Start the controller, and wait until it knows its nodes."""
        self._daemon("slurmctld", "-f", self.environment["SLURM_CONF"])
        self._until_known()

    def stop_controller(self) -> None:
        """End the controller; jobs go on, and nobody answers. It saves its state, as it does all the time anyway."""
        self._end_daemon("slurmctld", "TERM")

    def impatient(self) -> dict[str, str]:
        """What a program has to have in its environment that is not to wait long for a controller that is down."""
        path = self._folder / "impatient.conf"
        text = (self._folder / "slurm.conf").read_text()
        path.write_text(re.sub(r"^MessageTimeout=.*$", "MessageTimeout=1", text, flags=re.MULTILINE))
        return {"SLURM_CONF": str(path)}

    def configure(self, **settings: str) -> None:
        """Change lines of slurm.conf for the controller, which is started anew."""
        path = self._folder / "slurm.conf"
        text = path.read_text()
        for name, value in settings.items():
            text = re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        self.stop_controller()
        path.write_text(text)
        self.start_controller()

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self._daemon("slurmd", "-f", self.environment["SLURM_CONF"], "-N", node)

    def stop_accounting(self) -> None:
        """End the daemon of the accounting as a crash does."""
        self._end_daemon("slurmdbd", "KILL")

    def set_node(self, node: str, state: str) -> None:
        """Change a node: "down" fails its jobs, "drain" lets them end and gives it no more, "resume" is back."""
        self.run("scontrol", "update", f"NodeName={node}", f"State={state}", "Reason=a test")

    def ask(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a program that talks to it."""
        environment = os.environ | self.environment
        return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=PATIENCE_S)

    def run(self, *argv: str) -> str:
        """Run a program that talks to it and must succeed; what it printed."""
        done = self.ask(*argv)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def jobs(self) -> list[str]:
        """The numbers of all jobs that wait or run; those of an array one by one."""
        return self.run("squeue", "--noheader", "--array", "--format=%i").split()

    def state(self, job: str) -> str:
        """The state of a job in Slurm's words, such as COMPLETED; empty if it is not known any more."""
        done = self.ask("squeue", "--noheader", "--states=all", "--array", "--format=%T", f"--jobs={job}")
        return done.stdout.strip()

    def cancel_all(self) -> None:
        """End all jobs, and wait until they have."""
        for partition in ("main", "other"):
            self.run("scancel", f"--partition={partition}", "--quiet")
        self.until(lambda: not self.jobs(), "all jobs end")

    def until(self, happened: Callable[[], object], what: str) -> None:
        """Wait for something that only asking tells."""
        end = time.monotonic() + PATIENCE_S
        while not happened():
            assert time.monotonic() < end, f"Slurm: not within {PATIENCE_S} s: {what}\n{self._told()}"
            time.sleep(0.02)

    def _told(self) -> str:
        """The ends of all logs."""
        logs = sorted((self._folder / "log").iterdir())
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in logs)

    def close(self) -> None:
        """End all daemons and jobs."""
        if not self._namespace.enter:
            with contextlib.suppress(AssertionError):
                self.cancel_all()
            for path in self._folder.glob("*.pid"):
                with contextlib.suppress(OSError, ValueError):
                    os.kill(int(path.read_text()), signal.SIGKILL)
        self._namespace.close()
        self._ports.close()


@contextlib.contextmanager
def started(
    folder: Path,
    nodes: int = 3,
    cpus: int = 4,
    settings: dict[str, str] | None = None,
    *,
    accounting: bool = False,
) -> Iterator[Slurm]:
    """Have a Slurm for a while; see `Slurm`."""
    slurm = Slurm(folder, nodes, cpus, settings, accounting=accounting)
    try:
        yield slurm
    finally:
        slurm.close()
