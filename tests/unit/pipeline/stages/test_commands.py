"""Commands of stages, in jobs on every backend."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline.pipeline.ruffus_exceptions import RethrownJobError
from gangline.pipeline.running.entry import pipeline_run
from gangline.pipeline.stages.commands import run_command
from gangline.pipeline.stages.pipeline import Pipeline
from gangline.store.reader import Record

PLACES = ["processes", "threads", "inline"]


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    monkeypatch.chdir(tmp_path)
    yield Pipeline("commands")
    Pipeline.clear_all()


@pytest.mark.parametrize("place", PLACES)
def test_what_a_command_writes_is_its_jobs_and_how_it_ends_is_known(pipeline: Pipeline, place: str) -> None:
    pipeline.originate("echo to out; echo ä to err >&2; exit 4", ["a"], name="four")
    with pytest.raises(RethrownJobError) as caught:
        pipeline_run(pipeline=pipeline, verbose=0, backend=place, record=".gangline")
    (error,) = caught.value.group.exceptions  # type: ignore[union-attr]
    assert isinstance(error, subprocess.CalledProcessError)
    assert error.returncode == 4
    with Record.open() as record:
        ((_, attempt),) = record.failures(record.last_run().id)
    assert attempt is not None
    assert (attempt.stdout, attempt.stderr, attempt.exit_code, attempt.command) == (
        "to out\n",
        "ä to err\n",
        4,
        "exit 4",
    )


@pytest.mark.parametrize("place", PLACES)
def test_much_output_and_what_a_command_leaves_behind_block_nothing(pipeline: Pipeline, place: str) -> None:
    # What is left behind lives longer than a test may take.
    pipeline.originate("sleep 600 & echo $! > left; seq 200000; seq 200000 >&2; touch {output}", ["a"], name="much")
    try:
        pipeline_run(pipeline=pipeline, verbose=0, backend=place)
        assert os.path.exists("a")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(Path("left").read_text()), signal.SIGKILL)


def test_outside_of_jobs_a_command_writes_where_the_program_does(capfd: pytest.CaptureFixture[str]) -> None:
    run_command("echo hello")
    assert capfd.readouterr().out == "hello\n"
    with pytest.raises(subprocess.CalledProcessError):
        run_command("exit 1")


PROGRAM = """
import sys
from gangline.pipeline import *
Pipeline("p").originate("sh -c 'echo $$ > {output}.pid; sleep 300; true'", ["a", "b"], name="long")
pipeline_run(verbose=0, backend=sys.argv[1], multiprocess=1, multithread=2 if sys.argv[1] == "threads" else 0)
"""


@pytest.mark.parametrize("place", PLACES)
def test_an_interrupted_program_leaves_no_command_behind(tmp_path: Path, place: str) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    program = subprocess.Popen(
        [sys.executable, "program.py", place], cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True
    )
    limit = time.monotonic() + 60
    while not [path for path in tmp_path.glob("*.pid") if path.read_text().strip()]:
        assert time.monotonic() < limit
        time.sleep(0.01)
    program.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in program.communicate(timeout=60)[1]
    limit = time.monotonic() + 60
    for path in tmp_path.glob("*.pid"):
        while os.path.exists(f"/proc/{path.read_text().strip()}"):
            assert time.monotonic() < limit
            time.sleep(0.01)
