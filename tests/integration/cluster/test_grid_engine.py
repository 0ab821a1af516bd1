"""A cluster whose engines are jobs of a real Grid Engine."""

from __future__ import annotations

from pathlib import Path

from tests.integration.grid_engine import GridEngine

PROGRAM = Path(__file__).with_name("grid_engine_program.py")
PATIENCE_S = 120.0


def test_engines_are_jobs_for_the_time_of_a_block(grid_engine: GridEngine, tmp_path: Path) -> None:
    before = set(grid_engine.jobs())
    program = grid_engine.program(PROGRAM, str(tmp_path / "clusters"), folder=tmp_path)
    said, complaints = program.communicate(timeout=PATIENCE_S)
    assert (program.returncode, complaints) == (0, "")
    refused, words, *lines = said.splitlines()
    assert refused == "0 of 2 engines of the cluster have come up, 2 are needed:"
    assert words.startswith("  default-0-0 to default-1-0: Grid Engine does not take its job: Unable to run job")
    assert lines[-3:] == ["up up", "True 2", "[3, 2, 1]"], said
    grid_engine.until(lambda: set(grid_engine.jobs()) <= before, "no job is left")
    assert not list((tmp_path / "clusters").iterdir())
