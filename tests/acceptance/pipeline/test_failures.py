"""What becomes of failures: P7, P20, P22, P24, P25, P30."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import EngineError
from gangline.pipeline import JobSignalledBreak, Pipeline, formatter, regex, ruffus_exceptions, suffix
from gangline.pipeline.ruffus_exceptions import MissingInputFileError, RethrownJobError
from gangline.pipeline.running.engines import Engines
from gangline.pipeline.running.jobs import JobRun

from .conftest import PLACES, Ear, Tally, files, get, make, put, ran, run


def failing(*names: str) -> Any:
    """Makes all outputs but those of these inputs."""

    def work(source: Any, output: str) -> None:
        if str(source) in names:
            raise ValueError(f"no {source}")
        with open(output, "w"):
            pass

    return work


# P7 -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def _tells_when_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a file `taken` as soon as a run has taken back what was not started."""
    take_back = Engines.take_back

    def taking(engines: Engines, jobs: list[JobRun]) -> None:
        take_back(engines, jobs)
        put("taken")

    monkeypatch.setattr(Engines, "take_back", taking)


@pytest.mark.usefixtures("_tells_when_taken_back")
@pytest.mark.parametrize("place", PLACES)
def test_p7_all_failures_of_what_ran_arrive_together(place: dict[str, int]) -> None:
    def meet(output: str) -> None:
        with open(f"{output}.here", "w"):
            pass
        awaited = ("a.here", "b.here") if output in ("a", "b") else ("taken",)
        limit = time.monotonic() + 60
        while not all(map(os.path.exists, awaited)) and time.monotonic() < limit:
            time.sleep(0.01)
        time.sleep(0.02)  # jobs that take long are not sent ahead
        raise ValueError(output)

    alone = place == {"multiprocess": 1}
    if alone:
        put("b.here")
    pipeline = Pipeline("p")
    names = list("abcdefghijklmnop")
    pipeline.originate(meet, names, name="meet")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, **place)
    rows = caught.value.job_exceptions
    # An engine that is free may have gone on before it was known that a job has failed.
    ran = [name for name in names if Path(f"{name}.here").exists() and not (alone and name == "b")]
    assert sorted(row[3] for row in rows) == [f"({name})" for name in ran]
    assert ran == ["a"] if alone else {"a", "b"} <= set(ran)
    assert len(ran) <= 4  # one more of each engine: what is queued is taken back in no particular order
    for row in rows:
        assert (row[0], row[2]) == ("meet", "builtins.ValueError")
        assert row[1].startswith("Job  = [None -> ")
        assert "raise ValueError(output)" in row[4]


def test_p7_what_runs_is_awaited_and_counts_as_done() -> None:
    def work(output: str) -> None:
        if output == "bad":
            while not os.path.exists("good.started"):
                time.sleep(0.01)
            raise ValueError
        with open("good.started", "w"):
            pass
        time.sleep(0.5)
        with open(output, "w"):
            pass

    tally = Tally()
    pipeline = Pipeline("p")
    pipeline.originate(work, ["good", "bad"], name="work")
    with pytest.raises(RethrownJobError):
        run(pipeline, multiprocess=2)
    assert Path("good").exists()
    again = Pipeline("again")
    again.originate(tally, ["good", "bad"], name="work")
    run(again)
    assert tally.take() == [("bad",)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("error", [SystemExit(3), KeyError("k"), RuntimeError(), OSError(2, "gone"), StopIteration()])
def test_p7_p30_any_exception_is_a_failure_and_comes_as_itself(place: dict[str, int], error: BaseException) -> None:
    def fail(output: str) -> None:
        raise error

    pipeline = Pipeline("p")
    pipeline.originate(fail, ["a"], name="fail")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, **place)
    assert caught.value.group is not None
    (original,) = caught.value.group.exceptions
    assert type(original) is type(error)
    assert original.args == error.args
    assert caught.value.job_exceptions[0][2] == f"builtins.{type(error).__name__}"


@pytest.mark.usefixtures("_tells_when_taken_back")
def test_p7_a_break_of_a_thread_stops_what_is_queued() -> None:
    def stop(output: str) -> None:
        if output == "0":
            time.sleep(0.02)  # jobs that take long are not sent ahead
            raise JobSignalledBreak("enough")
        limit = time.monotonic() + 60
        while not os.path.exists("taken") and time.monotonic() < limit:
            time.sleep(0.01)
        with open(output, "w"):
            pass

    pipeline = Pipeline("p")
    pipeline.originate(stop, [str(number) for number in range(50)], name="stop")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, multithread=2)
    assert len(caught.value.job_exceptions) == 1
    assert len(files("[0-9]*")) <= 2  # the one beside it, and one more before it was known


