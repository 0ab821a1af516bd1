"""Jobs that wait for jobs, and outputs that go when nothing needs them: P26, P35."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from gangline.pipeline import Pipeline, add_inputs, formatter, regex, suffix
from gangline.pipeline.ruffus_exceptions import RethrownJobError

from .conftest import PLACES, Ear, Tally, age, files, get, make, put, run


def patient(waits: dict[str, str]) -> Any:
    """Makes its output; some only when another file is there."""

    def work(*params: Any) -> None:
        output = params[-1]
        limit = time.monotonic() + 60
        while output in waits and not os.path.exists(waits[output]) and time.monotonic() < limit:
            time.sleep(0.005)
        with open(output, "w") as file:
            file.write(str(output not in waits or os.path.exists(waits[output])))

    return work


# P26 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [{"multithread": 3}, {"multiprocess": 2}])
def test_p26_two_ways_through_a_pipeline_do_not_wait_for_each_other(place: dict[str, int]) -> None:
    work = patient({"slow.0": "quick.3"})
    pipeline = Pipeline("p")
    pipeline.originate(work, ["slow.0", "quick.0", "third.0"], name="start")
    for number in range(3):
        before = pipeline["start" if number == 0 else f"to {number}"]
        pipeline.transform(work, before, suffix(f".{number}"), f".{number + 1}", name=f"to {number + 1}")
    pipeline.merge(work, pipeline["to 3"], "end", name="end")
    run(pipeline, trickle=True, **place)
    assert get("slow.0") == "True"
    assert files("*.3") == ["quick.3", "slow.3", "third.3"]
    assert Path("end").exists()


def test_p26_the_barrier_is_the_default() -> None:
    order: list[str] = []

    def note(*params: Any) -> None:
        order.append(params[-1])
        put(params[-1])

    pipeline = Pipeline("p")
    pipeline.originate(note, ["a.0", "b.0"], name="start")
    pipeline.transform(note, pipeline["start"], suffix(".0"), ".1", name="next")
    run(pipeline, multithread=2)
    assert {*order[:2]} == {"a.0", "b.0"}


def test_p26_collate_waits_for_all_of_its_group_and_no_more() -> None:
    work = patient({"b.2.0": "a.all"})
    pipeline = Pipeline("p")
    pipeline.originate(work, ["a.1.0", "a.2.0", "b.1.0", "b.2.0"], name="start")
    pipeline.collate(
        lambda sources, output: work(output), pipeline["start"], regex(r"(.)\..\.0"), r"\1.all", name="gather"
    )
    run(pipeline, trickle=True, multithread=3)
    assert get("b.2.0") == "True"
    assert files("*.all") == ["a.all", "b.all"]


@pytest.mark.parametrize("place", PLACES)
def test_p26_after_a_split_jobs_wait_for_it(place: dict[str, int]) -> None:
    def cut(source: str, outputs: list[str]) -> None:
        stem = source[0]
        for number in range(3):
            time.sleep(0.02)
            with open(f"{stem}.{number}.part", "w") as file:
                file.write("whole")

    def read(source: str, output: str) -> None:
        with open(source) as file:
            text = file.read()
        with open(output, "w") as file:
            file.write(text)

    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a.0", "b.0"], name="start")
    pipeline.subdivide(
        lambda source, outputs: cut(source, outputs),
        pipeline["start"],
        formatter(),
        "{basename[0]}.*.part",
        name="cut",
    )
    pipeline.transform(read, pipeline["cut"], suffix(".part"), ".read", name="read")
    pipeline.merge(lambda sources, output: read(sources[0], output), pipeline["read"], "end", name="end")
    run(pipeline, trickle=True, **place)
    assert len(files("*.read")) == 6
    assert get("end") == "whole"


def test_p26_inputs_that_other_stages_make_are_waited_for_too() -> None:
    work = patient({"side": "a.1.early"})
    pipeline = Pipeline("p")
    pipeline.originate(work, ["a.0"], name="start")
    pipeline.originate(work, ["side"], name="side")
    pipeline.transform(work, pipeline["start"], suffix(".0"), ".1.early", name="early")
    pipeline.transform(
        lambda sources, output: put(output, repr([os.path.exists(name) for name in sources])),
        pipeline["start"],
        suffix(".0"),
        add_inputs(pipeline["side"]),
        ".both",
        name="both",
    )
    run(pipeline, trickle=True, multithread=2)
    assert get("a.both") == "[True, True]"


def test_p26_follows_is_a_barrier_still() -> None:
    seen: list[bool] = []
    pipeline = Pipeline("p")
    pipeline.originate(patient({}), ["a.0", "b.0", "c.0"], name="start")

    def look(source: str, output: str) -> None:
        seen.append(len(files("*.0")) == 3)
        put(output)

    pipeline.transform(look, "free", suffix("free"), "out", name="look").follows(pipeline["start"])
    put("free")
    run(pipeline, trickle=True, multithread=2)
    assert seen == [True]


def test_p26_posttasks_come_after_the_last_job_of_their_stage() -> None:
    told: list[int] = []
    pipeline = Pipeline("p")
    pipeline.originate(patient({}), ["a.0", "b.0"], name="start").posttask(lambda: told.append(len(files("*.0"))))
    pipeline.transform(patient({}), pipeline["start"], suffix(".0"), ".1", name="next").posttask(
        lambda: told.append(len(files("*.1")))
    )
    run(pipeline, trickle=True, multithread=2)
    assert told == [2, 2]


def test_p26_only_what_is_out_of_date_runs_and_what_builds_on_it() -> None:
    tally = Tally()

    def build(name: str) -> Pipeline:
        pipeline = Pipeline(name)
        pipeline.originate(tally, [f"{letter}.0" for letter in "abc"], name="start")
        pipeline.transform(tally, pipeline["start"], suffix(".0"), ".1", name="first")
        pipeline.transform(tally, pipeline["first"], suffix(".1"), ".2", name="second")
        pipeline.merge(tally, pipeline["second"], "end", name="end")
        return pipeline

    run(build("one"), trickle=True, multithread=2)
    assert len(tally.take()) == 10
    run(build("two"), trickle=True, multithread=2)
    assert tally.take() == []
    os.unlink("b.1")
    run(build("three"), trickle=True, multithread=2)
    assert sorted(call[1] for call in tally.take()) == ["b.1", "b.2", "end"]


def test_p26_a_failure_holds_back_its_own_line_alone() -> None:
    def work(*params: Any) -> None:
        if params[-1] == "b.1":
            raise ValueError
        put(params[-1])

    pipeline = Pipeline("p")
    pipeline.originate(work, [f"{letter}.0" for letter in "abc"], name="start")
    pipeline.transform(work, pipeline["start"], suffix(".0"), ".1", name="first")
    pipeline.transform(work, pipeline["first"], suffix(".1"), ".2", name="second")
    pipeline.merge(work, pipeline["second"], "end", name="end")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, trickle=True, keep_going=True, multithread=2)
    assert files("*.2") == ["a.2", "c.2"]
    assert "2 jobs were held back" in caught.value.__notes__[0]


def test_p26_dozens_of_parents() -> None:
    pipeline = Pipeline("p")
    for number in range(40):
        pipeline.originate(make(), [f"{number}.0"], name=f"start {number}")
    parents = [pipeline[f"start {number}"] for number in range(40)]
    pipeline.transform(make(), parents, suffix(".0"), ".1", name="next")
    pipeline.merge(make(), pipeline["next"], "end", name="end")
    run(pipeline, trickle=True, multithread=4)
    assert len(files("*.1")) == 40
    assert Path("end").exists()


# P35 ------------------------------------------------------------------------------------------------------------------


def with_temporary(function: Any, name: str, **options: Any) -> Pipeline:
    """a.0 -> a.1 (temporary) -> a.2, a.3."""
    pipeline = Pipeline(name)
    pipeline.transform(function, ["a.0", "b.0"], suffix(".0"), ".1", name="first", temporary=True)
    pipeline.transform(function, pipeline["first"], suffix(".1"), ".2", name="second")
    pipeline.transform(function, pipeline["first"], suffix(".1"), ".3", name="third")
    return pipeline


@pytest.fixture
def sources() -> None:
    put("a.0")
    put("b.0")
    age(100, "a.0", "b.0")


@pytest.mark.usefixtures("sources")
@pytest.mark.parametrize("level", range(6))
@pytest.mark.parametrize("trickle", [False, True])
def test_p35_temporary_outputs_go_and_are_not_missed(level: int, trickle: bool) -> None:
    tally = Tally()
    options = {"checksum_level": level, "trickle": trickle, "multithread": 2}
    run(with_temporary(tally, "one"), **options)
    assert len(tally.take()) == 6
    expected = ["a.0", "a.2", "a.3", "b.0", "b.2", "b.3"]
    if level > 0:  # a run without a history cannot tell what it once made
        assert files() == expected
        run(with_temporary(tally, "two"), **options)
        assert tally.take() == []
    assert set(expected) <= set(files())


@pytest.mark.usefixtures("sources")
def test_p35_a_changed_source_makes_them_again_and_they_go_again() -> None:
    tally = Tally()
    run(with_temporary(tally, "one"))
    tally.take()
    put("b.0", "changed")
    run(with_temporary(tally, "two"))
    made = {call[1] for call in tally.take()}
    assert {"b.1", "b.2", "b.3"} <= made
    assert files() == ["a.0", "a.2", "a.3", "b.0", "b.2", "b.3"]
    run(with_temporary(tally, "three"))
    assert tally.take() == []


@pytest.mark.usefixtures("sources")
def test_p35_a_target_in_the_middle_keeps_them() -> None:
    tally = Tally()
    run(with_temporary(tally, "one"), ["first"])
    assert files() == ["a.0", "a.1", "b.0", "b.1"]
    run(with_temporary(tally, "two"), ["second"])
    assert {"a.2", "b.2"} <= set(files())


@pytest.mark.usefixtures("sources")
def test_p35_a_failure_below_keeps_what_is_needed_to_go_on() -> None:
    def fail(source: str, output: str) -> None:
        raise ValueError

    pipeline = with_temporary(make(), "one")
    pipeline.transform(fail, pipeline["first"], suffix(".1"), ".4", name="fourth")
    with pytest.raises(RethrownJobError):
        run(pipeline, keep_going=True)
    assert files("*.1") == ["a.1", "b.1"]


@pytest.mark.usefixtures("sources")
def test_p35_a_new_reader_has_them_made_again() -> None:
    tally = Tally()
    run(with_temporary(tally, "one"))
    tally.take()
    pipeline = with_temporary(tally, "two")
    pipeline.transform(tally, pipeline["first"], suffix(".1"), ".5", name="fifth")
    run(pipeline)
    assert {"a.1", "a.5", "b.1", "b.5"} <= {call[1] for call in tally.take()}
    assert files() == ["a.0", "a.2", "a.3", "a.5", "b.0", "b.2", "b.3", "b.5"]


def test_p35_chains_of_them_and_what_nobody_reads() -> None:
    tally = Tally()

    def build(name: str) -> Pipeline:
        pipeline = Pipeline(name)
        pipeline.originate(tally, ["a.0"], name="zero", temporary=True)
        pipeline.transform(tally, pipeline["zero"], suffix(".0"), ".1", name="one", temporary=True)
        pipeline.transform(tally, pipeline["one"], suffix(".1"), ".2", name="two")
        pipeline.transform(tally, pipeline["one"], suffix(".1"), ".unread", name="unread", temporary=True)
        return pipeline

    run(build("one"))
    assert files() == ["a.2", "a.unread"]
    tally.take()
    run(build("two"))
    assert tally.take() == []
    os.unlink("a.2")
    run(build("three"))
    assert {"a.0", "a.1", "a.2"} <= {call[-1] for call in tally.take()}
    assert files() == ["a.2", "a.unread"]


@pytest.mark.parametrize("outputs", ["*.part", ["0.part", "1.part", "2.part"]], ids=["pattern", "names"])
def test_p35_of_a_split_temporary_parts_go_if_they_have_names(outputs: Any, ear: Ear) -> None:
    tally = Tally()

    def cut(source: Any, outputs: Any) -> None:
        tally.calls.append(("cut",))
        for number in range(3):
            put(f"{number}.part")

    def build(name: str) -> Pipeline:
        pipeline = Pipeline(name)
        pipeline.split(cut, "source", outputs, name="cut", temporary=True)
        pipeline.transform(tally, pipeline["cut"], suffix(".part"), ".done", name="done")
        pipeline.merge(tally, pipeline["done"], "end", name="end")
        return pipeline

    put("source")
    age(100, "source")
    run(build("one"), logger=ear, verbose=1)
    assert len(tally.take()) == 5
    kept = ["0.part", "1.part", "2.part"] if outputs == "*.part" else []
    for name in ("two", "three"):
        assert files("*.part") == kept
        assert files("*.done") == ["0.done", "1.done", "2.done"]
        run(build(name))
        assert tally.take() == []
    assert ("'*.part' is a pattern" in ear.text) is bool(kept)
