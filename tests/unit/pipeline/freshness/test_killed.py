"""A run that is killed at any instant is resumed without trusting a half-made file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.freshness.rules import Assessor

JOBS = 20

# The run ends itself with SIGKILL: at a line that is executed, on whatever thread, or in the middle of a file.
PROGRAM = f"""
import itertools, os, signal, sys, threading
from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.freshness.recorder import Recorder
from gangline.pipeline.freshness.rules import Assessor

level, last_line, last_file = Level(int(sys.argv[1])), int(sys.argv[2]), sys.argv[3]
lines = itertools.count(1)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def trace(frame, event, argument):
    if event == "line" and next(lines) == last_line:
        die()
    return trace

def make(source, target):
    with open(target, "w") as file:
        file.write("half")
        file.flush()
        if target == last_file:
            die()
        file.write(" whole")

with History.open(None, level) as history:
    assessor = Assessor(level, history)
    recorder = Recorder(assessor)
    jobs = [JobParams(p, p) for p in (("source", f"out{{n}}") for n in range({JOBS}))]
    stale = [job for job in jobs if assessor.assess(make, job).needs_update]
    print("stale", len(stale), flush=True)
    threading.settrace(trace)
    sys.settrace(trace)
    for start in range(0, len(stale), 5):
        batch = stale[start:start + 5]
        recorder.begin(batch)
        for job in batch:
            make(*job.params)
            recorder.finished(make, job)
            if start % 2:
                recorder.flush()
                print("done", job.params[1], flush=True)
"""


@pytest.mark.parametrize("level", [Level.TIMES, Level.HISTORY, Level.CONTENTS])
def test_killed_again_and_again(level: Level) -> None:
    line = random.Random(int(level))
    ends = [(0, "out0"), (0, f"out{JOBS - 1}"), *((line.randrange(1, 4000), "") for _ in range(8))]
    torn = 0
    for number, (last_line, last_file) in enumerate(ends):
        # Every round everything is stale, and whole files of earlier rounds are there to be mistaken for new ones.
        Path("source").write_text(str(number), encoding="utf-8")
        ended, lines = run(level, last_line, last_file)
        assert ended == -signal.SIGKILL
        assert lines[0] == f"stale {JOBS}\n"
        torn += check(level, {line.split()[1] for line in lines if line.startswith("done") and line.endswith("\n")})
    assert torn >= 2
    assert run(level, 0, "")[0] == 0
    assert check(level, {f"out{number}" for number in range(JOBS)}) == 0


def run(level: Level, last_line: int, last_file: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-c", PROGRAM, str(int(level)), str(last_line), last_file]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout.splitlines(keepends=True)


def check(level: Level, done: set[str]) -> int:
    """No half-made file is trusted, and no finished job would be repeated; returns how many files are half-made."""
    torn = 0
    with History.open(None, level) as history:
        assessor = Assessor(min(level, Level.HISTORY), history)
        for number in range(JOBS):
            name = f"out{number}"
            params = ("source", name)
            fresh = not assessor.assess(None, JobParams(params, params)).needs_update
            whole = os.path.exists(name) and Path(name).read_text(encoding="utf-8") == "half whole"
            torn += os.path.exists(name) and not whole
            assert whole or not fresh, f"{name} is half made and trusted"
            assert fresh or name not in done, f"{name} was finished and would be repeated"
    return torn
