"""What the cases share: clients, gates that hold tasks, programs that are run, and a way to wait with a deadline."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gangline.views as ipp

DEADLINE_S = 60.0
ELSEWHERE = os.environ.get("GANGLINE_TEST_CLUSTER")
"""The address of a Dask cluster whose workers shall take the place of local processes in all cases."""


def _until(question: Callable[[], Any], timeout_s: float = DEADLINE_S, what: str = "") -> Any:
    end = time.monotonic() + timeout_s
    while not (answer := question()):
        if time.monotonic() > end:
            pytest.fail(f"{what or 'the awaited condition'} did not come within {timeout_s} s")
        time.sleep(0.005)
    return answer


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    """Ask until the answer is true; fail after the deadline."""
    return _until


def _state(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def _alive(pid: int) -> bool:
    return _state(pid) not in (None, "Z")


@pytest.fixture(scope="session")
def stopped() -> Callable[[int], bool]:
    """Whether a process stands still."""
    return lambda pid: _state(pid) == "T"


@pytest.fixture(scope="session")
def alive() -> Callable[[int], bool]:
    """Whether a process still runs (a zombie does not)."""
    return _alive


# Clients --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _clients() -> Iterator[dict[str, ipp.Client]]:
    clients: dict[str, ipp.Client] = {}
    yield clients
    for client in clients.values():
        client.close()


def _start_client(n: int, backend: Any, **options: Any) -> ipp.Client:
    if ELSEWHERE and backend == "processes" and not options.keys() & {"memory_limit_bytes", "python"}:
        return ipp.Client(ELSEWHERE, n=n, **options)
    return ipp.Client(n=n, backend=backend, **options)


def _shared(clients: dict[str, ipp.Client], backend: str) -> ipp.Client:
    """The client that all gentle tests of a backend use; a new one if a test has spoilt it."""
    client = clients.get(backend)
    if client is None or client.closed or client.ids != [0, 1]:
        if client is not None:
            client.close()
        client = clients[backend] = _start_client(2, backend)
        client.wait_for_engines(2, timeout=DEADLINE_S)
    return client


def _lend(clients: dict[str, ipp.Client], backend: str) -> Iterator[ipp.Client]:
    client = _shared(clients, backend)
    yield client
    if not client.closed and client.wait(timeout=60):
        client.purge_everything()
        client.clear(block=True)
    else:
        client.close()


@pytest.fixture
def rc(_clients: dict[str, ipp.Client]) -> Iterator[ipp.Client]:
    """A client with engines 0 and 1 as processes, shared by tests that leave it whole."""
    yield from _lend(_clients, "processes")


@pytest.fixture
def borrowed(request: pytest.FixtureRequest) -> ipp.Client | None:
    """The shared client that the test asks for, if it asks for one."""
    asked_for = [name for name in ("rc", "both_rc", "any_rc") if name in request.fixturenames]
    return request.getfixturevalue(asked_for[0]) if asked_for else None


@pytest.fixture
def lview(rc: ipp.Client) -> ipp.LoadBalancedView:
    return rc.load_balanced_view()


@pytest.fixture(params=["threads", "processes"])
def both_rc(request: pytest.FixtureRequest, _clients: dict[str, ipp.Client]) -> Iterator[ipp.Client]:
    """Like `rc`, on each backend whose engines work beside the client."""
    yield from _lend(_clients, request.param)


@pytest.fixture(params=["inline", "threads", "processes"])
def any_rc(request: pytest.FixtureRequest, _clients: dict[str, ipp.Client]) -> Iterator[ipp.Client]:
    """Like `rc`, on every backend; nothing can be held with it, since inline tasks end before `apply` returns."""
    yield from _lend(_clients, request.param)


@pytest.fixture
def new_client() -> Iterator[Callable[..., ipp.Client]]:
    """Makes clients that the test may break."""
    made: list[ipp.Client] = []

    def make(n: int = 2, backend: Any = "processes", **options: Any) -> ipp.Client:
        client = _start_client(n, backend, **options)
        made.append(client)
        if n:
            client.wait_for_engines(n, timeout=DEADLINE_S)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def growing() -> Iterator[Callable[[int], ipp.Client]]:
    """Makes clients of clusters that can be given more engines: ``client.cluster.start_engines_sync(1)``."""
    made: list[ipp.Cluster] = []

    def make(n: int) -> ipp.Client:
        cluster = ipp.Cluster(n=n)
        made.append(cluster)
        cluster.start_cluster_sync()
        return cluster.connect_client_sync()

    yield make
    for cluster in made:
        cluster.stop_cluster_sync()


@pytest.fixture
def fresh(new_client: Callable[..., ipp.Client]) -> ipp.Client:
    """A client of two processes that the test may break."""
    return new_client()


# Tasks that wait ------------------------------------------------------------------------------------------------------


class Gate:
    """Holds tasks until it is opened. A file, so that it works in whatever process or thread a task runs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._open = folder / "open"
        self._starts = folder / "starts"
        self._starts.touch()

    def open(self) -> None:
        self._open.touch()

    @property
    def started(self) -> list[int]:
        """The process of each task that has come to the gate, in order."""
        return [int(line) for line in self._starts.read_text().split()]

    def wait_for(self, count: int = 1) -> list[int]:
        """Wait until so many tasks are held."""
        return _until(lambda: self.started if len(self.started) >= count else None, what=f"{count} tasks at the gate")

    def hold(self, value: Any = None, error: BaseException | None = None) -> Callable[..., Any]:
        """A function that waits for the gate, then returns the value or raises the error."""
        opened, starts = str(self._open), str(self._starts)

        def held(*_: Any) -> Any:
            import os
            import time

            with open(starts, "a") as file:
                file.write(f"{os.getpid()}\n")
            end = time.monotonic() + 240
            while not os.path.exists(opened) and time.monotonic() < end:
                time.sleep(0.005)
            if error is not None:
                raise error
            return value

        return held


