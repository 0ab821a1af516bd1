"""`gangline retry` as its users see it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from gangline.pipeline.freshness.history import History
from gangline.store.reader import Record
from tests.acceptance.cli.runs import call, run_program

PROGRAM = """
import os, sys, time
from gangline.pipeline import *

@originate(["a.0", "b.0", "c.0"])
def make(output):
    open(output, "w").close()

@transform(make, suffix(".0"), ".1")
def work(source, output):
    with open("log", "a") as log:
        log.write(f"{source} {' '.join(sys.argv[1:])}\\n")
    if source == "b.0" and not os.path.exists("repaired"):
        open(output, "w").close()  # half-made
        while os.path.exists("wait"):
            time.sleep(0.01)
        raise ValueError("b is bad")
    with open(output, "w") as file:
        file.write("whole")

@transform(work, suffix(".1"), ".2")
def after(source, output):
    open(output, "w").close()
"""


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    Path("sub/pipe.py").write_text(PROGRAM, encoding="utf-8")


def run(*arguments: str) -> Result:
    return call("run", "sub/pipe.py", *arguments)


def ran() -> list[str]:
    """What the stage in the middle has worked on since this was asked last."""
    lines = Path("log").read_text().splitlines() if Path("log").exists() else []
    Path("log").unlink(missing_ok=True)
    return sorted(line.strip() for line in lines)


def options_of_last() -> dict[str, Any]:
    with Record.open() as record:
        asked: dict[str, Any] = record.last_run().options["asked"]
        return asked


def test_what_failed_and_what_it_held_back_is_done_and_nothing_else() -> None:
    assert run("-k", "-j", "2", "--", "its own").exit_code == 1
    assert ran() == ["a.0 its own", "b.0 its own", "c.0 its own"]
    Path("repaired").touch()
    result = call("retry")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert lines[0].endswith("of sub/pipe.py: 1 task failed, 1 task held back.")
    assert lines[-1].startswith("2 tasks done, 7 up to date in")
    assert ran() == ["b.0 its own"]
    assert options_of_last() == {"keep_going": True, "jobs": 2}
    again = call("retry")
    assert (again.exit_code, again.stderr) == (0, "")
    assert again.stdout.endswith("of sub/pipe.py ended well: there is nothing to retry.\n")
    assert ran() == []


def test_it_may_fail_again_and_go_on_from_there() -> None:
    run()
    ran()
    assert call("retry", "-k").exit_code == 1
    assert "b.0" in ran()
    Path("repaired").touch()
    assert call("retry").exit_code == 0
    assert ran() == ["b.0"]
    assert len(list(Path().glob("*.2"))) == 3


def test_what_was_forced_then_is_not_forced_again() -> None:
    Path("repaired").touch()
    run()
    ran()
    Path("repaired").unlink()
    run("--force-all", "-k")
    assert ran() == ["a.0", "b.0", "c.0"]
    Path("repaired").touch()
    assert call("retry").exit_code == 0
    assert ran() == ["b.0"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_was_killed_or_interrupted_goes_on(number: signal.Signals) -> None:
    Path("wait").touch()
    program = subprocess.Popen(
        [sys.executable, "-m", "gangline", "run", "sub/pipe.py", "-j", "2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    limit = time.monotonic() + 60
    while not (Path("b.1").exists() and Path("a.1").exists() and Path("c.1").exists()):
        assert time.monotonic() < limit
        time.sleep(0.01)
    assert call("retry").exit_code == 2  # it is still running
    while True:
        with History.open(None, writing=False) as history:
            if history.mtimes.keys() >= {"a.1", "c.1"}:  # what is done is known to be done
                break
        assert time.monotonic() < limit
        time.sleep(0.01)
    program.send_signal(number)
    assert program.wait(timeout=60) == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    Path("wait").unlink()
    Path("repaired").touch()
    ran()
    result = call("retry")
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[0].endswith("it died." if number == signal.SIGKILL else "it was interrupted.")
    assert ran() == ["b.0"]
    assert [Path(f"{name}.1").read_text() for name in "abc"] == ["whole"] * 3


def test_a_run_that_was_no_command_of_ours_is_repeated_too() -> None:
    text = PROGRAM + "pipeline_run(verbose=0, record='.gangline', multithread=2)\n"
    assert run_program(Path(), text).returncode == 1
    Path("repaired").touch()
    assert call("retry").exit_code == 0
    with Record.open() as record:
        assert record.last_run().backend == "threads"


def test_an_earlier_run_in_another_folder() -> None:
    run("-k")
    (first,) = _ids()
    Path("repaired").touch()
    assert run().exit_code == 0
    os.unlink("a.2")
    os.chdir("sub")
    assert call("retry", "--record", "../.gangline").exit_code == 0  # the last one ended well
    assert not Path("../a.2").exists()
    assert call("retry", first[:10], "--record", "../.gangline").exit_code == 0
    assert Path("../a.2").exists()
    assert os.path.basename(os.getcwd()) == "sub"


def _ids() -> list[str]:
    with Record.open() as record:
        return [run.id for run in record.runs()]


def test_what_cannot_be_retried() -> None:
    result = call("retry")
    assert result.exit_code == 3
    assert "nothing was run here yet" in result.stderr
    run()
    os.unlink("sub/pipe.py")
    result = call("retry")
    assert result.exit_code == 2
    assert result.stderr.endswith("Error: there is no file sub/pipe.py\n")
    assert call("retry", "zzz").exit_code == 2
