"""`gangline logs`: what tasks have written, chosen by number, stage, file or text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gangline.store.record import RunRecord
from tests.acceptance.cli.runs import FAILING, call, call_json, run_program


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a run failed."""
    folder = tmp_path_factory.mktemp("failed")
    assert run_program(folder, FAILING).returncode == 1
    return folder


@pytest.fixture
def _in_failed(failed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(failed)


@pytest.fixture
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def lines_of(*arguments: str) -> list[str]:
    result = call("logs", *arguments)
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


@pytest.mark.usefixtures("_in_failed")
def test_the_failures_of_the_last_run() -> None:
    lines = lines_of()
    first, second = (number for number, line in enumerate(lines) if line.startswith("Task "))
    assert lines[first].endswith("upper failed")
    assert lines[first + 1 : first + 3] == ["job b.txt -> b.upper", "why b.upper is missing"]
    told = lines[first:second]
    assert "exit code 3" in told
    assert any(line.startswith("command sh -c ") for line in told)
    assert told[told.index("stdout") + 1] == "working on b.txt"
    assert told[told.index("stderr") + 1 :][:2] == ["it looks odd", "no way"]
    told = lines[second:]
    assert told[told.index("error") + 1 :][:2] == ["ValueError: c is not to be used", "says the boss"]
    traceback = told[told.index("traceback") :]
    assert any(line.startswith("File ") and line.endswith("in upper") for line in traceback)
    assert not any("gangline/pipeline" in line for line in traceback)
    assert lines[-1].startswith("2 tasks of run ")


@pytest.mark.usefixtures("_in_failed")
def test_the_same_for_programs() -> None:
    told = call_json("logs")
    assert set(told) == {"run", "chosen", "tasks"}
    assert told["chosen"] == "failures"
    assert [task["outputs"] for task in told["tasks"]] == [["b.upper"], ["c.upper"]]
    assert set(told["tasks"][0]) == {
        "task", "stage", "job", "inputs", "outputs", "reason", "waits_for", "outcome", "started_at", "ended_at",
        "attempts",
    }  # fmt: skip
    (attempt,) = told["tasks"][0]["attempts"]
    assert set(attempt) == {
        "number", "outcome", "started_at", "ended_at", "engine", "host", "pid", "error_type", "error", "traceback",
        "exit_code", "signal", "command", "stdout", "stderr",
    }  # fmt: skip
    assert (attempt["outcome"], attempt["exit_code"], attempt["stdout"]) == ("error", 3, "working on b.txt\n")
    assert "Traceback" in attempt["traceback"]


def chosen(*arguments: str) -> tuple[str, list[Any]]:
    told = call_json("logs", *arguments)
    return told["chosen"], [(*task["outputs"], task["outcome"]) for task in told["tasks"]]


@pytest.mark.usefixtures("_in_failed")
def test_tasks_by_number_stage_file_and_text(failed: Path) -> None:
    number = next(task["task"] for task in call_json("logs", "--all")["tasks"] if task["outputs"] == ["a.upper"])
    assert chosen(str(number)) == ("task", [("a.upper", "ok")])
    assert chosen("make") == ("stage", [("a.txt", "ok"), ("b.txt", "ok"), ("c.txt", "ok")])
    assert chosen("b.upper") == ("output", [("b.upper", "failed")])
    assert chosen("./b.upper") == ("output", [("b.upper", "failed")])
    assert chosen(str(failed / "b.upper")) == ("output", [("b.upper", "failed")])
    assert chosen("a.txt") == ("output", [("a.txt", "ok")])
    assert chosen(".upper") == (
        "text", [("a.upper", "ok"), ("b.upper", "failed"), ("c.upper", "failed"), ("all.out", "held")]
    )  # fmt: skip
    assert chosen("upper", "--failed") == ("stage", [("b.upper", "failed"), ("c.upper", "failed")])
    assert chosen("--all")[0] == "all"
    assert len(chosen("--all")[1]) == 7


@pytest.mark.usefixtures("_in_failed")
def test_a_task_that_was_held_back_and_one_that_wrote_nothing() -> None:
    lines = lines_of("all.out")
    assert lines[0].endswith("join held back")
    assert "It was not run, since something that it needs has failed." in lines
    assert "It wrote nothing that was recorded." in lines_of("a.txt")
    assert lines_of("make", "--failed") == ["Nothing of it failed."]


@pytest.mark.usefixtures("_in_failed")
def test_what_there_is_not_is_wrong_usage_with_the_nearest_names() -> None:
    for what, told in (
        ("a.uper", "did you mean 'a.upper' or "),
        ("uper", "'upper'"),
        ("somewhere/all.out", "did you mean 'all.out'"),
        ("99", "its tasks have the numbers 1 to 7"),
        ("nothing like it", "its stages are make, upper, join"),
    ):
        result = call("logs", what)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"has to do with {what!r}" in result.stderr
        assert told in result.stderr
    assert call("logs", "--run", "xyz").exit_code == 2
    assert call("logs", "--all", "make").exit_code == 2


@pytest.mark.usefixtures("_here")
def test_a_run_without_failures_says_so() -> None:
    with RunRecord.start(program="p.py") as record:
        record.stage_started("align", total=3, fresh=3)
        record.stage_ended("align", "ok")
        first = record.run_id
    (line,) = lines_of()
    assert line.startswith(f"Nothing failed in run {first[:8]} of p.py.")
    assert "gangline logs --all" in line
    assert call_json("logs")["tasks"] == []
    assert lines_of("align") == [f"Stage align had nothing to do in run {first[:8]}: 3 jobs, none out of date."]
    assert lines_of("--all") == [f"Run {first[:8]} of p.py has no tasks: it found nothing to do."]
    assert "has no tasks" in call("logs", "3").stderr


@pytest.mark.usefixtures("_here")
def test_all_attempts_are_told_and_earlier_runs_can_be_named() -> None:
    with RunRecord.start(program="p.py") as record:
        task = record.task_added("align", "Job", inputs=["a"], outputs=["b"], reason="b is missing")
        record.attempt_ended(
            task, number=1, outcome="lost", started_at=1.0, ended_at=2.0, engine=3, host="here", pid=7,
            error_type="EngineError", error="engine 3 was ended by SIGKILL",
        )  # fmt: skip
        record.attempt_ended(
            task, number=2, outcome="timeout", started_at=2.0, ended_at=5.0, command="x", signal="SIGTERM"
        )
        record.task_ended(task, "failed")
    with RunRecord.start(program="q.py"):
        pass
    assert lines_of()[0].startswith("Nothing failed")
    lines = lines_of("--run", record.run_id[:6])
    assert lines[:3] == ["Task 1 align failed", "job a -> b", "why b is missing"]
    assert lines[3].startswith("attempt 1 its engine died, at ")
    assert lines[3].endswith("for 1.0 s, engine 3, process 7 on here")
    assert lines[4] == "error EngineError: engine 3 was ended by SIGKILL"
    assert lines[5].startswith("attempt 2 ran longer than its time limit, at ")
    assert lines[6:8] == ["command x", "ended by SIGTERM"]


@pytest.mark.usefixtures("_here")
def test_a_run_that_failed_outside_of_its_tasks_says_why() -> None:
    with pytest.raises(OSError, match="disk"), RunRecord.start(program="p.py"):
        raise OSError("the disk is full")
    (line,) = lines_of()
    assert "failed, but not in one of its tasks: the disk is full." in line


@pytest.mark.usefixtures("_here")
def test_the_latest_run_that_had_something_to_do_for_a_file_is_shown() -> None:
    with RunRecord.start(program="p.py") as first:
        first.stage_started("align", total=1, fresh=0)
        task = first.task_added("align", "Job", inputs=["a"], outputs=["b"], reason="b is missing")
        first.task_ended(task, "ok")
        first.stage_ended("align", "ok")
    with RunRecord.start(program="p.py") as second:
        second.stage_started("align", total=1, fresh=1)
        second.stage_ended("align", "ok")
    for what in ("b", "align", "a"):
        told = call("logs", what)
        assert told.stdout.startswith("Task 1  align  ok\n")
        assert told.stderr == (
            f"Run {second.run_id[:8]}, the last, had nothing to do for {what}; this is an earlier one.\n"
        )
    assert "had nothing to do in run" in call("logs", "align", "--run", second.run_id).stdout
    assert call("logs", "1").exit_code == 2
    assert call("logs", "c").exit_code == 2


@pytest.mark.usefixtures("_here")
def test_the_name_of_a_pipeline_may_be_left_out_where_that_leaves_one_stage() -> None:
    with RunRecord.start(program="p.py", argv=["p.py"], backend="inline", engines=1, options={}) as record:
        for stage in ("night::flat", "night::stack", "day::stack"):
            record.stage_started(stage, total=1, fresh=0)
            record.task_ended(record.task_added(stage, f"Job = [-> {stage[:3]}.fits]"), "ok")
        record.stage_started("day::bias", total=2, fresh=2)
    assert lines_of("flat")[0] == "Task 1 night::flat ok"
    assert lines_of("day::stack")[0] == "Task 3 day::stack ok"
    assert lines_of("bias")[0].startswith("Stage bias had nothing to do")
    assert call("logs", "stack").exit_code == 2
