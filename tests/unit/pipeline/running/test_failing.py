from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import EngineError, TaskTimedOut, Unpicklable, UsageError
from gangline.pipeline.names.suffix import suffix
from gangline.pipeline.ruffus_exceptions import (
    JobSignalledBreak,
    MissingInputFileError,
    RethrownJobError,
    error_missing_output,
)
from gangline.pipeline.stages.pipeline import Pipeline

from .conftest import Ear, files, run, write

PLACES = [{}, {"multithread": 2}, {"multiprocess": 2}]


def copying(fails: str = "", error: BaseException | None = None) -> Any:
    def copy(source: str, output: str) -> None:
        if source == fails:
            raise error or ValueError(f"no {source}")
        with open(output, "w"):
            pass

    return copy


def making(output: str) -> None:
    write(output)


def chain(pipeline: Pipeline, fails: str, names: str = "abcdef") -> None:
    """Files, each of which is copied twice; one of the first copies fails. Then all are merged."""
    pipeline.originate(making, [f"{name}.0" for name in names], name="start")
    pipeline.transform(copying(fails), pipeline["start"], suffix(".0"), ".1", name="first")
    pipeline.transform(copying(), pipeline["first"], suffix(".1"), ".2", name="second")

    def merge(sources: list[str], output: str) -> None:
        with open(output, "w") as file:
            file.write(str(len(sources)))

    pipeline.merge(merge, pipeline["second"], "end", name="all")


@pytest.mark.parametrize("place", PLACES)
def test_after_a_failure_nothing_that_comes_later_runs(pipeline: Pipeline, place: dict[str, int]) -> None:
    chain(pipeline, "c.0")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, **place)
    assert [row[:4] for row in caught.value.job_exceptions] == [
        ["first", "Job  = [c.0 -> c.1]", "builtins.ValueError", "(no c.0)"]
    ]
    assert "raise error or ValueError" in caught.value.job_exceptions[0][4]
    assert files("*.2") == []


def test_what_was_not_started_after_a_failure_is_as_it_was(pipeline: Pipeline) -> None:
    sources, fails, ran = [f"{number}.0" for number in range(9)], [""], []
    for name in sources:
        write(name)

    def copy(source: str, output: str) -> None:
        ran.append(source)
        if source == fails[0]:
            raise ValueError
        write(output)

    pipeline.transform(copy, sources, suffix(".0"), ".1", name="copies")
    run(pipeline)
    now = time.time()
    for name in sources:
        os.utime(name, (now + 1000, now + 1000))
    ran.clear()
    fails[0] = "3.0"
    with pytest.raises(RethrownJobError):
        run(pipeline)
    assert ran == sources[:4]
    for name in sources:
        os.utime(name, (now - 1000, now - 1000))
    ran.clear()
    fails[0] = ""
    run(pipeline)
    assert ran == ["3.0"]


@pytest.mark.parametrize("place", PLACES)
def test_the_original_exceptions_come_along(pipeline: Pipeline, place: dict[str, int]) -> None:
    chain(pipeline, "c.0")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, **place)
    assert caught.value.group is not None
    (error,) = caught.value.group.exceptions
    assert isinstance(error, ValueError)
    assert error.__traceback__ is not None or "ValueError: no c.0" in error.__notes__[0]


@pytest.mark.parametrize("place", PLACES)
def test_keep_going_runs_all_that_does_not_build_on_a_failure(
    pipeline: Pipeline, place: dict[str, int], ear: Ear
) -> None:
    chain(pipeline, "c.0")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, keep_going=True, verbose=1, logger=ear, **place)
    assert files("*.2") == [f"{name}.2" for name in "abdef"]
    assert not Path("end").exists()
    held = "2 jobs were held back by these failures:\n    tested::second: Job  = [c.1 -> c.2]"
    assert held in caught.value.__notes__[0]
    assert held in ear.text
    assert len(caught.value.job_exceptions) == 1


def test_keep_going_holds_back_a_stage_that_follows_a_failed_one(pipeline: Pipeline) -> None:
    pipeline.originate(making, ["a.0", "b.0"], name="start")
    pipeline.transform(copying("a.0"), pipeline["start"], suffix(".0"), ".1", name="first")
    pipeline.originate(making, ["follower"], name="after").follows(pipeline["first"])
    pipeline.originate(making, ["other"], name="other")
    with pytest.raises(RethrownJobError):
        run(pipeline, keep_going=True)
    assert (Path("follower").exists(), Path("other").exists(), Path("b.1").exists()) == (False, True, True)


