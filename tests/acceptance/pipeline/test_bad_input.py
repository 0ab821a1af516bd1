"""What bad input gets: what is wrong, where, and what to do; and nothing is lost.

Histories, full disks and read-only folders: test_histories.py. A pipeline file that does not
import: tests/acceptance/cli.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import UsageError
from gangline.pipeline import Pipeline, follows, formatter, originate, pipeline_run, regex, suffix, transform
from gangline.pipeline.ruffus_exceptions import (
    RethrownJobError,
    error_circular_dependencies,
    error_not_a_pipeline,
    error_task,
)

from .conftest import PLACES, Ear, Tally, files, make, put, run

# A cycle --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [2, 3, 50])
def test_a_cycle_names_its_stages_and_no_others(length: int) -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a"], name="innocent")
    for number in range(length):
        stage = pipeline.transform(make(), f"{number}.txt", suffix(".txt"), ".out", name=f"stage {number}")
        stage.follows("innocent", f"stage {(number + 1) % length}")
    for function in (run, lambda asked: asked.printout()):
        with pytest.raises(error_circular_dependencies) as caught:
            function(pipeline)
        text = str(caught.value)
        assert all(f"stage {number}" in text for number in range(length))
        assert "innocent" not in text
    assert files() == []


def test_a_cycle_through_outputs_and_of_decorated_functions() -> None:
    @originate(["a.0"])
    def start(output: str) -> None:
        put(output)

    @follows("third")
    @transform(start, suffix(".0"), ".1")
    def second(source: str, output: str) -> None:
        put(output)

    @transform(second, suffix(".1"), ".2")
    def third(source: str, output: str) -> None:
        put(output)

    with pytest.raises(error_circular_dependencies, match="second"):
        pipeline_run(verbose=0)


# Two stages, one file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["same name", "other spelling"])
def test_two_stages_that_make_one_file_are_named_with_it(how: str, ear: Ear) -> None:
    put("in")
    pipeline = Pipeline("p")
    pipeline.transform(make("1"), "in", formatter(), "out", name="one")
    pipeline.transform(make("2"), "in", formatter(), "out" if how == "same name" else "./out", name="two")
    run(pipeline, logger=ear, verbose=1)
    for word in ("'p::one'", "'p::two'", "both make", "out"):
        assert word in ear.text


def test_two_jobs_of_a_stage_that_make_one_file_are_told_of(ear: Ear) -> None:
    put("a.in")
    put("b.in")
    pipeline = Pipeline("p")
    pipeline.transform(make(), "*.in", regex(r".*\.in"), "out", name="both")
    run(pipeline, logger=ear, verbose=1)
    for word in ("'p::both'", "'out'"):
        assert word in ear.text


def test_a_stage_that_hands_on_a_file_does_not_make_it(ear: Ear) -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a"], name="start")
    pipeline.transform(make(), pipeline["start"], formatter(), ["{path[0]}/a", "b"], name="hands on")
    pipeline.merge(make(), pipeline["hands on"], "c", name="end")
    run(pipeline, logger=ear, verbose=1)
    assert "both make" not in ear.text or "'a'" not in ear.text


# An output that is a directory ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_an_output_that_is_a_directory_in_the_way(place: dict[str, int]) -> None:
    os.mkdir("out")
    put("in")
    age_of_in = os.stat("in").st_mtime
    pipeline = Pipeline("p")
    pipeline.transform(make(), "in", formatter(), "out", name="t")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, **place)
    for word in ("IsADirectoryError", "'out'", "in -> out"):
        assert word in str(caught.value)
    assert os.path.isdir("out")
    assert os.stat("in").st_mtime == age_of_in


def test_a_directory_may_be_an_output_like_any_other() -> None:
    tally = Tally()
    tally._make = lambda source, output: (os.mkdir(output), put(f"{output}/content"))  # type: ignore[assignment]
    put("in")

    def build(name: str) -> Pipeline:
        pipeline = Pipeline(name)
        pipeline.transform(tally, "in", formatter(), "folder", name="t")
        return pipeline

    run(build("one"))
    run(build("two"))
    assert len(tally.take()) == 1


# Long names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a_name_of_ten_thousand_letters_is_told_by_its_beginning(place: dict[str, int]) -> None:
    name = "long_" + "x" * 10_000
    pipeline = Pipeline("p")
    pipeline.originate(make(), [name, "short"], name="start")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, keep_going=True, **place)
    text = str(caught.value)
    assert "File name too long" in text
    assert "long_xxx" in text
    assert len(text) < 10_000
    assert files() == ["short"]


def test_a_long_name_as_an_input_is_missing_and_the_message_stays_short() -> None:
    name = "long_" + "x" * 10_000
    pipeline = Pipeline("p")
    pipeline.transform(make(), name, formatter(), "out", name="t")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline)
    assert caught.value.group is not None
    text = str(caught.value.group.exceptions[0])
    assert "long_xxx" in text
    assert "does not exist" in text
    assert "'p::t'" in text
    assert len(text) < 3000


@pytest.mark.parametrize("name", ["nul\0in it", "nul\0"])
def test_a_name_that_no_file_can_have(name: str) -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), [name], name="start")
    with pytest.raises(RethrownJobError, match="null"):
        run(pipeline)
    reader = Pipeline("reader")
    reader.transform(make(), name, formatter(), "out", name="t")
    with pytest.raises(RethrownJobError, match="does not exist"):
        run(reader)


# Without a match ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verbose", [1, 4])
@pytest.mark.parametrize(
    ("filter_", "pattern"),
    [(suffix(".fastq"), ".fastq"), (regex(r"(.*)\.fastq$"), "fastq"), (formatter(r"(?P<X>.*)\.fastq"), "fastq")],
)
def test_a_stage_without_a_match_is_told_of_with_pattern_and_files(
    filter_: Any, pattern: str, verbose: int, ear: Ear
) -> None:
    for number in range(30):
        put(f"sample{number:02}.fq")
    pipeline = Pipeline("p")
    pipeline.transform(make(), "*.fq", filter_, "{X[0]}.bam" if "X" in repr(filter_.args) else ".bam", name="align")
    run(pipeline, logger=ear, verbose=verbose)
    for word in ("'p::align'", "no file names matched", pattern, "sample00.fq"):
        assert word in ear.text, word


def test_a_stage_whose_glob_matches_nothing_is_told_of(ear: Ear) -> None:
    pipeline = Pipeline("p")
    pipeline.transform(make(), "data/*.fq", suffix(".fq"), ".bam", name="align")
    run(pipeline, logger=ear, verbose=1)
    assert "'p::align'" in ear.text
    assert "data/*.fq" in ear.text


# Wrong calls ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: run(p, ["strat"]), ("strat", "start")),
        (lambda p: run(p, forcedtorun_tasks=["strat"]), ("strat", "start")),
        (lambda p: pipeline_run(pipeline="nobody"), ("nobody",)),
        (lambda p: run(p, multiprocess=-1), ("multiprocess", "-1")),
        (lambda p: run(p, multiprocess="2"), ("multiprocess", "'2'")),
        (lambda p: run(p, checksum_level=9), ("checksum_level", "9")),
        (lambda p: run(p, backend="processs"), ("processs", "processes")),
        (lambda p: run(p, runtime_data=3), ("runtime_data",)),
        (lambda p: run(p, retries=-1), ("retries", "-1")),
        (lambda p: run(p, time_limit="soon"), ("time_limit", "soon")),
        (lambda p: run(p, resources={"memory": "much"}), ("memory", "much")),
        (lambda p: run(p, missing_outputs="maybe"), ("missing_outputs", "maybe")),
        (lambda p: p.originate(make(), ["b"], name="start"), ("start",)),
        (lambda p: Pipeline("p"), ("p",)),
        (lambda p: p.transform(make(), "a", "no filter", "b", name="t"), ("filter", "no filter")),
        (lambda p: p.transform(make(), "a", regex("(unclosed"), "b", name="t") and run(p), ("unclosed",)),
        (lambda p: p.transform(make(), p["nothing"], suffix("a"), "b", name="t"), ("nothing",)),
    ],
)
def test_wrong_calls_are_told_of_before_anything_runs(call: Any, words: tuple[str, ...]) -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a"], name="start")
    with pytest.raises((UsageError, error_task, error_not_a_pipeline, TypeError, KeyError, Exception)) as caught:
        call(pipeline)
    for word in words:
        assert word in str(caught.value), word
    assert not Path("a").exists()
