"""The levels that look at sizes and contents."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.freshness.recorder import Recorder
from gangline.pipeline.freshness.rules import Assessor
from gangline.pipeline.freshness.verdict import Cause, Freshness

FILE = "h.sqlite"


def job(*params: Any) -> JobParams:
    return JobParams(params, params)


def make(inputs: str, output: str) -> None:
    Path(output).write_text("made", encoding="utf-8")


def run(level: Level, work: JobParams) -> None:
    with History.open(FILE, level) as history:
        recorder = Recorder(Assessor(level, history))
        recorder.begin([work])
        make(*work.params)
        recorder.finished(make, work)


def look(level: Level, work: JobParams) -> Freshness:
    with History.open(FILE, level) as history:
        return Assessor(level, history).assess(make, work)


def rewrite(name: str, text: str, shift_s: float = 0.0) -> None:
    """New contents, with the time of the old ones and a bit."""
    before = os.stat(name).st_mtime_ns if os.path.exists(name) else 10**18
    Path(name).write_text(text, encoding="utf-8")
    after = before + int(shift_s * 1e9)
    os.utime(name, ns=(after, after))


@pytest.fixture(autouse=True)
def _sources(folder: Path) -> None:
    rewrite("a", "one")
    rewrite("c", "two")


@pytest.mark.parametrize(("level", "stale"), [(Level.PARAMETERS, False), (Level.SIZES, True), (Level.CONTENTS, True)])
def test_another_size_with_the_old_time(level: Level, stale: bool) -> None:
    run(level, job(["a", "c"], "b"))
    rewrite("a", "longer")
    found = look(level, job(["a", "c"], "b"))
    assert found.needs_update is stale
    if stale:
        assert found.reason(-55, os.getcwd()) == "Input files have changed:\n        [a]"


@pytest.mark.parametrize(("level", "stale"), [(Level.SIZES, False), (Level.CONTENTS, True)])
def test_other_contents_of_the_same_size(level: Level, stale: bool) -> None:
    run(level, job(["a", "c"], "b"))
    rewrite("c", "six", shift_s=0.001)
    assert look(level, job(["a", "c"], "b")).needs_update is stale


def test_a_file_that_was_only_touched_is_the_same_at_the_level_of_contents() -> None:
    run(Level.CONTENTS, job("a", "b"))
    os.utime("a")
    later = os.stat("b").st_mtime + 100
    os.utime("a", (later, later))
    assert not look(Level.CONTENTS, job("a", "b")).needs_update
    assert look(Level.SIZES, job("a", "b")).cause is Cause.TIMES


def test_an_output_that_was_changed_is_made_again() -> None:
    run(Level.CONTENTS, job("a", "b"))
    rewrite("b", "edit")
    found = look(Level.CONTENTS, job("a", "b"))
    assert found.reason(-55, os.getcwd()) == "Output files have changed since they were made:\n        [b]"


def test_inputs_that_came_or_went_count() -> None:
    run(Level.CONTENTS, job(["a", "c"], "b"))
    assert look(Level.CONTENTS, job(["a"], "b")).summary() == "c has changed"
    rewrite("d", "new")
    assert look(Level.CONTENTS, job(["a", "c", "d"], "b")).summary() == "d has changed"


def test_a_history_without_contents_goes_by_time_and_learns_them() -> None:
    run(Level.HISTORY, job("a", "b"))
    run(Level.PARAMETERS, job("a", "b"))
    assert not look(Level.CONTENTS, job("a", "b")).needs_update
    rewrite("a", "six", shift_s=0.001)
    assert look(Level.CONTENTS, job("a", "b")).cause is Cause.INPUTS


def test_an_input_that_changes_while_the_job_runs_makes_it_run_again() -> None:
    work = job("a", "b")
    with History.open(FILE, Level.CONTENTS) as history:
        recorder = Recorder(Assessor(Level.CONTENTS, history))
        recorder.begin([work])
        rewrite("a", "changed", shift_s=1)
        make(*work.params)
        recorder.finished(make, work)
    assert look(Level.CONTENTS, work).cause is Cause.INPUTS


def test_a_digest_is_remembered_for_as_long_as_the_file_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime("a", (1000, 1000))
    run(Level.CONTENTS, job("a", "b"))
    os.utime("b", (2000, 2000))
    look(Level.CONTENTS, job("a", "b"))

    def refuse(*_: object) -> str:
        raise AssertionError("a file was read again")

    monkeypatch.setattr("gangline.pipeline.freshness.contents._read_digest", refuse)
    assert not look(Level.CONTENTS, job("a", "b")).needs_update


def test_folders_are_told_apart_by_the_names_in_them() -> None:
    os.mkdir("d")
    run(Level.CONTENTS, job("d", "b"))
    assert not look(Level.CONTENTS, job("d", "b")).needs_update
    rewrite("d/new", "x")
    assert look(Level.CONTENTS, job("d", "b")).cause is Cause.INPUTS
