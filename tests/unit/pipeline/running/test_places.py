from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gangline.errors import StoreError
from gangline.pipeline.names.suffix import suffix
from gangline.pipeline.running.watching import RunEvent
from gangline.pipeline.stages.pipeline import Pipeline
from gangline.store.reader import Record
from tests.meeting import meet

from .conftest import files, run, write


def making(output: str) -> None:
    write(output)


def noting(output: str) -> None:
    """Write who makes it."""
    with open(output, "w") as file:
        file.write(f"{os.getpid()}")


def meeting(count: int) -> Any:
    """A function of which the first jobs wait until so many run; they write how many others there were at most."""

    def join(source: str, output: str) -> None:
        here = meet(f"{count} jobs", count, output)
        with open(output, "w") as file:
            file.write(str(here))

    return join


def most_at_once(pattern: str) -> int:
    """How many jobs ran at once at most, by what they have written."""
    return max(int(path.read_text()) for path in Path().glob(pattern))


def test_limits_hold_across_stages_and_are_used_up(pipeline: Pipeline) -> None:
    def make_files(nothing: None, outputs: list[str]) -> None:
        for number in range(10):
            write(f"{number}.{'small' if number < 5 else 'big'}_stage1")

    made = pipeline.split(make_files, None, "*stage1", name="make_files")
    for size in ("small", "big"):
        stage = pipeline.transform(meeting(3), made, suffix(f".{size}_stage1"), ".stage2", name=f"stage1_{size}")
        stage.jobs_limit(3, "ftp_download_limit")
    first = [pipeline["stage1_small"], pipeline["stage1_big"]]
    pipeline.transform(meeting(5), first, suffix(".stage2"), ".stage3", name="stage2").jobs_limit(5)
    run(pipeline, multiprocess=10)
    assert len(files("*.stage3")) == 10
    assert most_at_once("*.stage2") == 3
    assert most_at_once("*.stage3") == 5


@pytest.mark.parametrize(("place", "own"), [({}, True), ({"multithread": 3}, True), ({"multiprocess": 3}, False)])
def test_jobs_run_where_they_were_asked_to(pipeline: Pipeline, place: dict[str, int], own: bool) -> None:
    pipeline.originate(noting, ["a", "b", "c", "d"], name="noting")
    run(pipeline, **place)
    pids = {int(Path(name).read_text()) for name in "abcd"}
    assert (pids == {os.getpid()}) is own
    assert len(pids) <= 3


def test_some_stages_run_in_the_main_process(pipeline: Pipeline) -> None:
    pipeline.originate(noting, ["a"], name="first").run_in_main_process()
    pipeline.originate(noting, ["b"], name="second")
    run(pipeline, multiprocess=2)
    assert int(Path("a").read_text()) == os.getpid() != int(Path("b").read_text())


def test_lambdas_and_closures_with_arguments_by_name_travel(pipeline: Pipeline) -> None:
    word = "closure"
    stage = pipeline.originate(
        lambda output, text: Path(output).write_text(text + word), ["a"], extras={"text": "named "}, name="x"
    )
    assert stage.name == "x"
    run(pipeline, multiprocess=2)
    assert Path("a").read_text() == "named closure"


def test_commands_and_directories(pipeline: Pipeline) -> None:
    pipeline.mkdir("deep/er", name="folders")
    pipeline.originate("echo {extra} > {output}", ["deep/er/a b"], extras={"extra": "hello"}, name="say").follows(
        "folders"
    )
    run(pipeline, multiprocess=2)
    assert Path("deep/er/a b").read_text() == "hello\n"


def test_what_jobs_print_is_shown(pipeline: Pipeline, capfd: pytest.CaptureFixture[str]) -> None:
    def talk(output: str) -> None:
        print(f"making {output}")
        os.system("echo by a command")
        write(output)

    def write(path: str) -> None:
        with open(path, "w"):
            pass

    pipeline.originate(talk, ["a", "b", "c", "d"], name="talk")
    run(pipeline, multiprocess=2)
    out = capfd.readouterr().out
    assert out.count("making a") == 1
    assert out.count("by a command") == 4


