"""Declarations become the same jobs, texts and errors as with Ruffus 3.0.0.

The answers are recorded; to check that they are still upstream's, name a Python that has ruffus==3.0.0:

    GANGLINE_RUFFUS_PYTHON=/path/to/python python -m pytest tests/unit/pipeline
"""

import json
import os

import pytest

from tests.unit.pipeline.cases import FILES, all_cases
from tests.unit.pipeline.playing import play
from tests.unit.pipeline.recorded import ask, load

UPSTREAM = os.environ.get("GANGLINE_RUFFUS_PYTHON", "")
RECORDED = load()
KINDS = {
    "transform", "subdivide", "collate", "product", "permutations", "combinations", "combinations_with_replacement",
    "originate", "split", "merge", "mkdir", "files", "files_re", "parallel", "exception", "abbreviate", "decompose",
}  # fmt: skip


def kind_of(case):
    if "stages" in case:
        return case["stages"][-1]["kind"]
    return "exception" if "class" in case else next(iter(case))


def same(ours, upstreams):
    """Equal; where upstream raises a bare Exception, ours may be of a class that says more."""
    if "error" in upstreams and upstreams["error"][0] == "Exception":
        return "error" in ours and ours["error"][1] == upstreams["error"][1]
    return ours == upstreams


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_answers_are_those_of_upstream(kind):
    pairs = [(case, answer) for case, answer in RECORDED if kind_of(case) == kind]
    assert len(pairs) > 5
    for case, expected in pairs:
        # Newer Pythons call it PatternError.
        ours = json.loads(json.dumps(play(case, FILES)).replace("PatternError", "error"))
        assert same(ours, expected), json.dumps(case)


def test_the_record_covers_every_kind_and_each_way_to_end():
    assert {kind_of(case) for case, _ in RECORDED} == KINDS
    for kind in ("transform", "subdivide", "collate"):
        answers = [answer for case, answer in RECORDED if kind_of(case) == kind]
        assert sum(1 for answer in answers if answer.get("jobs")) > 20
        assert sum(1 for answer in answers if answer.get("unmatched")) > 20
        assert sum(1 for answer in answers if "error" in answer) > 9


def test_the_record_is_of_the_cases_that_there_are():
    assert [case for case, _ in RECORDED] == json.loads(json.dumps(all_cases()))


if UPSTREAM:

    def test_the_record_is_what_upstream_answers():
        assert ask(UPSTREAM, [case for case, _ in RECORDED]) == [answer for _, answer in RECORDED]
