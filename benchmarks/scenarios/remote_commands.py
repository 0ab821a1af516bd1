"""Commands that do nothing, over ssh on three hosts."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit, seconds

if TYPE_CHECKING:
    from tests.hosts import Hosts

COMMANDS = 1000
SLOTS = 4
"""How many run at once on each host."""

PARALLEL = "GNU parallel, ssh with ControlMaster"
LOOP = "ssh in a loop"


@contextmanager
def three_hosts() -> Iterator[Hosts]:
    """Namespaces of this machine, each with an sshd, as the tests have them."""
    from tests.hosts import started_hosts

    with tempfile.TemporaryDirectory(prefix="gl") as folder, closing(started_hosts(Path(folder))) as hosts:
        yield next(hosts)


def measure_ours(size: int) -> Figure:
    """Seconds by command, from nothing until all connections are closed again."""
    from gangline._runtime.session import Session
    from gangline.backends.hosts import HostsBackend, resource_of, run_command
    from gangline.messages import Terms
    from gangline.remote import Command, ConnectionOptions

    with three_hosts() as hosts:

        def work() -> None:
            backend = HostsBackend(ConnectionOptions(hosts.ssh()))
            with Session(backend, engines=0) as session:
                for name in hosts.names:
                    backend.connect(name, SLOTS)
                terms = [Terms(resources=((resource_of(name), 1.0),), patient=True) for name in hosts.names]
                command = Command(("true",))
                handles = [session.submit(run_command, (command,), {}, terms[n % 3]) for n in range(size)]
                session.wait(handles)
                assert all(handle.status == "ok" for handle in handles)

        return Figure(seconds(work) / size)


def measure_parallel(size: int) -> Figure:
    """Seconds by command; the connections are there already."""
    program = shutil.which("parallel")
    if program is None:
        raise FileNotFoundError("no GNU parallel: apt install parallel")
    with three_hosts() as hosts:
        options = ["-F", str(hosts.config), "-o", f"ControlPath={hosts.folder}/master-%n"]
        for name in hosts.names:
            master = ["ssh", *options, "-o", "ControlMaster=yes", "-o", "ControlPersist=yes", name, "true"]
            subprocess.run(master, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            subprocess.run(["ssh", *options, "-O", "check", name], check=True, capture_output=True)
        try:
            names = "".join(f"{hosts.names[n % 3]}\n" for n in range(size))
            command = [program, "--will-cite", f"--jobs={3 * SLOTS}", "ssh", *options, "{}", "true"]
            home = os.environ | {"HOME": str(hosts.folder)}  # nothing is asked, and nothing kept
            took_s = seconds(lambda: subprocess.run(command, input=names, text=True, check=True, env=home))
        finally:
            for name in hosts.names:
                subprocess.run(["ssh", *options, "-O", "exit", name], check=False, capture_output=True)
        return Figure(took_s / size)


def measure_loop(size: int) -> Figure:
    """Seconds by command, one after another, a connection for each."""
    with three_hosts() as hosts:

        def work() -> None:
            for number in range(size):
                command = ["ssh", "-F", str(hosts.config), hosts.names[number % 3], "true"]
                subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

        return Figure(seconds(work) / size)


SCENARIO = Scenario(
    name="remote_commands",
    title=f"{COMMANDS:,} times `true` over ssh on 3 hosts of this machine",
    unit=Unit.MILLISECONDS,
    contenders=(
        Contender(GANGLINE, measure_ours, COMMANDS, COMMANDS // 4),
        Contender(PARALLEL, measure_parallel, COMMANDS // 2, COMMANDS // 10),
        Contender(LOOP, measure_loop, COMMANDS // 20, COMMANDS // 100),
    ),
    targets=(Target(PARALLEL, 3), Target(LOOP, 20)),
    note=(
        "Cost by command. Gangline's includes making and closing its connections; parallel finds its own made. "
        f"{SLOTS} at once on each host."
    ),
)