def test_p7_the_error_travels_and_reads_well() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a.0", "b.0"], name="start")
    pipeline.transform(failing("a.0"), pipeline["start"], suffix(".0"), ".1", name="first")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline)
    text = str(caught.value)
    for part in ("Original exception", "no a.0", "first", "Job  = [a.0 -> a.1]"):
        assert part in text
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.job_exceptions == caught.value.job_exceptions


# P20 ------------------------------------------------------------------------------------------------------------------


ENDS = {
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGTERM": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "SIGSEGV": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "SIGABRT": os.abort,
    "exit code 7": lambda: os._exit(7),
    "exit code 0": lambda: os._exit(0),
}


@pytest.mark.parametrize("how", ENDS)
def test_p20_a_process_that_ends_is_a_failure_of_its_job_alone(how: str) -> None:
    end = ENDS[how]

    def work(output: str) -> None:
        if output == "bad":
            end()
        with open(output, "w"):
            pass

    pipeline = Pipeline("p")
    pipeline.originate(work, ["bad", *map(str, range(6))], name="work")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, multiprocess=2, keep_going=True)
    assert caught.value.group is not None
    (error,) = caught.value.group.exceptions
    assert isinstance(error, EngineError)
    assert how in str(error)
    assert files() == list(map(str, range(6)))


def test_p20_a_job_whose_process_is_killed_may_be_tried_again() -> None:
    def work(output: str) -> None:
        if not os.path.exists("tried"):
            with open("tried", "w"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        with open(output, "w"):
            pass

    pipeline = Pipeline("p")
    pipeline.originate(work, ["a"], name="work", retries=1)
    run(pipeline, multiprocess=2)
    assert Path("a").exists()


def test_p20_out_of_memory_is_a_failure_and_not_the_end() -> None:
    code, out, err = ran(
        """
        import resource
        from gangline.pipeline.ruffus_exceptions import RethrownJobError

        @originate(["big", "small"])
        def work(output):
            if output == "big":
                resource.setrlimit(resource.RLIMIT_AS, (600_000_000, 600_000_000))
                block = bytearray(4_000_000_000)
            open(output, "w").close()

        try:
            pipeline_run(multiprocess=2, verbose=0, keep_going=True)
        except RethrownJobError as error:
            print(type(error.group.exceptions[0]).__name__)
        """
    )
    assert (code, out.strip(), err) == (0, "MemoryError", "")
    assert files("small") == ["small"]


def test_p20_p21_what_a_killed_job_left_is_not_believed() -> None:
    def work(output: str) -> None:
        half = not os.path.exists("again")
        with open(output, "w") as file:
            file.write("half" if half else "whole")
        if half:
            os.kill(os.getpid(), signal.SIGKILL)

    for level in (0, 1, 5):
        pipeline = Pipeline(f"p{level}")
        pipeline.originate(work, ["out"], name="work")
        Path("again").unlink(missing_ok=True)
        Path("out").unlink(missing_ok=True)
        with pytest.raises(RethrownJobError):
            run(pipeline, multiprocess=2, checksum_level=level)
        assert get("out") == "half"
        put("again")
        run(pipeline, multiprocess=2, checksum_level=level)
        assert get("out") == "whole", level


# P22 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trickle", [False, True])
@pytest.mark.parametrize("place", PLACES)
def test_p22_of_a_diamond_what_hangs_on_a_failure_is_held_once(place: dict[str, int], trickle: bool, ear: Ear) -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a.0", "b.0"], name="start")
    pipeline.transform(failing("a.0"), pipeline["start"], suffix(".0"), ".left", name="left")
    pipeline.transform(make(), pipeline["start"], suffix(".0"), ".right", name="right")
    pipeline.collate(make(), [pipeline["left"], pipeline["right"]], regex(r"(.)\..*"), r"\1.joined", name="join")
    pipeline.transform(make(), pipeline["join"], suffix(".joined"), ".end", name="end")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, keep_going=True, trickle=trickle, logger=ear, verbose=1, **place)
    assert files() == ["a.0", "a.right", "b.0", "b.end", "b.joined", "b.left", "b.right"]
    note = caught.value.__notes__[0]
    assert "2 jobs were held back" in note
    assert note.count("p::join") == note.count("p::end") == 1
    assert note in ear.text
    assert len(caught.value.job_exceptions) == 1


