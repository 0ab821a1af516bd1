"""`gangline run` as its users see it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gangline.store.reader import Record
from tests.acceptance.cli.runs import call
from tests.acceptance.cli.terminals import on_terminal

GANGLINE = [sys.executable, "-m", "gangline"]

COPIES = """
from gangline.pipeline import *

@originate(["a.0", "b.0"])
def make(output):
    open(output, "w").close()

@transform(make, suffix(".0"), ".1")
def copy(source, output):
    print("copying", source)
    open(output, "w").close()
"""

FAILS = """
import os, subprocess, sys
from gangline.pipeline import *

@originate(["a.0", "b.0", "c.0", "d.0"])
def make(output):
    open(output, "w").close()

@transform(make, suffix(".0"), ".1")
def work(source, output):
    print("at", source)
    if source == "a.0":
        print("oh no", file=sys.stderr)
        raise ValueError("a is bad")
    if source == "b.0":
        subprocess.run("exit 3", shell=True, check=True)
    if source == "c.0":
        subprocess.run(["sh", "-c", "kill -9 $$"], check=True)
    open(output, "w").close()

@transform(work, suffix(".1"), ".2")
def after(source, output):
    open(output, "w").close()
"""


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "pipe.py") -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def run(text: str, *arguments: str) -> tuple[int, str, str]:
    """Run a program: exit code, stdout, and stderr with times replaced and its lines in order."""
    write(text)
    result = call("run", "pipe.py", *arguments)
    return result.exit_code, result.stdout, re.sub(r"\d+\.\d+ s", "T s", result.stderr)


def test_one_clean_line_for_each_task_and_nothing_to_do_the_second_time() -> None:
    code, out, err = run(COPIES, "-j", "1")
    assert (code, out) == (0, "copying a.0\ncopying b.0\n")
    assert err.splitlines() == [
        "ok      make  -> a.0  T s",
        "ok      make  -> b.0  T s",
        "ok      copy  a.0 -> a.1  T s",
        "ok      copy  b.0 -> b.1  T s",
        "4 tasks done in T s",
    ]
    assert run(COPIES, "-j", "1") == (0, "", "Nothing to do: all 4 jobs of 2 stages are up to date.\n")


def test_some_were_up_to_date() -> None:
    run(COPIES)
    os.unlink("b.1")
    code, _, err = run(COPIES, "-j", "2")
    assert (code, err.splitlines()) == (0, ["ok      copy  b.0 -> b.1  T s", "1 task done, 3 up to date in T s"])


@pytest.mark.parametrize("place", ["processes", "threads"])
def test_failures_are_shown_when_they_happen_and_listed_at_the_end(place: str) -> None:
    code, out, err = run(FAILS, "-k", "-j", "2", "--backend", place)
    assert (code, out) == (1, "at d.0\n")
    blocks, _, summary = err.partition("\n\n")
    for block in (
        "FAILED  work  a.0 -> a.1  T s\n        ValueError: a is bad\n        at pipe.py:14 in work\n"
        "        | at a.0\n        | oh no\n",
        "        a command ended with exit code 3\n        $ exit 3\n        at pipe.py:16 in work\n        | at b.0\n",
        "        a command was ended by SIGKILL\n        $ sh -c 'kill -9 $$'\n        at pipe.py:18 in work\n",
    ):
        assert block in blocks + "\n"
    assert "ok      after d.1 -> d.2  T s" in blocks.replace("after  ", "after ")
    lines = summary.splitlines()
    assert lines[0] == "3 failures:"
    assert sorted(zip(lines[1:7:2], lines[2:7:2], strict=True)) == [
        ("  work  a.0 -> a.1", "      ValueError: a is bad"),
        ("  work  b.0 -> b.1", "      a command ended with exit code 3: exit 3"),
        ("  work  c.0 -> c.1", "      a command was ended by SIGKILL: sh -c 'kill -9 $$'"),
    ]
    assert lines[7:] == [
        "Held back by what failed: after 3",
        "6 tasks done, 3 failed, 3 held back in T s",
        "`gangline logs` shows all that failed tasks have written; `gangline retry` does what is left.",
    ]


def test_without_keep_going_nothing_more_is_started() -> None:
    code, _, err = run(FAILS, "-j", "1")
    assert code == 1
    assert "Not gone into: after" in err
    assert "4 tasks done, 1 failed" in err


def test_a_worker_that_is_killed_is_named_with_its_signal() -> None:
    text = COPIES.replace('print("copying", source)', "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    code, _, err = run(text, "-j", "2")
    assert code == 1
    assert "SIGKILL" in err


@pytest.mark.parametrize("place", ["processes", "threads", "inline"])
def test_commands_of_stages_are_shown_with_the_last_they_wrote(place: str) -> None:
    text = (
        "from gangline.pipeline import Pipeline\n"
        "Pipeline('shell').originate('seq 20 >&2; echo {output}; test {output} = a || exit 9', ['a', 'b'], name='say')"
    )
    code, _, err = run(text, "-k", "--backend", place, "-t", "say")
    assert code == 1
    block = err[err.index("FAILED  shell::say  -> b") :]
    assert "a command ended with exit code 9\n        $ test b = a || exit 9\n" in block
    told = [line.strip() for line in block.partition("\n\n")[0].splitlines() if line.strip().startswith("|")]
    assert told[:10] == [f"| {number}" for number in range(11, 21)]


def test_json_is_one_document_on_stdout() -> None:
    write(FAILS + "print('by the program')\n")
    done = subprocess.run(
        [*GANGLINE, "run", "pipe.py", "-k", "-j", "2", "--output", "json"], capture_output=True, text=True, timeout=120
    )
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert "by the program" in done.stderr
    assert told["outcome"] == "failed"
    assert told["tasks"] == {"done": 6, "fresh": 0, "failed": 3, "held": 3, "cancelled": 0}
    assert [(stage["name"], stage["total"], stage["done"]) for stage in told["stages"]] == [
        ("make", 4, 4), ("work", 4, 1), ("after", 4, 1)
    ]  # fmt: skip
    by_job = {failure["job"]: failure for failure in told["failures"]}
    first = by_job["a.0 -> a.1"]
    assert (first["error"], first["place"], first["output"]) == (
        "ValueError: a is bad", "pipe.py:14 in work", ["at a.0", "oh no"]
    )  # fmt: skip
    assert by_job["b.0 -> b.1"]["exit_code"] == 3
    assert by_job["c.0 -> c.1"]["signal"] == "SIGKILL"
    with Record.open() as record:
        assert told["run_id"] == record.last_run().id
        assert {task.number for task, _ in record.failures(told["run_id"])} == {
            each["task"] for each in by_job.values()
        }


def test_quiet_says_nothing_at_all() -> None:
    write(FAILS + "import os\nprint('by the program')\nos.system('echo by a command')\n")
    done = subprocess.run(
        [*GANGLINE, "run", "pipe.py", "--output", "quiet"], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_targets_force_and_touch() -> None:
    assert "2 tasks done in" in run(COPIES, "-t", "make")[2]
    assert not Path("a.1").exists()
    assert "2 tasks touched, 2 up to date" in run(COPIES, "--touch")[2]
    assert Path("a.1").read_text() == ""
    assert "2 tasks done, 2 up to date" in run(COPIES, "--force", "copy")[2]
    assert "4 tasks done in" in run(COPIES, "--force-all")[2]
    code, _, err = run(COPIES, "-t", "cpy")
    assert (code, err) == (2, "Error: pipe.py has no stage 'cpy'; its stages are make, copy\n")


def test_several_runs_in_one_program_and_what_comes_after_them() -> None:
    text = COPIES + (
        "import sys\npipeline_run([make])\nprint('between')\npipeline_run()\nprint('at the end')\n"
        "sys.exit(int(sys.argv[1]))"
    )
    write(text)
    result = call("run", "pipe.py", "--", "7")
    assert result.exit_code == 7
    assert result.stdout == "between\ncopying a.0\ncopying b.0\nat the end\n"
    assert result.stderr.count("2 tasks done") == 2


def test_a_failure_that_the_program_has_caught_is_one_all_the_same() -> None:
    text = FAILS + "try:\n    pipeline_run()\nexcept Exception as error:\n    print('caught', type(error).__name__)\n"
    code, out, _ = run(text)
    assert (code, out.splitlines()[-1]) == (1, "caught RethrownJobError")


def test_an_error_after_the_run_is_told_with_the_programs_own_lines() -> None:
    code, _, err = run(COPIES + "pipeline_run()\nundefined()\n")
    assert code == 1
    assert "pipe.py failed after its pipeline had been run: line 13" in err
    assert err.endswith("NameError: name 'undefined' is not defined\n")


def test_arguments_after_two_dashes_are_the_programs() -> None:
    text = """
