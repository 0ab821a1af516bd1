"""`gangline status`: what it says of runs that ended, that failed, that were killed, and that are going on."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from gangline.errors import StoreError
from gangline.store.reader import Record
from gangline.store.record import RunRecord
from tests.acceptance.cli.runs import FAILING, call, call_json, run_program


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a run failed."""
    folder = tmp_path_factory.mktemp("failed")
    assert run_program(folder, FAILING).returncode == 1
    return folder


@pytest.fixture
def in_failed(failed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(failed)
    return failed


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("in_failed")
def test_a_run_that_failed() -> None:
    result = call("status")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0].startswith("Run ")
    assert "of pipe.py: failed" in lines[0]
    assert any(line.startswith("upper 3 1 0 2 0 ") and line.endswith("failed") for line in lines)
    assert any(line.startswith("join 1 0 0 0 1 ") and line.endswith("held back") for line in lines)
    assert "2 tasks failed:" in lines
    assert any(line.endswith("upper b.txt -> b.upper") for line in lines)
    assert "a command ended with exit code 3: sh -c" in result.stdout
    assert "ValueError: c is not to be used ..." in lines
    assert "`gangline logs`" in lines[-1]
    assert "`gangline retry`" in lines[-1]


@pytest.mark.usefixtures("in_failed")
def test_the_same_for_programs() -> None:
    told = call_json("status")
    assert set(told) == {"run", "stages", "failures"}
    assert set(told["run"]) == {
        "id", "program", "argv", "folder", "backend", "engines", "options", "host", "pid", "started_at", "ended_at",
        "seconds", "outcome", "message",
    }  # fmt: skip
    assert (told["run"]["program"], told["run"]["outcome"], told["run"]["engines"]) == ("pipe.py", "failed", 2)
    assert told["run"]["started_at"].endswith("+00:00")
    by_name = {stage["name"]: stage for stage in told["stages"]}
    assert list(by_name) == ["make", "upper", "join"]
    assert set(by_name["upper"]) == {
        "name", "jobs", "fresh", "ok", "failed", "cancelled", "held", "running", "waiting", "outcome", "started_at",
        "ended_at", "seconds",
    }  # fmt: skip
    assert [by_name["upper"][key] for key in ("jobs", "ok", "failed", "held")] == [3, 1, 2, 0]
    assert [failure["outputs"] for failure in told["failures"]] == [["b.upper"], ["c.upper"]]
    assert "exit code 3" in told["failures"][0]["error"]


@pytest.mark.usefixtures("in_failed")
def test_a_run_by_the_start_of_its_id_and_the_list_of_all() -> None:
    (run,) = call_json("status", "--all")["runs"]
    assert call_json("status", run["id"][:5])["run"] == run
    assert run["id"][:8] in call("status", "--all").stdout
    unknown = call("status", "xyz")
    assert unknown.exit_code == 2
    assert "no run in" in unknown.stderr
    assert "'xyz'" in unknown.stderr
    assert call("status", "--all", "xyz").exit_code == 2


def test_where_nothing_was_run(here: Path) -> None:
    result = call("status")
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"there is no record of runs in {here}/.gangline" in result.stderr
    assert "gangline run PIPELINE.py" in result.stderr
    assert "--record" in result.stderr
    assert not list(here.iterdir())


def test_another_folder(failed: Path, here: Path) -> None:
    assert here != failed
    assert call_json("status", "--record", str(failed / ".gangline"))["run"]["outcome"] == "failed"


def wait_for_stages() -> None:
    """The record is written by a thread of its own."""
    while True:
        with contextlib.suppress(StoreError), Record.open() as reader:
            if reader.stages(reader.last_run().id):
                return


DYING = """
import time
from gangline.pipeline import *

@originate(["a.txt"])
def make(output):
    print("started", flush=True)
    time.sleep(200)

pipeline_run(verbose=0, record=".gangline")
"""


