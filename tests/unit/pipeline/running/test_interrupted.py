"""Runs that end from outside, as programs of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

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


def until_slow_ones_run() -> None:
    limit = time.monotonic() + 60
    while not (Path("2.1").exists() or Path("3.1").exists()):
        assert time.monotonic() < limit
        time.sleep(0.01)
    time.sleep(0.5)  # the others end meanwhile


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("place", ["{}", "{'multiprocess': 2}", "{'multithread': 2}"])
def test_ctrl_c_is_a_keyboard_interrupt_and_leaves_nothing_running(place: str) -> None:
    program = started(1, place)
    until_slow_ones_run()
    program.send_signal(signal.SIGINT)
    if "thread" in place:  # nobody can end a thread
        Path("quick").touch()
    out, err = program.communicate(timeout=60)
    assert (out.strip(), err) == ("interrupted", "")
    pids = [int(path.stem) for path in Path().glob("*.pid")]
    assert pids
    limit = time.monotonic() + 60
    while any(map(alive, pids)) and time.monotonic() < limit:
        time.sleep(0.02)
    assert not any(map(alive, pids))


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("place", ["{}", "{'multiprocess': 2}"])
def test_a_run_that_was_killed_goes_on_without_trusting_half_made_files(place: str, level: int) -> None:
    program = started(level, place)
    until_slow_ones_run()
    os.killpg(program.pid, signal.SIGKILL)
    program.communicate()
    done = {path.name: path.stat().st_mtime_ns for path in Path().glob("*.1") if "whole" in path.read_text()}
    Path("quick").touch()
    time.sleep(0.3)
    again = started(level, place)
    assert again.communicate(timeout=60) == ("", "")
    assert [path.read_text() for path in sorted(Path().glob("*.1"))] == ["half and whole"] * 6
    same = {name for name, mtime in done.items() if Path(name).stat().st_mtime_ns == mtime}
    # What ended in the last moments before the kill may not be on the disk yet, and is then made again.
    assert len(done) - len(same) <= 2


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
