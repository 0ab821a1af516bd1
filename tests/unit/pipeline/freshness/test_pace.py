"""A run may stand still between any two steps, and a job may take less than a tick of the clock of files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.freshness import contents
from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.freshness.recorder import Recorder
from gangline.pipeline.freshness.rules import Assessor
from gangline.pipeline.freshness.verdict import Cause

TICK_S = 0.004


@pytest.fixture
def stand_still(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Has time go by."""
    past = [0.0]
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + past[0])

    def wait(seconds: float) -> None:
        past[0] += seconds

    return wait


def write(name: str, at: float) -> None:
    Path(name).write_text(name, encoding="utf-8")
    os.utime(name, (at, at))


def job(*params: Any) -> JobParams:
    return JobParams(params, params)


def make(*params: Any) -> None: ...


@pytest.mark.parametrize("level", Level)
def test_a_quick_job_whose_end_is_seen_late_is_not_run_again(
    level: Level, stand_still: Callable[[float], None]
) -> None:
    first, second = job(None, "a"), job("a", "b")
    with History.open("h.sqlite", level) as history:
        assessor = Assessor(level, history)
        recorder = Recorder(assessor)
        recorder.begin([first])
        write("a", time.time())
        recorder.finished(make, first)  # the history's time is finer than that of the file
        recorder.begin([second])
        write("b", os.stat("a").st_mtime - TICK_S / 2)
        stand_still(3)
        recorder.finished(make, second)
        assert not assessor.assess(make, second).needs_update
    with History.open("h.sqlite", level) as history:
        assert not Assessor(level, history).assess(make, second).needs_update


def test_touching_makes_up_to_date_however_late_that_is_seen(stand_still: Callable[[float], None]) -> None:
    work = job("a", "b")
    write("a", time.time() + TICK_S)
    with History.open("h.sqlite") as history:
        recorder = Recorder(Assessor(Level.HISTORY, history))
        recorder.touch(work)
        stand_still(3)
        recorder.finished(make, work)
        assert not Assessor(Level.HISTORY, history).assess(make, work).needs_update


def test_what_is_older_than_its_input_is_out_of_date_if_no_job_has_made_it() -> None:
    work = job("a", "b")
    write("a", time.time() - 99.5)
    write("b", time.time() - 100)
    with History.open("h.sqlite") as history:
        Recorder(Assessor(Level.HISTORY, history)).finished(make, work)
        assert Assessor(Level.HISTORY, history).assess(make, work).cause is Cause.TIMES


@pytest.mark.parametrize("level", Level)
def test_an_input_that_changes_while_the_job_runs_counts_all_the_same(
    level: Level, stand_still: Callable[[float], None]
) -> None:
    write("a", time.time() - 100)
    work = job("a", "b")
    with History.open("h.sqlite", level) as history:
        recorder = Recorder(Assessor(level, history))
        recorder.begin([work])
        write("b", time.time())
        write("a", time.time() + 0.5)
        recorder._files.forget_all()  # as another stage has it when it begins
        stand_still(3)
        recorder.finished(make, work)
    with History.open("h.sqlite", level) as history:
        found = Assessor(level, history).assess(make, work)
    assert found.cause is (Cause.INPUTS if level >= Level.SIZES else Cause.TIMES)


def test_what_is_in_a_file_is_not_remembered_that_was_written_a_moment_before(
    monkeypatch: pytest.MonkeyPatch, stand_still: Callable[[float], None]
) -> None:
    read = contents._read_digest

    def read_slowly(*args: Any) -> str:
        digest = read(*args)
        stand_still(3)  # long enough to be written again within the same tick, and for that to be long ago
        return digest

    monkeypatch.setattr(contents, "_read_digest", read_slowly)
    with History.open("h.sqlite", Level.CONTENTS) as history:
        write("new", time.time() - TICK_S)
        write("old", time.time() - 100.5)
        for name in ("new", "old"):
            assert contents.Contents(history, True).print_of(name) is not None
        history.flush()
        assert [row[0] for row in history.fetch("list_digests")] == ["old"]
