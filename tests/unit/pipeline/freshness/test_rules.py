"""Each reason, in its words, at the levels that know it, and in its order."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gangline.pipeline.expand.jobs import JobParams
from gangline.pipeline.freshness.directories import assess_directories
from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.inputs import missing_input_error, missing_inputs
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.freshness.recorder import Recorder
from gangline.pipeline.freshness.rules import Assessor
from gangline.pipeline.freshness.verdict import Cause, Freshness
from gangline.pipeline.ruffus_exceptions import error_not_a_directory

FILE = "h.sqlite"
RECORDING = [Level.HISTORY, Level.FUNCTIONS, Level.PARAMETERS, Level.SIZES, Level.CONTENTS]
EVERY = list(Level)


def job(*params: Any, **named: Any) -> JobParams:
    return JobParams(params, params, named)


def make(inputs: str, output: str, *extras: object) -> None:
    Path(output).write_text("made", encoding="utf-8")


def make_otherwise(inputs: str, output: str, *extras: object) -> None:
    Path(output).write_text("made otherwise", encoding="utf-8")


def write(name: str, text: str = "x", at: float | None = None) -> None:
    Path(name).write_text(text, encoding="utf-8")
    if at is not None:
        os.utime(name, (at, at))


def run(level: Level, work: JobParams, function: Callable[..., None] = make) -> None:
    with History.open(FILE, level) as history:
        recorder = Recorder(Assessor(level, history))
        recorder.begin([work])
        function(*work.params)
        recorder.finished(function, work)


def look(level: Level, work: JobParams, function: Callable[..., None] = make) -> Freshness:
    with History.open(FILE, level, writing=False) as history:
        return Assessor(level, history).assess(function, work)


def reason(found: Freshness) -> str:
    return found.reason(-55, os.getcwd())


@pytest.mark.parametrize("level", EVERY)
def test_a_job_with_one_parameter_always_runs(level: Level) -> None:
    found = look(level, job("a"))
    assert (found.needs_update, reason(found)) == (True, "")


@pytest.mark.parametrize("level", EVERY)
def test_without_outputs_it_runs(level: Level) -> None:
    write("a")
    found = look(level, job("a", [1, []]))
    assert (found.needs_update, reason(found)) == (True, "Missing output file")


@pytest.mark.parametrize("level", EVERY)
def test_missing_files_are_named_inputs_first(level: Level) -> None:
    write("there")
    found = look(level, job(["a", "there"], ["b", "there"]))
    assert (found.needs_update, reason(found)) == (True, "...\n        Missing files [a, b]")
    assert found.summary() == "a, b are missing"


def test_a_name_that_no_file_can_have_is_missing() -> None:
    found = look(Level.TIMES, job(None, ["x" * 10_000, "a\0b"]))
    assert found.cause is Cause.MISSING


@pytest.mark.parametrize("level", RECORDING)
def test_an_output_of_another_tool_is_not_trusted_from_level_1_on(level: Level) -> None:
    write("a", at=1000)
    write("b")
    assert not look(Level.TIMES, job("a", "b")).needs_update
    found = look(level, job("a", ["b", "b"]))
    assert reason(found) == "Uncheckpointed file (left over from a failed run?):\n        [b]"


@pytest.mark.parametrize("level", EVERY)
def test_what_was_made_is_up_to_date(level: Level) -> None:
    write("a")
    run(level, job("a", "b", 3))
    found = look(level, job("a", "b", 3))
    assert (found.needs_update, reason(found)) == (False, "Up to date")


@pytest.mark.parametrize("level", EVERY)
def test_without_inputs_it_is_up_to_date_when_made(level: Level) -> None:
    run(level, job(None, "b"))
    found = look(level, job(None, "b"))
    assert (found.needs_update, reason(found)) == (False, "Missing input files")


@pytest.mark.parametrize(("level", "stale"), [(level, level >= Level.FUNCTIONS) for level in RECORDING])
def test_a_changed_function_counts_from_level_2_on(level: Level, stale: bool) -> None:
    write("a", at=1000)
    run(level, job("a", "b"))
    found = look(level, job("a", "b"), make_otherwise)
    assert found.needs_update is stale
    if stale:
        assert reason(found) == "Pipeline function has changed:\n        [b]"


@pytest.mark.parametrize(("level", "stale"), [(level, level >= Level.PARAMETERS) for level in RECORDING])
def test_changed_parameters_count_from_level_3_on(level: Level, stale: bool) -> None:
    write("a", at=1000)
    run(level, job("a", "b", 3))
    found = look(level, job("a", "b", 4))
    assert found.needs_update is stale
    if stale:
        assert reason(found) == "Pipeline parameters have changed:\n        [b]"


def test_parameters_with_names_count_too() -> None:
    write("a", at=1000)
    run(Level.PARAMETERS, job("a", "b", x=1, y=2))
    assert not look(Level.PARAMETERS, job("a", "b", y=2, x=1)).needs_update
    assert look(Level.PARAMETERS, job("a", "b", x=1, y=3)).cause is Cause.PARAMETERS


def test_a_newer_input_is_shown_in_a_table_with_asterisks() -> None:
    write("old", at=1000.25)
    write("new", at=3000.5)
    write("b", at=2000)
    found = look(Level.TIMES, job(["new", "old"], "b"))
    assert found.needs_update
    assert reason(found) == (
        "\n  Input files:\n"
        "     01 Jan 1970 00:16:40.25: old\n"
        "   * 01 Jan 1970 00:50:00.50: new\n"
        "  Output files:\n"
        "   * 01 Jan 1970 00:33:20.00: b\n"
    )
    assert found.summary() == "new is newer than b"


def test_equally_old_is_out_of_date() -> None:
    write("a", at=1000)
    write("b", at=1000)
    found = look(Level.TIMES, job("a", "b"))
    assert found.needs_update
    assert found.summary() == "a is as new as b"


def test_times_are_shown_on_request_when_all_is_well() -> None:
    write("a", at=1000)
    write("b", at=2000)
    with History.open(FILE, Level.TIMES) as history:
        found = Assessor(Level.TIMES, history, with_times=True).assess(make, job("a", "b"))
    assert found.reason(-55, os.getcwd(), with_times=True).startswith("Up to date\n\n  Input files:\n")


@pytest.mark.parametrize("level", [Level.TIMES, *RECORDING[:-1]])
def test_a_touched_input_counts_at_every_level_that_goes_by_time(level: Level) -> None:
    write("a", at=1000)
    run(level, job("a", "b"))
    later = os.stat("b").st_mtime + 10
    os.utime("a", (later, later))
    assert look(level, job("a", "b")).cause is Cause.TIMES


@pytest.mark.parametrize("level", EVERY)
def test_an_output_that_is_an_input_by_another_name_does_not_count(level: Level) -> None:
    write("a")
    os.symlink("a", "link")
    run(level, job("a", "b"))
    later = os.stat("b").st_mtime - 50
    os.utime("a", (later, later))
    with History.open(FILE, Level.HISTORY) as history:
        Recorder(Assessor(Level.HISTORY, history)).finished(make, job(None, ["a", "link"]))
        history.flush()
        found = Assessor(Level.TIMES, history).assess(make, job("a", ["link", "b"]))
    assert not found.needs_update


def test_a_hard_link_is_a_file_of_its_own() -> None:
    write("a")
    os.link("a", "b")
    assert look(Level.TIMES, job("a", "b")).cause is Cause.TIMES


def test_at_level_0_outputs_are_newer_than_inputs_however_quick_the_job_is() -> None:
    write("a")
    for source, target in (("a", "b"), ("b", "c"), ("c", "d")):
        run(Level.TIMES, job(source, target))
    for source, target in (("a", "b"), ("b", "c"), ("c", "d")):
        assert not look(Level.TIMES, job(source, target)).needs_update


def test_files_are_asked_once_until_told_to_forget() -> None:
    write("a", at=1000)
    write("b", at=2000)
    with History.open(FILE, Level.TIMES) as history:
        assessor = Assessor(Level.TIMES, history)
        assert assessor.all_fresh(make, [job("a", "b")])
        os.unlink("b")
        assert assessor.all_fresh(make, [job("a", "b")])
        assessor.files.forget(["b"])
        assert not assessor.all_fresh(make, [job("a", "b")])
        write("b", at=2000)
        assessor.files.forget_all()
        assert assessor.all_fresh(make, [job("a", "b")])


def test_directories() -> None:
    os.mkdir("there")
    write("file")
    assert assess_directories(job(["there"])).reason(2, os.getcwd()) == "All directories exist"
    assert assess_directories(job(["there", "x"])).reason(2, os.getcwd()) == ": Directories 'x' is missing"
    assert assess_directories(job(None, ["x", "y"])).reason(2, os.getcwd()) == ": Directories 'x, y' are missing"
    with pytest.raises(error_not_a_directory, match="file already exists but as a file, not a directory"):
        assess_directories(job(["file"]))


def test_a_missing_input_names_file_stage_job_and_maker() -> None:
    with History.open(FILE, Level.TIMES) as history:
        files = Assessor(Level.TIMES, history).files
        assert missing_inputs(job(["a", "b"], "c"), files) == ["a", "b"]
        write("a")
        assert missing_inputs(job(["a", "b"], "c"), files) == ["b"]
        assert missing_inputs(job(), files) == []
    text = str(missing_input_error("b", stage="merge", job="Job = [b -> c]", maker="split"))
    assert "No way to run job: Input file 'b' does not exist" in text
    assert "'merge'" in text
    assert "Job = [b -> c]" in text
    assert "Stage 'split' should have made it" in text
    os.symlink("nowhere", "b")
    assert "Input file 'b' is a broken symbolic link." in str(missing_input_error("b", stage="m", job="j"))