def test_what_a_failed_split_has_made_is_not_read(pipeline: Pipeline) -> None:
    def split(source: Any, outputs: Any) -> None:
        write("half.part")
        raise ValueError("in the middle")

    pipeline.split(split, None, "*.part", name="split")
    pipeline.transform(copying(), pipeline["split"], suffix(".part"), ".read", name="read")
    with pytest.raises(RethrownJobError):
        run(pipeline, keep_going=True)
    assert files("*.read") == []


def test_a_failed_job_runs_again_and_only_that(pipeline: Pipeline) -> None:
    ran = []

    def copy(source: str, output: str) -> None:
        ran.append(source)
        write(output)
        if len(ran) == 2:
            raise ValueError("half-made")

    pipeline.originate(making, ["a.0", "b.0", "c.0"], name="start")
    pipeline.transform(copy, pipeline["start"], suffix(".0"), ".1")
    for level in (0, 1):
        ran.clear()
        for name in files("*.1"):
            os.unlink(name)
        with pytest.raises(RethrownJobError):
            run(pipeline, checksum_level=level)
        assert ran == ["a.0", "b.0"]
        run(pipeline, checksum_level=level)
        assert ran == ["a.0", "b.0", "b.0", "c.0"]


def test_a_killed_engine_fails_its_job_and_names_the_signal(pipeline: Pipeline) -> None:
    pipeline.originate(making, ["a.0"], name="start")
    pipeline.transform(
        lambda source, output: os.kill(os.getpid(), signal.SIGKILL), pipeline["start"], suffix(".0"), ".1"
    )
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, multiprocess=2)
    assert caught.value.group is not None
    (error,) = caught.value.group.exceptions
    assert isinstance(error, EngineError)
    assert "SIGKILL" in str(error)


def test_a_job_may_be_tried_again(pipeline: Pipeline) -> None:
    def flaky(output: str) -> None:
        with open("tries", "a") as file:
            file.write("x")
        if len(Path("tries").read_text()) < 3:
            raise ValueError("not yet")
        write(output)

    pipeline.originate(flaky, ["a"], name="flaky", retries=2, retry_delay=0.01)
    run(pipeline)
    assert Path("tries").read_text() == "xxx"


def test_a_job_that_takes_too_long_is_ended(pipeline: Pipeline) -> None:
    pipeline.originate(lambda output: time.sleep(120), ["a"], name="slow", time_limit=0.2)
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, multiprocess=2)
    assert caught.value.group is not None
    assert isinstance(caught.value.group.exceptions[0], TaskTimedOut)


def beside_one_that_runs(error: BaseException) -> Callable[[str], None]:
    """A function whose job "b" runs longer than a test may take; as soon as it does, others raise this error."""

    def work(output: str) -> None:
        if output == "b":
            with open("begun", "w"):
                pass
            time.sleep(3600)
        while not os.path.exists("begun"):
            time.sleep(0.01)
        raise error

    return work


def test_a_break_ends_what_runs(pipeline: Pipeline) -> None:
    pipeline.originate(beside_one_that_runs(JobSignalledBreak("enough")), ["a", "b"], name="stop")
    with pytest.raises(RethrownJobError, match="Exceptions running jobs") as caught:
        run(pipeline, multiprocess=2)
    assert [row[0] for row in caught.value.job_exceptions] == ["stop"]


def test_failures_may_end_what_runs(pipeline: Pipeline) -> None:
    pipeline.originate(beside_one_that_runs(ValueError()), ["a", "b"], name="fail")
    with pytest.raises(RethrownJobError):
        run(pipeline, multiprocess=2, exceptions_terminate_immediately=True)


def test_a_missing_input_is_named_with_its_reader_and_its_maker(pipeline: Pipeline) -> None:
    pipeline.originate(lambda output: None, ["a.0"], name="start")
    pipeline.transform(copying(), pipeline["start"], suffix(".0"), ".1", name="first")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, missing_outputs="ignore")
    assert caught.value.group is not None
    (error,) = caught.value.group.exceptions
    assert isinstance(error, MissingInputFileError)
    for part in ("'a.0' does not exist", "stage 'tested::first'", "Stage 'tested::start' should have made it"):
        assert part in str(error)


def test_an_output_that_was_not_made_is_an_error_to_who_asks_for_it(pipeline: Pipeline, ear: Ear) -> None:
    pipeline.originate(lambda output: None, ["a.0"], name="start")
    with pytest.raises(RethrownJobError, match=r"did not make 'a\.0'") as caught:
        run(pipeline, missing_outputs="error")
    assert caught.value.group is not None
    assert isinstance(caught.value.group.exceptions[0], error_missing_output)
    run(pipeline, missing_outputs="warn", logger=ear, verbose=1)
    assert "did not make 'a.0'" in ear.text