@pytest.fixture
def new_gate(tmp_path: Path) -> Iterator[Callable[[], Gate]]:
    made: list[Gate] = []

    def make() -> Gate:
        made.append(Gate(tmp_path / f"gate{len(made)}"))
        return made[-1]

    yield make
    for gate in made:
        gate.open()


@pytest.fixture
def gate(new_gate: Callable[[], Gate]) -> Gate:
    return new_gate()


# Programs -------------------------------------------------------------------------------------------------------------


class Program:
    """A script in a process of its own, which may be interrupted or killed."""

    def __init__(self, folder: Path, text: str, **environment: str) -> None:
        script = folder / "program.py"
        script.write_text(text)
        self.errors = folder / "stderr.txt"
        with self.errors.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-u", str(script)],
                cwd=folder,
                env=os.environ | {"FOLDER": str(folder)} | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )

    @property
    def stderr(self) -> str:
        return self.errors.read_text()

    def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the program ended: {self.stderr}"
        return line.strip()

    def wait_until_it_waits(self) -> None:
        """Wait until its main thread has been asleep twice in a row."""

        def asleep() -> bool:
            return _state(self.process.pid) == "S"

        _until(lambda: asleep() and time.sleep(0.05) is None and asleep(), what="the program's wait")

    def send(self, signum: signal.Signals) -> None:
        self.process.send_signal(signum)

    def finish(self, timeout_s: float = DEADLINE_S) -> str:
        """Its remaining output; fails if it does not end by itself."""
        try:
            output, _ = self.process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            pytest.fail(f"the program did not end within {timeout_s} s: {self.stderr}")
        return output


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    """Runs a text as a script; it finds a folder of its own in the environment variable FOLDER, beside those given."""
    made: list[Program] = []

    def start(text: str, **environment: str) -> Program:
        folder = tmp_path / f"program{len(made)}"
        folder.mkdir()
        made.append(Program(folder, text, **environment))
        return made[-1]

    yield start
    for program in made:
        if program.process.poll() is None:
            program.process.kill()
        program.process.communicate()
