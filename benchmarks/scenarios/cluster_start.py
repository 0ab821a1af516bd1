"""From nothing to a cluster that stays, and to the first task that a client has run on it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.scenario import GANGLINE, Contender, Figure, Scenario, Target, Unit

CLUSTER_ENGINES = 8
IPCLUSTER = "ipcluster start"
PATIENCE_S = 120.0

OURS = """
from gangline import Client
with Client() as rc:
    assert rc.load_balanced_view().apply_sync(abs, -1) == 1
"""
THEIRS = """
import ipyparallel
rc = ipyparallel.Client(timeout=120)
rc.wait_for_engines(1)
assert rc.load_balanced_view().apply_sync(abs, -1) == 1
"""


def run(*words: str) -> None:
    """Run a program of this environment."""
    program = Path(sys.executable).parent / words[0]
    subprocess.run([str(program), *words[1:]], check=True, stdout=subprocess.DEVNULL)


def measure(start: tuple[str, ...], ready: Callable[[Path], bool], use: str, stop: tuple[str, ...], _: int) -> Figure:
    """Seconds from the command until another program has had a task run."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"GANGLINE_CLUSTERS": f"{home}/clusters", "IPYTHONDIR": f"{home}/ipython", "HOME": home}
        begun = time.perf_counter()
        try:
            run(*start)
            while not ready(Path(home)):
                assert time.perf_counter() - begun < PATIENCE_S
                time.sleep(0.01)
            run("python", "-c", use)
            return Figure(time.perf_counter() - begun)
        finally:
            run(*stop)


def _is_described(home: Path) -> bool:
    return (home / "ipython/profile_default/security/ipcontroller-client.json").exists()


SCENARIO = Scenario(
    name="cluster_start",
    title=f"a cluster of {CLUSTER_ENGINES} local engines that stays: from its start to the first task of a client",
    unit=Unit.MILLISECONDS,
    contenders=(
        Contender(
            GANGLINE,
            partial(
                measure,
                ("gangline", "cluster", "start", "--num-engines", str(CLUSTER_ENGINES)),
                lambda _: True,
                OURS,
                ("gangline", "cluster", "stop"),
            ),
            1,
            1,
        ),
        Contender(
            IPCLUSTER,
            partial(
                measure,
                ("ipcluster", "start", "-n", str(CLUSTER_ENGINES), "--daemonize", "--log-level=40"),
                _is_described,
                THEIRS,
                ("ipcluster", "stop", "--log-level=40"),
            ),
            1,
            1,
        ),
    ),
    targets=(Target(IPCLUSTER, 2),),
    note=(
        f"Gangline's start returns when all {CLUSTER_ENGINES} engines can be used; of ipcluster, the client waits for "
        "its connection file and the first engine."
    ),
)