def test_pipelines_run_within_jobs_and_in_several_threads(pipeline: Pipeline) -> None:
    inner = Pipeline("inner")
    inner.originate(making, ["i.0", "j.0"], name="start")
    inner.transform(lambda source, output: write(output), inner["start"], suffix(".0"), ".1", name="next")

    def outer(output: str) -> None:
        run(inner)
        write(output)

    pipeline.originate(outer, ["outer"], name="outer")
    others = []
    for number in range(3):
        other = Pipeline(f"other{number}")
        other.originate(making, [f"{number}.{each}" for each in range(20)], name="start")
        others.append(threading.Thread(target=run, args=(other,), kwargs={"multithread": 2}))
    for thread in others:
        thread.start()
    run(pipeline)
    for thread in others:
        thread.join()
    assert files("*.1") == ["0.1", "1.1", "2.1", "i.1", "j.1"]
    assert len(files("[012].*")) == 60


def test_with_trickle_a_job_waits_for_jobs_and_not_for_stages(pipeline: Pipeline) -> None:
    def make(output: str) -> None:
        if output == "slow.0":  # until what builds on the other one is done
            limit = time.monotonic() + 60
            while not os.path.exists("quick.2") and time.monotonic() < limit:
                time.sleep(0.01)
            assert os.path.exists("quick.2")
        with open(output, "w"):
            pass

    def copy(source: str, output: str) -> None:
        with open(output, "w"):
            pass

    pipeline.originate(make, ["slow.0", "quick.0"], name="make")
    pipeline.transform(copy, pipeline["make"], suffix(".0"), ".1", name="first")
    pipeline.transform(copy, pipeline["first"], suffix(".1"), ".2", name="second")
    pipeline.merge(lambda sources, output: copy("", output), pipeline["second"], "end", name="end")
    run(pipeline, multiprocess=2, trickle=True)
    assert files("*.2") == ["quick.2", "slow.2"]
    assert Path("end").exists()


def test_temporary_outputs_are_removed_and_not_missed(pipeline: Pipeline) -> None:
    ran: list[str] = []

    def copy(source: str, output: str) -> None:
        ran.append(output)
        write(output)

    pipeline.originate(making, ["a.0", "b.0"], name="start")
    pipeline.transform(copy, pipeline["start"], suffix(".0"), ".1", name="first", temporary=True)
    pipeline.transform(copy, pipeline["first"], suffix(".1"), ".2", name="second")
    run(pipeline)
    assert files() == ["a.0", "a.2", "b.0", "b.2"]
    ran.clear()
    run(pipeline)
    assert ran == []
    os.unlink("a.2")
    run(pipeline)
    assert {"a.1", "a.2"} <= set(ran)
    assert files() == ["a.0", "a.2", "b.0", "b.2"]
    ran.clear()
    run(pipeline)
    assert ran == []


def test_everything_that_happens_is_told(pipeline: Pipeline) -> None:
    events: list[RunEvent] = []
    pipeline.originate(making, ["a.0", "b.0"], name="start")
    pipeline.transform(lambda source, output: write(output), pipeline["start"], suffix(".0"), ".1", name="first")
    run(pipeline, progress=events.append)
    assert [(event.kind, event.stage, event.done) for event in events[:3]] == [
        ("stage started", "tested::start", 0),
        ("job started", "tested::start", 0),
        ("job ended", "tested::start", 1),
    ]
    assert events[-1][:6] == ("stage ended", "tested::first", 2, 0, 2, 0)
    assert all(event.seconds is not None for event in events if event.kind == "job ended")


def test_a_run_is_recorded_if_wanted(pipeline: Pipeline) -> None:
    pipeline.originate(making, ["a.0", "b.0"], name="start")
    run(pipeline, record=".gangline")
    with Record.open(".gangline") as record:
        last = record.last_run()
        assert last is not None
        assert last.outcome == "ok"
        assert len(record.tasks(last.id)) == 2


HOLD = """
import sys
from gangline.pipeline.freshness.history import History
with History.open(None):
    print("holding", flush=True)
    sys.stdin.readline()
"""


def test_a_second_run_on_the_same_history_is_told_so(pipeline: Pipeline) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"holding\n"
        pipeline.originate(making, ["a.0"], name="start")
        with pytest.raises(StoreError, match=str(other.pid)):
            run(pipeline)
