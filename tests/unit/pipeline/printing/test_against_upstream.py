"""Printouts and pictures are those of Ruffus 3.0.0, word for word; upstream's are recorded, see `recorded.py`."""

import os
import tempfile

import pytest

from gangline.pipeline.stages.pipeline import Pipeline
from tests.unit.pipeline.printing.comparing import ordered
from tests.unit.pipeline.printing.playing import play
from tests.unit.pipeline.printing.programs import PROGRAMS
from tests.unit.pipeline.printing.recorded import load

RECORDED = load()


@pytest.fixture(autouse=True)
def _alone():
    before = os.getcwd()
    yield
    os.chdir(before)
    Pipeline.clear_all()


@pytest.mark.parametrize("program", [*PROGRAMS, "demo"])
def test_texts_are_those_of_upstream(program):
    pairs = [(case, answer) for case, answer in RECORDED if case.get("program", "demo") == program]
    assert pairs
    for case, expected in pairs:
        if program == "objects" and "graph" in case:
            continue  # boxes of several pipelines show their pipeline, other than upstream's
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            ours = play(case, folder)
            os.chdir("/")
        assert ordered(case, ours) == ordered(case, expected), case
