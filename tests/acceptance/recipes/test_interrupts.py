"""R15: whoever ends the master ends what runs on the hosts, and all of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """
import signal, sys
from gangline.recipes import BaseRecipe, ComputeJob, RemoteCommandRecipeMixIn

class Waits(BaseRecipe, RemoteCommandRecipeMixIn):
    pass

before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
folder, hosts = sys.argv[1], sys.argv[2:]
# Each job has a child that would outlive it, and ignores a gentle end.
text = "; ".join([
    "trap '' TERM INT",
    f"echo $$ > {folder}/$0.pid",
    f"sleep 300 & echo $! > {folder}/$0.child",
    f"touch {folder}/$0.up; wait; sleep 300",
])
jobs = [ComputeJob(host, ["sh", "-c", text, f"{host}-{n}"]) for host in hosts for n in range(3)]
try:
    Waits()._schedule_jobs(jobs)
finally:
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before
    print([job.outcome.kind for job in jobs], flush=True)
"""


def wait_until(condition: Callable[[], bool], limit_s: float = 60) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def start(tmp_path: Path, *hosts: str, **more: object) -> subprocess.Popen[str]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    folder = tmp_path / "state"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, program, folder, *hosts], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, **more,
    )  # fmt: skip
    wait_until(lambda: len(list(folder.glob("*.up"))) == 3 * len(hosts))
    return process


def pids(tmp_path: Path) -> list[int]:
    return [int(file.read_text()) for file in (tmp_path / "state").iterdir() if file.suffix in (".pid", ".child")]


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_r15_an_interrupted_master_ends_the_groups_and_leaves_no_orphans(
    tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    process = start(tmp_path, "localhost")
    os.kill(process.pid, signum)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert out == "['cancelled', 'cancelled', 'cancelled']\n"
    wait_until(lambda: not any(map(is_running, pids(tmp_path))))


def test_r15_a_master_that_is_killed_leaves_no_orphans(tmp_path: Path) -> None:
    process = start(tmp_path, "localhost")
    process.kill()
    process.communicate()
    wait_until(lambda: not any(map(is_running, pids(tmp_path))))
