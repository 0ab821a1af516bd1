"""`run_job` with a real Grid Engine: jobs that end in all ways, pauses, and Ctrl-C."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.grid_engine import GridEngine

PROGRAM = Path(__file__).with_name("run_job_program.py")

# In CI the first of them waits for the packages to be installed.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def told(grid_engine: GridEngine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """What a program of run_job_program.py tells."""

    def run(name: str) -> dict[str, Any]:
        program = grid_engine.program(PROGRAM, name, folder=tmp_path_factory.mktemp(name))
        stdout, stderr = program.communicate(timeout=240)
        assert program.returncode == 0, stderr
        return json.loads(stdout.splitlines()[-1])

    return run


@pytest.fixture(scope="module")
def endings(told: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return told("endings")


def test_lines_of_a_job_come_back(endings):
    fine = endings["fine"]
    assert fine["stdout"] == ["out\n", "no-end"]
    assert fine["stderr"] == ["err\n"]
    assert fine["log"][0].startswith("job has been submitted with jobid ")
    assert fine["log"][1].startswith("Drmaa command used Mem=")


def test_exit_codes_and_signals_are_told_apart(endings):
    fails, signalled = endings["fails"], endings["signalled"]
    assert (fails["exit_code"], fails["signal"], fails["stdout"]) == (3, None, ["before\n"])
    assert fails["error"].startswith("The drmaa command exited with exit code 3:\n")
    assert "The original command was: >> echo before; exit 3 <<\nThe jobid was: " in fails["error"]
    assert "The stdout was: \nbefore\n" in fails["error"]
    assert (signalled["exit_code"], signalled["signal"]) == (None, 9)
    assert "terminated by signal 9 (SIGKILL)" in signalled["error"]


def test_a_job_that_is_refused_is_submitted_once(endings):
    assert 'unknown queue "nowhere"' in endings["refused"]["error"]
    assert endings["refused"]["log"] == []


def test_a_job_that_cannot_start_says_so(endings):
    assert endings["nowhere"]["exit_code"] != 0
    assert "never ran" in endings["nowhere"]["error"]


def test_directories_and_variables_arrive_exactly(endings):
    assert endings["odd"]["stderr"] == []
    directory, *values = "".join(endings["odd"]["stdout"]).split("\n", 1)
    assert directory.endswith("/odd, dir: '$HOME' \"x\" é*")
    assert values == ["x, y=z'\"q $HOME `ls`\ntwo\nlines\n\n~/none\n"]


def test_a_job_that_fails_is_submitted_again_as_often_as_asked(endings):
    assert endings["again"]["stdout"] == []
    assert sum("submitted" in message for message in endings["again"]["log"]) == 2
    assert endings["never"]["exit_code"] == 5
    assert sum("submitted" in message for message in endings["never"]["log"]) == 2


def test_only_scripts_that_are_to_be_kept_stay(endings):
    assert len(endings["left"]) == 1
    assert endings["left"][0].startswith("kept/drmaa_script_")
    assert endings["left"][0].rpartition(".")[2].isdecimal()


def test_a_job_that_is_deleted_says_how_it_ended(endings):
    assert endings["deleted"]["signal"] == 9
    assert "aborted" in endings["deleted"]["error"]


def test_a_job_that_is_lost_is_reported(endings):
    assert "was lost by the batch system" in endings["lost"]["error"]


def test_a_job_waits_while_its_pipeline_pauses(told):
    pauses = told("pauses")
    assert pauses["state"]
    assert pauses["stdout"] == []
    assert any("will be suspended" in message for message in pauses["log"])
    assert any("will be resumed" in message for message in pauses["log"])


def test_a_session_that_is_not_open_says_what_to_do(told):
    assert "initialize()" in told("closed")["error"]


@pytest.mark.parametrize("jobs", ["one", "twenty"])
def test_ctrl_c_leaves_no_job_behind(grid_engine, told, jobs):
    ended = told(jobs)
    assert ended["all_ended"] is True
    assert ended["orders"] == ended["ordered"] == {"one": 1, "twenty": 20}[jobs]  # each is asked to end but once
    assert ended["scripts"] == []
    grid_engine.until(lambda: grid_engine.jobs() == [], "all jobs are gone")


def test_ctrl_c_in_a_pipeline_leaves_no_job_behind(grid_engine, told):
    assert told("pipeline")["scripts"] == []
    grid_engine.until(lambda: grid_engine.jobs() == [], "all jobs are gone")
