"""Tasks as jobs of a real Grid Engine, through its commands and through DRMAA."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.integration.grid_engine import GridEngine

PROGRAM = Path(__file__).with_name("client_program.py")


SYSTEMS = ("sge", "drmaa")


class Ran(NamedTuple):
    """A program that has ended, and the folder that it worked in."""

    folder: Path
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def ran(grid_engine: GridEngine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """One for each system, side by side."""
    folders = {system: tmp_path_factory.mktemp(system) for system in SYSTEMS}

    def run(system: str) -> Ran:
        with grid_engine.program(PROGRAM, system, folder=folders[system]) as program:
            out, err = program.communicate(timeout=400)
        return Ran(folders[system], program.returncode, out, err)

    with ThreadPoolExecutor() as threads:
        return dict(zip(SYSTEMS, threads.map(run, SYSTEMS), strict=True))


@pytest.mark.timeout(600)  # in CI the packages may have to be installed
@pytest.mark.parametrize("system", SYSTEMS)
def test_what_becomes_of_tasks(grid_engine: GridEngine, ran: dict[str, Ran], system: str) -> None:
    program = ran[system]
    assert program.code == 0, program.out + program.err
    answers = json.loads(program.out.splitlines()[-1])
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
    assert list((program.folder / ".gangline" / "batch").iterdir()) == []
