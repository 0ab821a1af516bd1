"""What the record of a run holds, while it runs and at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gangline.errors import StoreError
from gangline.pipeline.names.suffix import suffix
from gangline.pipeline.ruffus_exceptions import RethrownJobError
from gangline.pipeline.running.options import RunOptions
from gangline.pipeline.running.watching import Watcher
from gangline.pipeline.stages.pipeline import Pipeline
from gangline.pipeline.steering import Steering, find_steering, steered
from gangline.store.reader import Record
from gangline.store.rows import StageRow, TaskRow

from .conftest import run, write


def recorded() -> tuple[dict[str, StageRow], list[TaskRow]]:
    """The stages and tasks of the last run."""
    with Record.open() as record:
        last = record.last_run().id
        return {stage.name.partition("::")[2]: stage for stage in record.stages(last)}, record.tasks(last)


def chain(pipeline: Pipeline, bad: str = "") -> None:
    def copy(source: str, output: str) -> None:
        if output == bad:
            raise ValueError("bad")
        write(output)

    pipeline.originate(write, ["a.0", "b.0"], name="make")
    pipeline.transform(copy, pipeline["make"], suffix(".0"), ".1", name="first")
    pipeline.transform(copy, pipeline["first"], suffix(".1"), ".2", name="second").jobs_limit(1, "one")


def test_jobs_that_were_up_to_date_are_counted_where_a_stage_runs_and_where_it_does_not(pipeline: Pipeline) -> None:
    chain(pipeline)
    run(pipeline, record=".gangline")
    stages, _ = recorded()
    assert {name: (stage.total, stage.fresh, stage.done) for name, stage in stages.items()} == {
        "make": (2, 0, 2), "first": (2, 0, 2), "second": (2, 0, 2)
    }  # fmt: skip
    os.unlink("b.2")
    run(pipeline, record=".gangline")
    stages, tasks = recorded()
    assert {name: (stage.total, stage.fresh, stage.done, stage.outcome) for name, stage in stages.items()} == {
        "make": (2, 2, 0, "ok"), "first": (2, 2, 0, "ok"), "second": (2, 1, 1, "ok")
    }  # fmt: skip
    assert [task.waits_for for task in tasks] == ["the limit 'one': 1 at once"]


def test_what_is_held_back_says_what_it_waits_for_in_vain(pipeline: Pipeline) -> None:
    chain(pipeline, bad="a.1")
    pipeline.follows(lambda: None, "second", name="end")
    with pytest.raises(RethrownJobError):
        run(pipeline, record=".gangline", keep_going=True)
    _, tasks = recorded()
    held = {task.stage.partition("::")[2]: task.waits_for for task in tasks if task.outcome == "held"}
    assert held["second"] == "a.1, which stage tested::first did not make"
    assert held["end"] == "stage tested::second, which is not whole"


def test_a_stage_that_is_not_active_is_recorded_as_such(pipeline: Pipeline) -> None:
    chain(pipeline)
    pipeline["second"].active_if(False)
    run(pipeline, record=".gangline")
    run(pipeline, record=".gangline")
    stages, _ = recorded()
    assert (stages["second"].total, stages["second"].outcome) == (0, "inactive")


PROGRAM = """
import os, sys, time
from gangline.pipeline import *
p = Pipeline("p")
def wait(output):
    while not os.path.exists("end"):
        time.sleep(0.01)
    open(output, "w").close()
p.originate(wait, ["a", "b", "c"], name="waiting")
os.chdir(sys.argv[1])
pipeline_run(verbose=0, record=".gangline", **eval(sys.argv[2]))
"""


@pytest.mark.parametrize("place", ["{'multiprocess': 2}", "{'multithread': 2}", "{}"])
def test_which_tasks_run_is_known_while_they_do(place: str) -> None:
    Path("sub").mkdir()
    write("sub/program.py", PROGRAM)
    program = subprocess.Popen([sys.executable, "sub/program.py", ".", place])
    try:
        limit = time.monotonic() + 60
        wanted = 1 if place == "{}" else 2
        while True:
            assert time.monotonic() < limit
            time.sleep(0.05)
            try:
                stages, tasks = recorded()
            except StoreError:  # there is none yet
                continue
            if stages and stages["waiting"].running == wanted:
                break
        assert sum(task.started_at is not None for task in tasks) == wanted
        with Record.open() as record:
            assert record.last_run().program == os.path.join("sub", "program.py")
    finally:
        write("end")
        assert program.wait(timeout=60) == 0
    assert recorded()[0]["waiting"].done == 3


def test_a_program_outside_of_the_folder_is_recorded_with_its_whole_path() -> None:
    write("program.py", PROGRAM)
    write("end")
    Path("inner").mkdir()
    write("inner/end")
    subprocess.run([sys.executable, "program.py", "inner", "{}"], check=True, timeout=120)
    with Record.open("inner/.gangline") as record:
        assert record.last_run().program == str(Path("program.py").absolute())


def test_steering_decides_for_the_program_but_not_for_its_jobs(pipeline: Pipeline) -> None:
    seen: list[str] = []

    class Ours(Steering, Watcher):
        def run_wanted(self, options: RunOptions) -> RunOptions:
            seen.append("wanted")
            return options

        def watchers(self) -> list[Watcher]:
            return [self]

        def run_started(self, run_id: str) -> None:
            seen.append("started")

        def run_ended(self, outcome: str, message: str) -> None:
            seen.append(f"{outcome} {message}")

    inner = Pipeline("inner")
    inner.originate(write, ["i"], name="in")

    def outer(output: str) -> None:
        assert find_steering() is None
        run(inner)
        write(output)
        raise OSError("no")

    pipeline.originate(outer, ["o"], name="out")
    with steered(Ours()), pytest.raises(RethrownJobError):
        run(pipeline)
    assert find_steering() is None
    assert seen == ["wanted", "started", "failed 1 failed"]
    assert os.path.exists("i")