from gangline.pipeline import *
parser = cmdline.get_argparse(description="what it does")
parser.add_argument("--word")
options = parser.parse_args()

@originate(["said"], options.word)
def say(output, word):
    with open(output, "w") as file:
        file.write(word)

cmdline.run(options)
"""
    write(text, "sub/pipe.py")
    assert call("run", "sub/pipe.py", "-j", "2", "--", "--word", "hello").exit_code == 0
    assert Path("said").read_text() == "hello"  # in the folder of the user, not of the program
    with Record.open() as record:
        last = record.last_run()
        assert (last.program, last.argv, last.engines) == (
            "sub/pipe.py", ["sub/pipe.py", "--word", "hello"], 2
        )  # fmt: skip
        assert last.options["asked"] == {"jobs": 2}
    assert call("run", "sub/pipe.py", "--word", "hello").exit_code == 2
    assert call("run", "sub/pipe.py", "--", "--unknown").exit_code == 2
    os.unlink("said")
    assert call("run", "sub/pipe.py", "--", "--just_print").exit_code == 0
    assert not Path("said").exists()


def test_the_log_in_the_words_of_ruffus_if_wanted() -> None:
    _, _, err = run(COPIES, "-j", "1", "-v", "3")
    assert "Task enters queue = 'make'" in err
    assert "Job  = [a.0 -> a.1] completed" in err


def test_what_is_odd_is_told() -> None:
    text = COPIES + "@transform(make, suffix('.fq'), '.x')\ndef none(source, output): pass\n"
    _, _, err = run(text)
    assert "warning stage 'none': No jobs were run because no file names matched." in err
    assert err.count("File 'a.0' does not match suffix('.fq')") == 1


def test_stages_that_cannot_be_worked_out_or_fail_as_a_whole() -> None:
    text = (
        "from gangline.pipeline import *\ndef jobs():\n    raise OSError('no disk')\n@files(jobs)\ndef x(i, o): pass\n"
    )
    code, _, err = run(text)
    assert code == 2
    assert err.startswith("Error: pipe.py: the jobs of stage 'x' cannot be worked out\n\nTraceback")
    assert err.endswith("OSError: no disk\n")
    code, _, err = run(COPIES + "@posttask(lambda: 1 / 0)\n@merge(copy, 'end')\ndef end(i, o): open(o, 'w').close()\n")
    assert code == 1
    assert "FAILED  end\n        ZeroDivisionError: division by zero\n        at pipe.py:12 in <lambda>\n" in err
    code, _, err = run("from gangline.pipeline import *\n@transform('no.0', suffix('.0'), '.1')\ndef x(i, o): pass\n")
    assert code == 1
    assert "Input file 'no.0' does not exist" in err


def test_a_second_run_on_the_same_history_is_refused() -> None:
    write(COPIES.replace('print("copying", source)', "import time; open('begun', 'w').close(); time.sleep(120)"))
    first = subprocess.Popen([*GANGLINE, "run", "pipe.py"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        limit = time.monotonic() + 60
        while not os.path.exists("begun") and time.monotonic() < limit:
            time.sleep(0.01)
        second = call("run", "pipe.py")
        assert second.exit_code == 3
        assert str(first.pid) in second.stderr
    finally:
        first.kill()
        first.communicate()


# On a terminal -----------------------------------------------------------------------------------------------------

LIVE = """
import os, time
from gangline.pipeline import *

