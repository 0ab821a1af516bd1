"""Programs declare the same stages, jobs and errors, and the same stages must run, as with Ruffus 3.0.0.

The answers are recorded; to check that they are still upstream's, name a Python that has ruffus==3.0.0:

    GANGLINE_RUFFUS_PYTHON=/path/to/python python -m pytest tests/unit/pipeline/stages
"""

import json
import os

import pytest

from tests.unit.pipeline.stages.playing import play
from tests.unit.pipeline.stages.programs import PROGRAMS
from tests.unit.pipeline.stages.recorded import RECORD, ask, make_files

UPSTREAM = os.environ.get("GANGLINE_RUFFUS_PYTHON", "")
RECORDED = json.loads(RECORD.read_text(encoding="utf-8"))

# Where Gangline says more, or upstream stumbles over itself: what in its answer becomes what in ours.
DIFFERENT = {
    "input mkdir": ("<ruffus.task.mkdir object>", "mkdir('d')"),
    "own pipeline": (
        "{'a': <ruffus.task.Task object>, <function work>: <ruffus.task.Task object>, "
        "'work': <ruffus.task.Task object>, '__main__.work': <ruffus.task.Task object>}",
        "<Pipeline 'p'>",
    ),
    "clone after a run": (
        "Make missing directories including any intermediate directories on the specified path(s)",
        "Make missing directories [HERE/d]",
    ),
    "function without a stage": (
        '"NameError", "name \'task_func\' is not defined"',
        '"error_function_is_not_a_task", "    \\n    \\n    \\n    Function def other(...): is not a Ruffus task. The '
        "function needs to have a ruffus decoration like '@transform', or be a member of a ruffus.Pipeline().\"",
    ),
    "pipeline twice": ('"Exception"', '"UsageError"'),
    "head stages no list": ('"Exception"', '"UsageError"'),
    "callback no function": ('"Exception"', '"UsageError"'),
    "runtime parameter no text": ('"Exception"', '"UsageError"'),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_declares_what_it_declares_upstream(name, tmp_path):
    make_files(tmp_path)
    expected = json.dumps(RECORDED[name])
    if name in DIFFERENT:
        theirs, ours = DIFFERENT[name]
        assert theirs in expected
        expected = expected.replace(theirs, ours)
    # Newer Pythons call it PatternError.
    answer = json.loads(json.dumps(play(PROGRAMS[name], str(tmp_path))).replace("PatternError", "error"))
    assert answer == json.loads(expected)


def test_the_record_covers_every_way_to_end():
    assert set(RECORDED) == set(PROGRAMS)
    assert sum("stages" in answer for answer in RECORDED.values()) > 80
    assert sum("error" in answer for answer in RECORDED.values()) > 50
    assert sum("circle" in answer for answer in RECORDED.values()) > 2


if UPSTREAM:

    def test_the_record_is_what_upstream_answers(tmp_path):
        assert ask(UPSTREAM, PROGRAMS, tmp_path) == RECORDED
