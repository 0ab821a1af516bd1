"""Jobs that the tests enter. Each says in a file what it does, so that what ran how often is seen from outside."""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import time

from gangline.queue import CoreLoadJob, DurableJob


def tell(log: str, text: str) -> None:
    """Add a line to a file, whole even when many write."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)


def wait_for(gate: str) -> None:
    """Wait until a test makes a file."""
    while not os.path.exists(gate):
        time.sleep(0.01)


class Write(DurableJob):
    def execute(self, log: str, text: str) -> None:
        tell(log, text)


class Sleep(DurableJob):
    """Takes some time, and goes on until its gate is open. It says in which process it runs, and of which worker."""

    error_time = 0

    def execute(self, log: str, name: str = "", seconds: float = 0.0, gate: str = "") -> None:
        tell(log, f"begin {name} {os.getpid()} {os.getppid()}")
        time.sleep(seconds)
        if gate:
            wait_for(gate)
        tell(log, f"end {name} {os.getpid()} {os.getppid()}")


class StopWorker(DurableJob):
    """Has a worker stand still if that is the one that runs it, and ends meanwhile; elsewhere it waits for its gate."""

    def execute(self, log: str, victim: int, gate: str) -> None:
        if os.getppid() == victim:
            os.kill(victim, signal.SIGSTOP)
            while state_of(victim) != "T":
                time.sleep(0.001)
        tell(log, "begin")
        if os.getppid() != victim:
            wait_for(gate)
        tell(log, "end")


def state_of(pid: int) -> str:
    """What a process does, as the kernel has it."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


class Dated(DurableJob):
    """Says for which time of its schedule it runs."""

    def execute(self, log: str, name: str) -> None:
        tell(log, f"{name} {self.due_at.isoformat() if self.due_at else None}")


class Where(DurableJob):
    """Says on which host it runs."""

    def execute(self, log: str, number: int, gate: str = "") -> None:
        host = socket.gethostname()
        tell(log, f"begin {host}")
        if gate:
            wait_for(gate)
        tell(log, f"end {host}")


class Limited(Sleep):
    max_parallel = 2


class Die(DurableJob):
    error_time = 0

    def execute(self, how: str, log: str) -> None:
        tell(log, f"trial {self.trial}")
        print("the last words")
        match how:
            case "kill":
                self.until_heard()
                os.kill(os.getpid(), 9)
            case "exit":
                self.until_heard()
                os._exit(3)
            case "segfault":
                ctypes.string_at(0)
            case "sys.exit":
                sys.exit("enough")
            case "raise":
                raise ValueError("no good")

    def until_heard(self) -> None:
        """What is said in the very moment of death may be lost: wait until it has arrived."""
        while not any("last words" in line.text for line in self.queue.logs(self.id) if line.trial == self.trial):
            time.sleep(0.02)


class Family(DurableJob):
    """Starts processes of its own, which would go on."""

    def execute(self, log: str) -> None:
        subprocess.run(["sh", "-c", f"sleep 600 & echo $$ $! >> {log}; wait"], check=True)


class Fragile(DurableJob):
    attempts = 3
    error_time = 0.5

    def execute(self, log: str) -> None:
        tell(log, f"{self.trial} {time.monotonic()}")
        if self.trial < 3:
            raise OSError(f"trial {self.trial} failed")


class Patient(DurableJob):
    defer_time = 0

    def execute(self, times: int) -> None:
        if self.trial <= times:
            self.defer("%d of %d", self.trial, times)


class Hesitant(DurableJob):
    defer_time = 0
    defer_max = 0.3

    def execute(self) -> None:
        self.defer("not yet")


class Slow(DurableJob):
    wall_time = 0.5
    wall_action = "kill"

    def execute(self) -> None:
        time.sleep(600)


class Silent(DurableJob):
    zombie_time = 0.5

    def execute(self, gate: str) -> None:
        wait_for(gate)


class Talkative(DurableJob):
    progress_interval = 0

    def execute(self, gate: str) -> str:
        print("to stdout")
        print("to stderr", file=sys.stderr)
        subprocess.run(["sh", "-c", "echo from a child"], check=True)
        self.logger.warning("careful with %s", "this")
        self.progress(0.25, "a quarter of %d", 4)
        self.set_source("some file")
        wait_for(gate)
        return "said"


class Flood(DurableJob):
    def execute(self, characters: int) -> None:
        sys.stdout.write("x" * characters)


class DivideAndConquer(CoreLoadJob):
    """The pattern as it stands in the documents of core4."""

    author = "mra"
    defer_time = 1
    max_parallel = 5

    def execute(self, chunksize=None, **kwargs):  # noqa: RET503  as it stands there
        if chunksize:
            if self.trial == 1:
                self.launch(chunksize)
                self.defer("waiting")
            return self.monitor()
        self.work(**kwargs)

    def launch(self, chunksize):
        for start in range(0, 100, chunksize):
            self.queue.enqueue(DivideAndConquer, mid=str(self._id), start=start, size=chunksize)

    def work(self, start, size, **kwargs):
        tell("work.log", f"{start} {size}")

    def monitor(self):
        n = self.config.sys.queue.count_documents({"args.mid": str(self._id)})
        if n > 0:
            self.defer("[%d] job still running", n)


class Hungry(DurableJob):
    """Is allowed some memory, and wants more."""

    def execute(self, log: str) -> None:
        tell(log, f"trial {self.trial}")
        resource.setrlimit(resource.RLIMIT_AS, (512 * 1024 * 1024, resource.RLIM_INFINITY))
        try:
            print(len(bytearray(1024 * 1024 * 1024)))
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Eaten(DurableJob):
    """Is what the kernel chooses when the memory of its group is used up."""

    def execute(self, group: str, log: str) -> None:
        tell(log, f"trial {self.trial}")
        with open(f"{group}/cgroup.procs", "w") as file:
            file.write(str(os.getpid()))
        kept = [bytearray(os.urandom(1024 * 1024)) for _ in range(200)]
        print(len(kept))


class Once(DurableJob):
    """Its work is one transaction with its completion; then its process may be killed before it can say so."""

    error_time = 0

    def execute(self, log: str, number: int, kills_worker: bool = False) -> None:
        tell(log, f"{number} {self.trial}")
        with self.completion() as connection:
            connection.execute(f"INSERT INTO totals VALUES ({number})")
        if kills_worker and self.trial == 1:
            os.kill(os.getppid(), 9)
            time.sleep(600)


class Quick(DurableJob):
    error_time = 0

    def execute(self, log: str, n: int, gate: str = "") -> None:
        tell(log, str(n))
        if gate:
            wait_for(gate)


class Parent(DurableJob):
    """Ends when a child of it has ended badly, and says which."""

    defer_time = 0.1

    def execute(self, how: str, log: str) -> None:
        tell(log, f"{self.id} {self.trial}")
        if self.trial == 1:
            self.queue.enqueue(Child, how=how, mid=self.id, log=log)
        counts = self.queue.children(self.id)
        if counts.unfinished:
            self.defer("%d up", counts.unfinished)
        if counts.unsuccessful:
            (bad,) = self.queue.find({"parent": self.id, "state": {"$in": ["error", "inactive", "killed"]}})
            raise RuntimeError(f"child {bad.id} is {bad.state}")


class Child(DurableJob):
    defer_time = 0
    defer_max = 0

    def execute(self, how: str, mid: int, log: str) -> None:
        if os.path.exists("repaired"):
            return
        match how:
            case "error":
                raise ValueError("no good")
            case "inactive":
                time.sleep(0.05)
                self.defer("for ever")
            case "killed":
                tell(log, "child runs")
                time.sleep(600)
