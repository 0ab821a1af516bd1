"""The same answers, word for word, as Ruffus 3.0.0.

The answers are recorded; to check that they are still upstream's, name a Python that has ruffus==3.0.0:

    GANGLINE_RUFFUS_PYTHON=/path/to/python python -m pytest tests/unit/pipeline/freshness
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from gangline.pipeline import ruffus_utility
from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.freshness.modify_time import needs_update_check_modify_time
from gangline.pipeline.freshness.rules import Assessor
from tests.unit.pipeline.freshness import scenarios

HERE = Path(__file__).parent
RECORDED: list[Any] = json.loads((HERE / "upstream.json").read_text(encoding="utf-8"))
REASONS = [
    "",
    "...\n        Missing file",
    "Missing output file",
    "Uncheckpointed",
    "Pipeline function has changed",
    "Pipeline parameters have changed",
    "\n  Input files",
    "Up to date",
    "Missing input files",
]
UPSTREAM = os.environ.get("GANGLINE_RUFFUS_PYTHON", "")


def compare(ours: list[Any]) -> None:
    for scenario, here, there in zip(scenarios.scenarios(), ours, RECORDED, strict=True):
        if there is not None:
            assert here == there, json.dumps(scenario)


def test_the_function_answers_as_upstream_does() -> None:
    compare(scenarios.answers(ruffus_utility, needs_update_check_modify_time))


def assess(*params: Any, task: Any, job_history: Any, verbose_abbreviated_path: int, **how: bool) -> tuple[bool, str]:
    """As a run does it, with the history's file itself."""
    file = job_history.con.execute("PRAGMA database_list").fetchone()[2]
    with_times = how["return_file_dates_when_uptodate"]
    with History.open(file, writing=False) as history:
        assessor = Assessor(Level(task.checksum_level), history, with_times=with_times)
        found = assessor.assess(task.user_defined_work_func, JobParams(params, params))
    return found.needs_update, found.reason(verbose_abbreviated_path, os.getcwd(), with_times=with_times)


def test_a_run_decides_as_upstream_does() -> None:
    compare(scenarios.answers(ruffus_utility, assess))


def test_the_recorded_answers_give_every_reason() -> None:
    words = [answer[1] for answer in RECORDED if answer is not None]
    for reason in REASONS:
        assert sum(word.startswith(reason) for word in words) > 2, reason


if UPSTREAM:

    def test_the_recorded_answers_are_those_of_upstream() -> None:
        command = [UPSTREAM, str(HERE / "scenarios.py")]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        assert json.loads(done.stdout) == RECORDED