def test_an_output_that_nobody_reads_is_missed_with_a_warning(pipeline: Pipeline, ear: Ear) -> None:
    pipeline.originate(lambda output: None, ["a.0"], name="start")
    pipeline.merge(lambda inputs, output: open(output, "w").close(), pipeline["start"], "all", name="end")
    run(pipeline, ["start"], logger=ear, verbose=1)
    assert "did not make 'a.0'" in ear.text
    with pytest.raises(RethrownJobError, match=r"did not make 'a\.0'"):
        run(pipeline)


@pytest.mark.parametrize("own", [{"keep_going": True}, {"record": "here"}, {"retries": 0}])
def test_a_call_beyond_ruffus_misses_every_output(pipeline: Pipeline, own: dict[str, Any]) -> None:
    pipeline.originate(lambda output: None, ["a.0"], name="start")
    with pytest.raises(RethrownJobError, match=r"did not make 'a\.0'"):
        run(pipeline, **own)
    run(pipeline, **own, missing_outputs="ignore")


def test_a_stage_that_takes_other_inputs_does_not_need_what_was_not_made(pipeline: Pipeline, ear: Ear) -> None:
    pipeline.originate(lambda output: None, ["a.0"], name="start")
    pipeline.transform(
        lambda source, output: open(output, "w").close(),
        pipeline["start"],
        suffix(".0"),
        ".1",
        replace_inputs=__file__,
        name="end",
    )
    run(pipeline, logger=ear, verbose=1)
    assert "did not make 'a.0'" in ear.text


def test_what_cannot_travel_is_named(pipeline: Pipeline) -> None:
    class Stuck:
        def __reduce__(self) -> Any:
            raise TypeError("I stay here")

    pipeline.originate(lambda output, extra: write(output), ["a"], [Stuck()], name="start")
    with pytest.raises(RethrownJobError, match="I stay here") as caught:
        run(pipeline, multiprocess=2)
    assert caught.value.group is not None
    assert isinstance(caught.value.group.exceptions[0], Unpicklable)


def test_a_posttask_that_fails_is_a_failure_of_its_stage(pipeline: Pipeline) -> None:
    def fail() -> None:
        raise ValueError("afterwards")

    pipeline.originate(making, ["a.0"], name="start").posttask(fail)
    pipeline.transform(copying(), pipeline["start"], suffix(".0"), ".1", name="first")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline)
    assert caught.value.job_exceptions[0][:4] == ["start", "", "builtins.ValueError", "(afterwards)"]
    assert not Path("a.1").exists()


def test_failures_are_logged_as_they_happen(pipeline: Pipeline, ear: Ear) -> None:
    chain(pipeline, "c.0")
    with pytest.raises(RethrownJobError):
        run(pipeline, log_exceptions=True, logger=ear, verbose=1)
    assert "Exception #1" in ear.text
    assert "Job  = [c.0 -> c.1]" in ear.text


def test_a_stage_that_needs_more_than_there_is_is_refused(pipeline: Pipeline) -> None:
    pipeline.originate(making, ["a"], name="greedy", resources={"cores": 100_000})
    with pytest.raises(UsageError, match=r"'tested::greedy': its jobs need 100000 cores"):
        run(pipeline, multiprocess=2)


def test_an_exception_that_cannot_travel_is_named_as_it_was(pipeline: Pipeline) -> None:
    class Odd(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(one)

    def fail(output: str) -> None:
        raise Odd(1, 2)

    pipeline.originate(fail, ["a"], name="odd")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, multiprocess=2)
    assert caught.value.job_exceptions[0][2:4] == ["Odd", "(1)"]


def test_two_stages_that_make_one_file_are_told_of(pipeline: Pipeline, ear: Ear) -> None:
    pipeline.originate(making, ["same"], name="one")
    pipeline.originate(making, ["same"], name="two")
    run(pipeline, verbose=1, logger=ear)
    assert "Stages 'tested::one' and 'tested::two' both make 'same'" in ear.text


def test_jobs_that_cannot_be_worked_out_say_which_stage(pipeline: Pipeline, ear: Ear) -> None:
    def rows() -> list[str]:
        raise ZeroDivisionError("rows")

    pipeline.files(copying(), rows, name="old")
    with pytest.raises(RethrownJobError, match="Exceptions generating parameters") as caught:
        run(pipeline, verbose=1, logger=ear)
    assert list(caught.value.job_exceptions[0][:4]) == ["old", "", "builtins.ZeroDivisionError", "(rows)"]
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
