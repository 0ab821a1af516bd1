"""What is called for a job, wherever it runs."""

from __future__ import annotations

import pytest

from gangline._engine.segments import SegmentPool
from gangline.backends.calls import Calls
from gangline.pipeline.running.work import task_of
from gangline.pipeline.stages.pipeline import Pipeline


def copy(source: str, target: str) -> None:
    """Only for its name."""


@pytest.fixture
def calls() -> Calls:
    return Calls(SegmentPool())


def test_a_stage_function_travels_once_for_all_its_jobs(calls: Calls) -> None:
    stage = Pipeline("travelling").originate(copy, ["a"])  # type: ignore[attr-defined]
    task = task_of(stage, copy, apart=True)
    one, other = (calls.prepare(task, (name, f"{name}.copy"), {}) for name in "ab")
    assert one.definition is not None
    assert one.definition is other.definition
    assert one.data == ("a", "a.copy")
