"""`gangline plan`: what would run and why, in words that name files and times, without leaving a trace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cli.runs import call, call_json

CHAIN = """
from pathlib import Path
from gangline.pipeline import *


@originate(["a.txt", "b.txt"])
def make(output):
    Path(output).write_text("x")


@transform(make, suffix(".txt"), ".upper", SUFFIX)
def upper(source, target, extra):
    Path(target).write_text("1")


@merge(upper, "all.out")
def join(sources, target):
    Path(target).write_text("x")


if __name__ == "__main__":
    pipeline_run(multiprocess=1, verbose=0, checksum_level=3)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, extra: int = 1) -> None:
    Path("pipe.py").write_text(text.replace("SUFFIX", str(extra)), encoding="utf-8")


def run() -> None:
    result = call("run", "pipe.py", "--backend", "inline", "--output", "quiet")
    assert result.exit_code == 0, result.output


def set_time(name: str, epoch_s: float) -> None:
    os.utime(name, (epoch_s, epoch_s))


def lines(*arguments: str) -> list[str]:
    result = call("plan", "pipe.py", *arguments)
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def reasons(told: Any) -> dict[str, str]:
    """By what a job makes, why it would run, or would not."""
    return {" ".join(job["outputs"]): job["why"] for stage in told["stages"] for job in stage["jobs"]}


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in sorted(folder.rglob("*"))
    }


def test_all_is_to_be_made_and_nothing_is_left_behind(here: Path) -> None:
    write(CHAIN)
    assert lines() == [
        "make 2 jobs would run",
        "-> a.txt a.txt is missing",
        "-> b.txt b.txt is missing",
        "upper 2 jobs would run",
        "a.txt -> a.upper a.upper is missing; a.txt will be made by make",
        "b.txt -> b.upper b.upper is missing; b.txt will be made by make",
        "join 1 job would run",
        "a.upper, b.upper -> all.out all.out is missing; a.upper and b.upper will be made by upper",
        "",
        "5 of 5 jobs would run, in 3 of 3 stages.",
    ]
    assert [path.name for path in here.iterdir()] == ["pipe.py"]


def test_nothing_to_do(here: Path) -> None:
    write(CHAIN)
    run()
    before = everything(here)
    assert lines() == [
        "make 2 jobs, all up to date",
        "upper 2 jobs, all up to date",
        "join 1 job, up to date",
        "",
        "Nothing to do: 5 jobs of 3 stages, all up to date.",
    ]
    assert "a.txt -> a.upper up to date" in lines("--all")
    told = call_json("plan", "pipe.py")
    assert told["totals"] == {"stages": 3, "jobs": 5, "would_run": 0, "fresh": 5, "unsettled_stages": 0}
    assert everything(here) == before


@pytest.mark.usefixtures("here")
def test_reasons_name_files_and_times() -> None:
    write(CHAIN)
    run()
    Path("b.upper").unlink()
    told = call_json("plan", "pipe.py")
    assert reasons(told) == {
        "a.txt": "its outputs exist, and it reads nothing",
        "b.txt": "its outputs exist, and it reads nothing",
        "a.upper": "up to date",
        "b.upper": "b.upper is missing",
        "all.out": "b.upper will be made by upper",
    }
    run()
    made = os.stat("all.out").st_mtime
    set_time("a.txt", made + 5000.5)
    told = reasons(call_json("plan", "pipe.py"))
    assert told["a.upper"].startswith("a.txt (")
    assert ") is newer than a.upper (" in told["a.upper"]
    assert told["all.out"] == "it reads a.upper, which upper makes anew"
    assert told["b.upper"] == "up to date"
    run()
    write(CHAIN.replace('"1"', '"2"'))
    told = reasons(call_json("plan", "pipe.py"))
    assert told["a.upper"] == "the function was changed since it made a.upper"
    write(CHAIN, extra=2)
    told = reasons(call_json("plan", "pipe.py"))
    assert told["b.upper"] == "the parameters are others than those that b.upper was made with"


@pytest.mark.usefixtures("here")
def test_files_that_no_run_has_finished() -> None:
    write(CHAIN)
    for name in ("a.txt", "b.txt"):
        Path(name).write_text("x")
    told = reasons(call_json("plan", "pipe.py"))
    assert told["a.txt"] == "a.txt is not in the history: it was made by another program, or its history is lost"
    assert call_json("plan", "pipe.py", "--checksum-level", "0")["stages"][0]["runs"] is False


