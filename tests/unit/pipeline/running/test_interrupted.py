"""Runs that end from outside, as programs of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import Level

PROGRAM = """
import os, sys, time
from gangline.pipeline import *

@originate([f"{number}.0" for number in range(6)])
def start(output):
    with open(output, "w"):
        pass

@transform(start, suffix(".0"), ".1")
def slow(source, output):
    with open(output, "w") as file:
        file.write("half")
        file.flush()
        with open(f"{os.getpid()}.pid", "w"):
            pass
        while source in ("2.0", "3.0") and not os.path.exists("quick"):
            time.sleep(0.01)
        file.write(" and whole")

try:
    pipeline_run(verbose=0, checksum_level=int(sys.argv[1]), **eval(sys.argv[2]))
except KeyboardInterrupt:
    print("interrupted")
"""


def started(level: int, place: str) -> subprocess.Popen[str]:
    Path("program.py").write_text(PROGRAM)
    return subprocess.Popen(
        [sys.executable, "program.py", str(level), place],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(condition: Callable[[], Any]) -> None:
    limit = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def until_only_slow_ones_run(level: int, place: str) -> set[str]:
    """What the others have made, when they are known to have ended."""
    slow = {"2.1"} if place == "{}" else {"2.1", "3.1"}
    wait_for(lambda: all(Path(name).exists() for name in slow))
    made = {path.name for path in Path().glob("*.1")} - slow

    def are_known() -> bool:
        with History.open(None, Level(level), writing=False) as history:
            return made <= history.mtimes.keys() if level else not made & history.begun

    wait_for(are_known)
    return made


def until_gone() -> None:
    """Until the processes are gone in which jobs ran."""
    found = list(Path().glob("*.pid"))
    assert found
    for path in found:
        wait_for(lambda path=path: not Path("/proc", path.stem).exists())  # type: ignore[misc]


@pytest.mark.parametrize("place", ["{}", "{'multiprocess': 2}", "{'multithread': 2}"])
def test_ctrl_c_is_a_keyboard_interrupt_and_leaves_nothing_running(place: str) -> None:
    program = started(1, place)
    until_only_slow_ones_run(1, place)
    program.send_signal(signal.SIGINT)
    if "thread" in place:  # nobody can end a thread
        Path("quick").touch()
    out, err = program.communicate(timeout=60)
    assert (out.strip(), err) == ("interrupted", "")
    until_gone()


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("place", ["{}", "{'multiprocess': 2}"])
def test_a_run_that_was_killed_goes_on_without_trusting_half_made_files(place: str, level: int) -> None:
    program = started(level, place)
    made = until_only_slow_ones_run(level, place)
    assert len(made) >= 2
    os.killpg(program.pid, signal.SIGKILL)
    program.communicate()
    until_gone()
    done = {path.name: path.stat().st_mtime_ns for path in Path().glob("*.1") if "whole" in path.read_text()}
    assert done.keys() == made
    Path("quick").touch()
    again = started(level, place)
    assert again.communicate(timeout=60) == ("", "")
    assert [path.read_text() for path in sorted(Path().glob("*.1"))] == ["half and whole"] * 6
    assert {name: Path(name).stat().st_mtime_ns for name in done} == done


TELLING = """
import os, signal
from gangline.pipeline import *
from gangline.store.reader import Record

@originate(["0.0", "1.0"])
def start(output):
    open(output, "w").close()

def told(event):
    if event.kind == "job ended":
        os.kill(os.getpid(), signal.SIGINT)

try:
    pipeline_run(verbose=0, record=".gangline", progress=told)
except KeyboardInterrupt:
    with Record.open() as record:
        print([task.outcome for task in record.tasks(record.last_run().id)])
"""


def test_an_interrupt_while_the_end_of_a_job_is_told_is_raised_when_all_know_it() -> None:
    Path("program.py").write_text(TELLING)
    done = subprocess.run([sys.executable, "program.py"], capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.stderr) == ("['ok']\n", "")
    assert not Path("1.0").exists()