def test_p22_several_failures_of_several_stages() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), [f"{letter}.0" for letter in "abcd"], name="start")
    pipeline.transform(failing("a.0"), pipeline["start"], suffix(".0"), ".1", name="first")
    pipeline.transform(failing("b.1"), pipeline["first"], suffix(".1"), ".2", name="second")
    pipeline.merge(make(), pipeline["second"], "end", name="end")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, keep_going=True, multiprocess=2)
    assert [row[0] for row in caught.value.job_exceptions] == ["first", "second"]
    assert "2 jobs were held back" in caught.value.__notes__[0]
    assert files("*.2") == ["c.2", "d.2"]
    with pytest.raises(RethrownJobError):
        run(pipeline, keep_going=True)
    fixed = Pipeline("fixed")
    tally = Tally()
    fixed.originate(tally, [f"{letter}.0" for letter in "abcd"], name="start")
    fixed.transform(tally, fixed["start"], suffix(".0"), ".1", name="first")
    fixed.transform(tally, fixed["first"], suffix(".1"), ".2", name="second")
    fixed.merge(tally, fixed["second"], "end", name="end")
    run(fixed)
    assert [call[1] for call in tally.take()] == ["a.1", "a.2", "b.2", "end"]
    assert Path("end").exists()


def test_p22_a_failed_posttask_and_a_failed_check_hold_back_what_follows() -> None:
    def wrong(*anything: Any) -> Any:
        raise ValueError("wrong")

    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a.0"], name="start").posttask(wrong)
    pipeline.transform(make(), pipeline["start"], suffix(".0"), ".1", name="first")
    pipeline.originate(make(), ["b.0"], name="other").check_if_uptodate(wrong)
    pipeline.transform(make(), pipeline["other"], suffix(".0"), ".1", name="second")
    pipeline.originate(make(), ["free"], name="free")
    with pytest.raises(RethrownJobError):
        run(pipeline, keep_going=True)
    assert not Path("a.1").exists()
    assert not Path("b.1").exists()


def test_p22_without_failures_there_is_nothing_to_say(ear: Ear) -> None:
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a.0"], name="start")
    run(pipeline, keep_going=True, logger=ear, verbose=1)
    assert "held back" not in ear.text


# P24 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_p24_a_missing_input_is_told_at_once(place: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ruffus looked for it again and again for a minute."""

    def sleep(seconds: float, rest: Callable[[float], None] = time.sleep) -> None:
        caller = str(sys._getframe(1).f_globals["__name__"])
        assert not caller.startswith("gangline.pipeline")
        rest(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    pipeline = Pipeline("p")
    pipeline.transform(make(), ["there", "nowhere ü"], formatter(), "{basename[0]}.out", name="read")
    put("there")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, **place)
    assert caught.value.group is not None
    (error,) = caught.value.group.exceptions
    assert isinstance(error, MissingInputFileError)
    for part in ("'nowhere ü'", "'p::read'", "No stage of the pipeline makes it", "provide it"):
        assert part in str(error)


def test_p24_a_broken_link_and_a_file_that_a_posttask_removed() -> None:
    os.symlink("gone", "link.0")
    pipeline = Pipeline("p")
    pipeline.transform(make(), "link.0", suffix(".0"), ".1", name="read")
    with pytest.raises(RethrownJobError, match="broken symbolic link"):
        run(pipeline)
    os.unlink("link.0")
    other = Pipeline("other")
    other.originate(make(), ["a.0"], name="start").posttask(lambda: os.unlink("a.0"))
    other.transform(make(), other["start"], suffix(".0"), ".1", name="read")
    with pytest.raises(RethrownJobError, match="Stage 'other::start' should have made it"):
        run(other)


def test_p24_with_keep_going_only_the_job_without_input_fails() -> None:
    put("there.0")
    pipeline = Pipeline("p")
    pipeline.transform(make(), ["gone.0", "there.0"], suffix(".0"), ".1", name="read")
    pipeline.transform(make(), pipeline["read"], suffix(".1"), ".2", name="next")
    with pytest.raises(RethrownJobError, match=r"gone\.0"):
        run(pipeline, keep_going=True)
    assert files() == ["there.0", "there.1", "there.2"]


# P25 ------------------------------------------------------------------------------------------------------------------