@pytest.mark.usefixtures("here")
def test_times_that_are_close_are_told_apart() -> None:
    write(
        """
from pathlib import Path
from gangline.pipeline import *

@transform(["a.in", "b.in"], suffix(".in"), ".out")
def copy(source, target): ...

pipeline_run(checksum_level=0)
"""
    )
    for name in ("a.in", "a.out", "b.in", "b.out"):
        Path(name).touch()
    set_time("a.in", 1_000_000_000.75)
    set_time("a.out", 1_000_000_000.5)
    set_time("b.in", 1_000_000_000)
    set_time("b.out", 1_000_000_000)
    told = reasons(call_json("plan", "pipe.py"))
    first, second = told["a.out"].split(" is newer than ")
    assert first.endswith(".750)")
    assert second.endswith(".500)")
    assert told["b.out"].startswith("b.in is as new as b.out (2001-09-0")
    assert told["b.out"].endswith("): it cannot be told which was first")


@pytest.mark.usefixtures("here")
def test_an_input_that_nothing_makes_would_fail() -> None:
    write(
        """
from pathlib import Path
from gangline.pipeline import *

@transform(["a.in"], suffix(".in"), ".out")
def copy(source, target): ...
"""
    )
    (job,) = call_json("plan", "pipe.py")["stages"][0]["jobs"]
    assert (job["lacking"], job["why"]) == (["a.in"], "a.out is missing; a.in does not exist")
    assert "it would fail: a.in does not exist, and no stage makes it" in lines()


LATER = """
from pathlib import Path
from gangline.pipeline import *


@split(None, "*.chunk")
def chop(source, targets):
    for number in range(3):
        Path(f"{number}.chunk").write_text("x")


@transform(chop, suffix(".chunk"), ".done")
def work(source, target):
    Path(target).write_text("x")


@merge(work, "all.out")
def join(sources, target):
    Path(target).write_text("x")


@active_if(False)
@transform(work, suffix(".done"), ".plot")
def plot(source, target): ...


@follows(join)
def tell():
    pass
"""


@pytest.mark.usefixtures("here")
def test_jobs_that_are_known_only_later() -> None:
    write(LATER)
    assert lines() == [
        "chop 1 job would run",
        "-> *.chunk *.chunk matches no file",
        "work jobs are known when chop has run",
        "join jobs are known when chop has run; as of now 1 job, of which 1 would run",
        "-> all.out all.out is missing",
        "plot not active",
        "tell 1 job would run each time",
        "its one job it runs each time: nothing says whether it is up to date",
        "",
        "3 of 3 jobs would run, in 3 of 5 stages; what 2 stages will do is known only when others have run.",
    ]
    told = {stage["name"]: stage for stage in call_json("plan", "pipe.py")["stages"]}
    assert (told["work"]["runs"], told["work"]["known_after"], told["work"]["jobs"]) == (None, ["chop"], [])
    assert (told["plot"]["runs"], told["plot"]["active"]) == (False, False)
    run()
    told = {stage["name"]: stage for stage in call_json("plan", "pipe.py")["stages"]}
    assert (told["work"]["runs"], told["work"]["known_after"], len(told["work"]["jobs"])) == (False, [], 3)


@pytest.mark.usefixtures("here")
def test_targets_and_stages_that_are_forced() -> None:
    write(CHAIN)
    run()
    assert [stage["name"] for stage in call_json("plan", "pipe.py", "--target", "upper")["stages"]] == ["make", "upper"]
    told = call_json("plan", "pipe.py", "--force", "upper")
    assert [stage["why"] for stage in told["stages"]] == [
        "2 jobs, all up to date", "2 jobs would run: it is forced to", "1 job would run, since upper runs",
    ]  # fmt: skip
    assert [job["state"] for stage in told["stages"] for job in stage["jobs"]] == [
        "fresh", "fresh", "forced", "forced", "remade",
    ]  # fmt: skip
    assert call_json("plan", "pipe.py", "--force-all")["totals"]["would_run"] == 5
    unknown = call("plan", "pipe.py", "--target", "uper")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert unknown.stderr == "Error: pipe.py has no stage 'uper'; its stages are make, upper, join\n"


@pytest.mark.usefixtures("here")
def test_the_same_for_programs() -> None:
    write(CHAIN)
    told = call_json("plan", "pipe.py")
    assert set(told) == {"program", "stages", "totals"}
    assert set(told["stages"][0]) == {
        "name", "runs", "why", "active", "forced", "known_after", "unmatched", "jobs",
    }  # fmt: skip
    assert set(told["stages"][0]["jobs"][0]) == {
        "job", "inputs", "outputs", "runs", "state", "why", "lacking",
    }  # fmt: skip


@pytest.mark.usefixtures("here")
def test_what_the_plan_says_is_what_the_run_does() -> None:
    write(CHAIN)
    run()
    set_time("b.txt", os.stat("all.out").st_mtime + 1)
    planned = [
        (stage["name"], sorted(job["outputs"]))
        for stage in call_json("plan", "pipe.py")["stages"]
        for job in stage["jobs"]
        if job["runs"]
    ]
    run()
    done = [(task["stage"], sorted(task["outputs"])) for task in call_json("logs", "--all")["tasks"]]
    assert planned == done == [("upper", ["b.upper"]), ("join", ["all.out"])]


