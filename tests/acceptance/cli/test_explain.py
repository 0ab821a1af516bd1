"""`gangline explain`: why a stage or a file is as it is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.cli.runs import call, call_json

CHAIN = """
from pathlib import Path
from gangline.pipeline import *


@originate(["a.txt", "b.txt"])
def make(output):
    Path(output).write_text("x")


@jobs_limit(1, "licence")
@transform(make, suffix(".txt"), ".upper")
def upper(source, target):
    "Turn to upper case."
    if source == "b.txt" and not Path("good").exists():
        raise ValueError("not yet good")
    Path(target).write_text("x")


@merge(upper, "all.out")
def join(sources, target):
    Path(target).write_text("x")


@transform("*.extra", suffix(".other"), ".done")
def more(source, target): ...


if __name__ == "__main__":
    pipeline_run(multiprocess=1, verbose=0, checksum_level=2)
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pipe.py").write_text(CHAIN, encoding="utf-8")


def run(exit_code: int = 0) -> None:
    result = call("run", "pipe.py", "--backend", "inline", "--output", "quiet", "--keep-going")
    assert result.exit_code == exit_code, result.output


def lines(*arguments: str) -> list[str]:
    result = call("explain", "pipe.py", *arguments)
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_a_file_that_was_never_made() -> None:
    assert lines("a.upper") == [
        "upper a.txt -> a.upper: would run",
        "why a.upper is missing; a.txt will be made by make",
    ]
    assert sorted(path.name for path in Path().iterdir()) == ["pipe.py"]


def test_a_file_that_is_up_to_date() -> None:
    Path("good").touch()
    run()
    told = lines("a.upper")
    assert told[0] == "upper a.txt -> a.upper: up to date"
    assert told[1].startswith("why a.upper (")
    assert ") is newer than a.txt (" in told[1]
    assert told[2] == (
        "in order all its files exist; a run has made its outputs to the end; the function is the one that made them; "
        "no input is newer than an output"
    )
    assert told[3].startswith("last made 20")
    assert ", as task 3 of run " in told[3]


def test_what_follows_from_a_change_is_told_step_by_step() -> None:
    Path("good").touch()
    run()
    later = os.stat("all.out").st_mtime + 10
    os.utime("a.txt", (later, later))
    told = lines("all.out")
    assert told[:2] == [
        "join a.upper, b.upper -> all.out: would run",
        "why it reads a.upper, which upper makes anew",
    ]
    assert told[2].startswith("a.upper is made anew: a.txt (")
    (found,) = call_json("explain", "pipe.py", "all.out")["found"]
    (job,) = found["jobs"]
    assert list(job["because"]) == ["a.upper"]


def test_a_job_that_failed_last_time() -> None:
    run(exit_code=1)
    told = lines("b.upper")
    assert told[1] == "why b.upper is missing"
    assert told[2].startswith("last failed 20")
    assert ": ValueError: not yet good; `gangline logs 4 --run " in told[2]
    assert "held back" in lines("all.out")[-1]
    assert call("logs", "4").stdout.startswith("Task 4  upper  failed")


def test_a_whole_stage() -> None:
    run(exit_code=1)
    told = lines("upper")
    assert told[:4] == [
        "upper 1 of 2 jobs would run",
        "is Turn to upper case.",
        "builds on make",
        "limit at most 1 of its jobs at once, shared with all of limit 'licence'",
    ]
    assert [line for line in told if line.endswith(": would run")] == ["upper b.txt -> b.upper: would run"]
    assert lines("more") == ["more no jobs: nothing matches its input"]
    Path("x.extra").touch()
    assert any(line.startswith("left out ") and "x.extra" in line for line in lines("more"))


def test_a_part_of_a_job() -> None:
    told = call_json("explain", "pipe.py", "> b.up")
    assert [(found["stage"]["name"], found["whole"]) for found in told["found"]] == [("upper", False)]
    assert [job["outputs"] for found in told["found"] for job in found["jobs"]] == [["b.upper"]]


def test_the_same_for_programs() -> None:
    run(exit_code=1)
    told = call_json("explain", "pipe.py", "upper")
    assert set(told) == {"program", "what", "found"}
    (found,) = told["found"]
    assert set(found) == {"stage", "whole", "jobs"}
    assert set(found["stage"]) == {"name", "runs", "why", "active", "forced", "known_after", "unmatched"}
    first, second = found["jobs"]
    assert set(first) == {
        "job", "inputs", "outputs", "runs", "state", "why", "lacking", "checks", "because", "last",
    }  # fmt: skip
    assert set(second["last"]) == {
        "run", "run_outcome", "task", "outcome", "reason", "waits_for", "started_at", "ended_at", "error",
    }  # fmt: skip
    assert (first["runs"], second["runs"], second["last"]["error"]) == (False, True, "ValueError: not yet good")


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("a.uper", "did you mean 'a.upper' or"),
        ("jion", "did you mean 'join'?"),
        ("elsewhere/all.out", "did you mean 'all.out'?"),
        ("nothing like it", "the stages are make, upper, join, more"),
    ],
)
def test_what_there_is_not(what: str, told: str) -> None:
    result = call("explain", "pipe.py", what)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{what!r} is no stage, no file that a stage makes, and no part of a job" in result.stderr
    assert told in result.stderr


def test_an_input_that_no_stage_makes_names_its_readers() -> None:
    Path("x.extra").touch()
    Path("pipe.py").write_text(CHAIN.replace(".other", ".extra"), encoding="utf-8")
    result = call("explain", "pipe.py", "x.extra")
    assert (result.exit_code, result.stderr) == (
        2, "Error: no stage makes x.extra: it is an input, of more (x.extra -> x.done)\n",
    )  # fmt: skip


def test_a_damaged_record_leaves_only_the_files_to_speak() -> None:
    Path("good").touch()
    run()
    Path(".gangline/record.db").write_text("garbage" * 100)
    result = call("explain", "pipe.py", "a.upper")
    assert result.exit_code == 0
    assert "up to date" in result.stdout
    assert "last" not in result.stdout
    assert result.stderr.startswith("What earlier runs did is left out: the record ")
    assert "is not an SQLite file" in result.stderr


SLOW = """
from pathlib import Path
from gangline.pipeline import *
import time

@jobs_limit(1)
@originate(["a.txt", "b.txt"])
def make(output):
    Path(output + ".begun").touch()
    while not Path("go").exists():
        time.sleep(0.01)
    Path(output).write_text("x")

@transform(make, suffix(".txt"), ".done")
def finish(source, target):
    Path(target).write_text("x")
"""


def test_while_it_runs() -> None:
    Path("pipe.py").write_text(SLOW, encoding="utf-8")
    command = [sys.executable, "-m", "gangline", "run", "pipe.py", "-j", "2", "--output", "quiet"]
    with subprocess.Popen(command) as process:
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                begun = [name for name in ("a.txt", "b.txt") if Path(f"{name}.begun").exists()]
                if begun and Path(".gangline/record.db").exists():
                    (running,) = begun
                    said = lines(running)
                    if any(line.startswith("now running since 20") for line in said):
                        break
            assert said[0] == f"make -> {running}: runs now"
            (waiting,) = {"a.txt", "b.txt"} - {running}
            waits = lines(waiting)
            assert waits[0] == f"make -> {waiting}: waits"
            assert waits[1].startswith("now waiting for ")
        finally:
            Path("go").touch()
    assert process.returncode == 0
    assert "up to date" in lines("a.txt")[0]