@originate(["a.0", "b.0"])
def slow(output):
    print("printed", output)
    os.system("echo by a command; echo and on stderr >&2")
    open(f"{os.getpid()}-{output}.pid", "w").close()
    until = time.monotonic() + 200
    while os.path.exists("wait") and time.monotonic() < until:
        time.sleep(0.01)
    open(output, "w").close()
"""


@pytest.mark.parametrize("place", ["processes", "threads", "inline"])
def test_a_live_block_that_nothing_breaks(place: str) -> None:
    write(LIVE)
    Path("wait").touch()

    def let_go(shown: str) -> None:
        if re.search(r"slow .*━.* [01]/2 .*\d running", shown):
            Path("wait").unlink(missing_ok=True)

    ended = on_terminal([*GANGLINE, "run", "pipe.py", "--backend", place], watch=let_go)
    assert ended.code == 0, ended.raw
    assert not Path("wait").exists(), ended.raw
    assert "Ctrl-C stops" in ended.raw
    assert ended.raw.rstrip().endswith("\x1b[0m")
    assert ended.raw.rfind("\x1b[?25h") > ended.raw.rfind("\x1b[?25l")  # the cursor is shown again
    shown = sorted(re.sub(r"\d+\.\d+ s", "T s", line) for line in ended.lines)
    by_jobs = ["by a command", "and on stderr"] * 2
    by_us = ["ok      slow  -> a.0  T s", "ok      slow  -> b.0  T s", "2 tasks done in T s"]
    assert shown == sorted(["printed a.0", "printed b.0", *by_jobs, *by_us])


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"TERM": "dumb", "NO_COLOR": "1"}])
def test_a_terminal_that_can_do_nothing_gets_plain_lines(variables: dict[str, str]) -> None:
    write(COPIES)
    ended = on_terminal([*GANGLINE, "run", "pipe.py"], variables)
    assert ended.code == 0
    assert "\x1b[" not in ended.raw.replace("\x1b[0m", "") or "NO_COLOR" not in variables
    assert "\x1b[?25l" not in ended.raw
    assert ended.lines[-1].startswith("4 tasks done")


@pytest.mark.parametrize("place", ["processes", "threads", "inline"])
def test_ctrl_c_ends_everything_and_leaves_a_clean_terminal(place: str) -> None:
    write(LIVE)
    Path("wait").touch()

    def is_running() -> bool:
        return len(list(Path().glob("*.pid"))) >= (1 if place == "inline" else 2)

    ended = on_terminal(
        [*GANGLINE, "run", "pipe.py", "--backend", place, "-j", "1" if place == "inline" else "2"], None, is_running
    )
    assert ended.code == 130, ended.raw
    assert ended.raw.rfind("\x1b[?25h") > ended.raw.rfind("\x1b[?25l")
    assert ended.lines[-2].startswith("Interrupted: 0 tasks done")
    assert ended.lines[-1] == "`gangline retry` does what is left."
    limit = time.monotonic() + 60
    pids = [int(path.name.partition("-")[0]) for path in Path().glob("*.pid")]
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        assert time.monotonic() < limit
        time.sleep(0.02)
    with Record.open() as record:
        assert record.last_run().outcome == "interrupted"


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("import time\nopen('0-x.pid', 'w').close()\ntime.sleep(200)\n", "Interrupted."),
        (
            LIVE + "try:\n    pipeline_run()\nexcept KeyboardInterrupt:\n    print('caught by the program')\n",
            "caught by the program",
        ),
    ],
)
def test_ctrl_c_before_the_run_and_caught_by_the_program(text: str, last: str) -> None:
    write(text)
    Path("wait").touch()
    ended = on_terminal([*GANGLINE, "run", "pipe.py"], None, lambda: bool(list(Path().glob("*.pid"))))
    assert ended.code == 130
    assert ended.lines[-1].removeprefix("^C") == last