@pytest.mark.usefixtures("here")
def test_temporary_files_that_are_gone_are_no_reason() -> None:
    write(
        """
from pathlib import Path
from gangline.pipeline import *

@originate(["a.txt"])
def make(output):
    Path(output).write_text("x")

@stage_options(temporary=True)
@transform(make, suffix(".txt"), ".tmp")
def between(source, target):
    Path(target).write_text("x")

@transform(between, suffix(".tmp"), ".out")
def finish(source, target):
    Path(target).write_text("x")
"""
    )
    run()
    assert not Path("a.tmp").exists()
    assert lines()[-1] == "Nothing to do: 3 jobs of 3 stages, all up to date."
    Path("a.out").unlink()
    told = reasons(call_json("plan", "pipe.py"))
    assert told["a.tmp"] == "a.tmp is missing"
    assert told["a.out"] == "a.out is missing; a.tmp will be made by between"


@pytest.mark.usefixtures("here")
def test_stages_that_wait_for_each_other() -> None:
    write(
        """
from pathlib import Path
from gangline.pipeline import *
pipeline = Pipeline.pipelines["main"]

@follows("second")
def first(): ...

@follows(first)
def second(): ...
"""
    )
    result = call("plan", "pipe.py")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Circular dependencies" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("here")
def test_a_check_of_the_users_that_fails() -> None:
    write(
        """
from pathlib import Path
from gangline.pipeline import *

def broken(*args):
    raise KeyError("no idea")

@check_if_uptodate(broken)
@originate(["a.txt"])
def make(output): ...
"""
    )
    result = call("plan", "pipe.py")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "stage 'make'" in result.stderr
    assert "in broken" in result.stderr
    assert "KeyError: 'no idea'" in result.stderr
    assert f"gangline{os.sep}pipeline" not in result.stderr


SLOW = """
from pathlib import Path
from gangline.pipeline import *
import time

@originate(["a.txt", "b.txt"])
def make(output):
    Path(output).write_text("x")
    if output == "b.txt":
        print("waiting", flush=True)
        time.sleep(200)

pipeline_run(multiprocess=1, verbose=0)
"""


def test_while_a_run_is_going_on_and_after_it_was_killed(here: Path) -> None:
    write(SLOW)
    with subprocess.Popen([sys.executable, "pipe.py"], cwd=here, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        told = reasons(call_json("plan", "pipe.py"))
        process.send_signal(signal.SIGKILL)
    assert told["b.txt"] == "b.txt was begun by a task that did not finish it, and may be half-made"
    before = everything(here)
    assert call_json("plan", "pipe.py")["totals"]["would_run"] >= 1
    assert everything(here).keys() == before.keys()


AS_ANOTHER_USER = """
import os, sys
from click.testing import CliRunner
from gangline.cli.main import gangline
arguments = ["plan", "pipe.py", "--output", "json"]
first = CliRunner().invoke(gangline, arguments)  # imports what the other user might not be able to reach
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
assert not os.access(".", os.W_OK)
result = CliRunner().invoke(gangline, arguments)
assert '"would_run": 0' in result.stdout
assert result.stdout == first.stdout, result.output
"""


def test_in_a_folder_that_may_only_be_read(here: Path) -> None:
    write(CHAIN)
    run()
    with tempfile.TemporaryDirectory() as place:
        copied = shutil.copytree(here, f"{place}/copy")
        before = everything(Path(copied))
        for folder in (f"{copied}/.gangline", copied, place):
            os.chmod(folder, 0o555)
        done = subprocess.run(
            [sys.executable, "-c", AS_ANOTHER_USER],
            cwd=copied,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        after = everything(Path(copied))
        for folder in (place, copied, f"{copied}/.gangline"):
            os.chmod(folder, 0o755)
    assert done.returncode == 0, done.stderr
    assert after == before


def test_a_file_is_the_same_by_whatever_name(here: Path) -> None:
    write("""
from pathlib import Path
from gangline.pipeline import *


@originate(["whole.txt"])
def make(output):
    Path(output).write_text("x")


@transform(make, formatter(r"(?P<NAME>whole)"), "{path[0]}/{NAME[0]}.copy")
def copy(source, target):
    Path(target).write_text("x")


@follows(copy)
@transform("whole.copy", suffix(".copy"), ".last")
def last(source, target):
    Path(target).write_text("x")
""")
    told = call("plan", "pipe.py").output
    assert "whole.copy will be made by copy" in told
    assert "would fail" not in told
    run()
    os.unlink("whole.copy")
    assert "whole.copy will be made by copy" in call("explain", "pipe.py", "last").output
    run()
    made_at = Path("whole.last").stat().st_mtime
    set_time("whole.copy", made_at - 20)
    set_time("whole.txt", made_at - 10)
    told = call("explain", "pipe.py", "last").output
    assert "it reads whole.copy, which copy makes anew" in told
    assert "is newer than whole.copy" in told