def test_a_run_that_was_killed(here: Path) -> None:
    (here / "dying.py").write_text(DYING)
    with subprocess.Popen([sys.executable, "dying.py"], cwd=here, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        wait_for_stages()
        assert call_json("status")["run"]["outcome"] == "running"
        assert "`gangline status --follow` watches it" in call("status").stdout
        process.send_signal(signal.SIGKILL)
    told = call_json("status")
    assert (told["run"]["outcome"], told["run"]["ended_at"], told["run"]["seconds"]) == ("lost", None, None)
    said = call("status").stdout
    assert "of dying.py: died" in said
    assert f"Process {process.pid} on " in said
    assert "counts as half-made" in said
    assert "`gangline retry`" in said
    assert "not finished" in said
    assert " died " in call("status", "--all").stdout


def feed(record: RunRecord, go: threading.Event) -> None:
    """A run that does one task well, waits to be told so, lets one fail, and ends."""
    record.stage_started("align", total=2, fresh=0)
    for number, outcome in ((1, "ok"), (2, "failed")):
        task = record.task_added("align", "Job", inputs=[f"{number}.fq"], outputs=[f"{number}.bam"], reason="missing")
        record.attempt_ended(
            task, number=1, outcome="ok" if outcome == "ok" else "error", started_at=1.0, ended_at=3.0,
            error_type="" if outcome == "ok" else "ValueError", error="" if outcome == "ok" else "too short",
        )  # fmt: skip
        record.task_ended(task, outcome)
        assert go.wait(60)
    record.stage_ended("align", "failed")
    record.end("failed", "1 failed")


@pytest.mark.usefixtures("here")
def test_following_a_run_in_a_pipe_is_a_line_for_each_task() -> None:
    go = threading.Event()
    record = RunRecord.start(program="p.py", argv=["p.py"], backend="processes", engines=2)
    running = threading.Thread(target=feed, args=(record, go))
    running.start()
    wait_for_stages()
    watched = subprocess.Popen(
        [sys.executable, "-m", "gangline", "status", "-f"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert watched.stderr is not None
    first = watched.stderr.readline()
    go.set()
    stdout, others = watched.communicate(timeout=60)
    running.join()
    assert first.split()[:5] == ["ok", "align", "1.fq", "->", "1.bam"]
    assert "2.fq -> 2.bam" in others
    assert "ValueError: too short" in others
    assert others.count("\n") == 1
    assert "p.py: failed (1 failed)" in stdout
    assert watched.returncode == 0


@pytest.mark.usefixtures("here")
def test_following_a_run_on_a_terminal_leaves_the_overview_only() -> None:
    go = threading.Event()
    record = RunRecord.start(program="p.py", argv=["p.py"], backend="processes", engines=2)
    running = threading.Thread(target=feed, args=(record, go))
    running.start()
    wait_for_stages()
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        [sys.executable, "-m", "gangline", "status", "--follow"], stdout=subprocess.PIPE, stderr=theirs, env=environment
    ) as watched:
        os.close(theirs)
        seen = b""
        while b"align" not in seen or b"running" not in seen:
            seen += os.read(ours, 4096)
        go.set()
        assert watched.stdout is not None
        stdout = watched.stdout.read().decode()
    os.close(ours)
    running.join()
    assert "p.py: failed (1 failed)" in stdout


@pytest.mark.usefixtures("in_failed")
def test_following_a_run_that_has_ended_just_shows_it() -> None:
    assert call_json("status", "--follow")["run"]["outcome"] == "failed"


STOPPING = """
from pathlib import Path
from gangline.pipeline import *

@originate(["a.txt"])
def make(output):
    Path(output).write_text("x")

@transform(make, suffix(".txt"), ".upper")
def upper(source, target):
    if not Path("good").exists():
        raise ValueError("not good")
    Path(target).write_text("x")

@transform(upper, suffix(".upper"), ".end")
def end(source, target):
    Path(target).write_text("x")
"""


def test_stages_that_were_not_reached_and_runs_with_nothing_to_do(here: Path) -> None:
    (here / "stop.py").write_text(STOPPING)
    assert call("run", "stop.py", "--backend", "inline", "--output", "quiet").exit_code == 1
    rows = [" ".join(line.split()) for line in call("status").stdout.splitlines()]
    assert any(row.startswith("upper 1 0 0 1") and row.endswith("failed") for row in rows)
    assert any(row.startswith("end ") and row.endswith("not reached") for row in rows)
    (here / "good").touch()
    assert call("run", "stop.py", "--backend", "inline", "--output", "quiet").exit_code == 0
    assert call("run", "stop.py", "--backend", "inline", "--output", "quiet").exit_code == 0
    assert call("status").stdout.endswith("Nothing had to be done: all was up to date.\n")
    assert [stage["fresh"] for stage in call_json("status")["stages"]] == [1, 1, 1]
    assert [run["outcome"] for run in call_json("status", "--all")["runs"]] == ["ok", "ok", "failed"]


AS_ANOTHER_USER = """
import os, sys
from click.testing import CliRunner
from gangline.cli.main import gangline
arguments = ["status", "--output", "json"]
first = CliRunner().invoke(gangline, arguments)  # imports what the other user might not be able to reach
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
assert not os.access(".gangline", os.W_OK)
result = CliRunner().invoke(gangline, arguments)
assert result.stdout == first.stdout, result.output
"""


def test_a_record_that_may_only_be_read_is_read_and_not_touched(failed: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(failed / ".gangline", f"{place}/.gangline")
        os.chmod(f"{place}/.gangline", 0o555)
        os.chmod(place, 0o555)
        done = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER_USER], cwd=place, capture_output=True, text=True, timeout=120, check=False
        )
        left = sorted(path.name for path in Path(place, ".gangline").iterdir())
        os.chmod(place, 0o755)
        os.chmod(f"{place}/.gangline", 0o755)
    assert done.returncode == 0, done.stderr
    assert left == ["record.db", "runs"]
