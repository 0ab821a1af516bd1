"""Tasks as jobs of a real Grid Engine, through its commands and through DRMAA."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.grid_engine import GridEngine

PROGRAM = Path(__file__).with_name("client_program.py")


@pytest.mark.parametrize("system", ["sge", "drmaa"])
def test_what_becomes_of_tasks(grid_engine: GridEngine, tmp_path: Path, system: str) -> None:
    with grid_engine.program(PROGRAM, system, folder=tmp_path) as program:
        out, err = program.communicate(timeout=240)
    assert program.returncode == 0, out + err
    answers = json.loads(out.splitlines()[-1])
    assert answers["fine"] == [0, "red\nin\n"]
    assert answers["call"] == [32, ""]
    assert answers["array"] == [[0, f"{number}\n"] for number in range(20)]
    assert answers["pipeline"] == "TEXT\n"
    for name, kind, text in (
        ("code", "CommandFailed", "ended with exit code 3"),
        ("signal", "CommandFailed", "was ended by SIGKILL"),
        ("refused", "JobRejected", "no-such-queue"),
        ("late", "CommandTimedOut", "ran longer than 3 s"),
        ("taken back", "TaskAborted", "cancelled"),
    ):
        assert answers[name][0] == kind, answers[name]
        assert text in answers[name][1]
    grid_engine.until(lambda: not grid_engine.jobs(), "no job is left")
    assert list((tmp_path / ".gangline" / "batch").iterdir()) == []