def nothing(*params: Any) -> None:
    """Makes nothing."""


@pytest.mark.parametrize("place", PLACES)
def test_p25_every_kind_of_stage_must_make_its_outputs(place: dict[str, int]) -> None:
    put("in")
    pipeline = Pipeline("p")
    pipeline.originate(nothing, [["o1", "o2"]], name="originate")
    pipeline.transform(nothing, "in", formatter(), "t ü [1]", name="transform")
    pipeline.merge(nothing, ["in"], "m", name="merge")
    pipeline.collate(nothing, ["in"], formatter(), "c", name="collate")
    pipeline.split(nothing, "in", ["named", "any*"], name="split")
    pipeline.files(nothing, "in", "f", name="files")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, keep_going=True, missing_outputs="error", **place)
    texts = {row[0]: row[3] for row in caught.value.job_exceptions}
    assert set(texts) == {"originate", "transform", "merge", "collate", "split", "files"}
    assert "'o1', 'o2'" in texts["originate"]
    assert "'t ü [1]'" in texts["transform"]
    assert "'named'" in texts["split"]
    assert "any" not in texts["split"].replace("did not make", "")
    assert type(caught.value.group.exceptions[0]) is ruffus_exceptions.error_missing_output  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["warn", "ignore"])
def test_p25_as_a_warning_or_not_at_all(mode: str, ear: Ear) -> None:
    pipeline = Pipeline("p")
    pipeline.originate(nothing, ["o1"], name="start")
    run(pipeline, missing_outputs=mode, logger=ear, verbose=1)
    assert ("did not make 'o1'" in ear.text) is (mode == "warn")
    tally = Tally()
    again = Pipeline("again")
    again.originate(tally, ["o1"], name="start")
    run(again)
    assert len(tally.take()) == 1


def test_p25_a_link_that_leads_nowhere_is_no_output() -> None:
    pipeline = Pipeline("p")
    pipeline.originate(lambda output: os.symlink("nowhere", output), ["link"], name="start")
    with pytest.raises(RethrownJobError, match="did not make 'link'"):
        run(pipeline, missing_outputs="error")


# P30 ------------------------------------------------------------------------------------------------------------------


class Own(Exception):
    def __init__(self, code: int, *, detail: str) -> None:
        super().__init__(f"{code} {detail}")
        self.code, self.detail = code, detail

    def __reduce__(self) -> Any:
        return _own, (self.code, self.detail)


def _own(code: int, detail: str) -> Own:
    return Own(code, detail=detail)


def test_p30_groups_causes_and_notes_of_exceptions_stay_as_far_as_they_can() -> None:
    def fail(output: str) -> None:
        try:
            {}["missing"]
        except KeyError as exc:
            error = ExceptionGroup("several", [ValueError("one"), TypeError("two")])
            error.add_note("a note of my own")
            raise error from exc

    for place in PLACES:
        pipeline = Pipeline(f"p{place}")
        pipeline.originate(fail, ["a"], name="fail")
        with pytest.raises(RethrownJobError) as caught:
            run(pipeline, **place)
        assert caught.value.group is not None
        (original,) = caught.value.group.exceptions
        assert isinstance(original, ExceptionGroup)
        assert [str(each) for each in original.exceptions] == ["one", "two"]
        assert "a note of my own" in original.__notes__
        assert "KeyError: 'missing'" in caught.value.job_exceptions[0][4]


def test_p30_failures_can_be_told_apart_by_their_kind() -> None:
    def fail(output: str) -> None:
        raise {"a": ValueError, "b": KeyError}[output](output)

    pipeline = Pipeline("p")
    pipeline.originate(fail, ["a", "b"], name="fail")
    with pytest.raises(RethrownJobError) as caught:
        run(pipeline, keep_going=True)
    assert caught.value.group is not None
    values, rest = caught.value.group.split(ValueError)
    assert values is not None
    assert rest is not None
    assert (str(values.exceptions[0]), str(rest.exceptions[0])) == ("a", "'b'")


def test_p30_an_unhandled_failure_shows_the_traceback_of_the_job() -> None:
    code, out, err = ran(
        """
        @originate(["a"])
        def work(output):
            raise ZeroDivisionError("in the job")

        pipeline_run(multiprocess=2, verbose=0)
        """
    )
    assert code == 1
    assert out == ""
    assert "ZeroDivisionError" in err
    assert "in the job" in err
    assert 'raise ZeroDivisionError("in the job")' in err
