"""Jobs that cannot run, or that write without end: told in the record, and the worker lives."""

from pathlib import Path

from gangline.queue import Queue
from tests.acceptance.queue.workers.deeds import Flood, Sleep
from tests.acceptance.queue.workers.support import Start

KEPT = 16 * 1024 * 1024


def test_interpreters_that_do_not_start(queue: Queue, start: Start, here: Path):
    (here / "fine.py").write_text(
        "from gangline.queue import DurableJob\nclass Job(DurableJob):\n    def execute(self): ...\n"
    )
    worker = start("--slots", "2")
    for number, script in enumerate(["exit 7", "kill -SEGV $$", "echo no python >&2; exit 1"]):
        python = here / f"python-{number}"
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        record = queue.wait(queue.enqueue("fine.Job", python=str(python)), 60)
        assert record.state == "error"
        assert str(python) in record.last_error
        assert "could not start" in record.last_error
    assert queue.wait(queue.enqueue(Sleep, log="log"), 60).state == "complete"
    worker.stop()
    assert worker.wait() == 0


def test_a_class_that_became_something_else(queue: Queue, start: Start, here: Path):
    (here / "turned.py").write_text(
        "from gangline.queue import DurableJob\nclass Job(DurableJob):\n    def execute(self): ...\n"
    )
    job = queue.enqueue("turned.Job", attempts=3)
    (here / "turned.py").write_text("class Job:\n    def execute(self): ...\n")
    start("--slots", "1")
    record = queue.wait(job, 60)
    assert record.state == "error"
    assert "turned.Job is no job" in record.last_error


def test_a_flood_of_output_is_cut_and_the_job_is_complete(queue: Queue, start: Start):
    start("--slots", "1")
    record = queue.wait(queue.enqueue(Flood, characters=KEPT + 1000), 60)
    assert record.state == "complete"
    lines = queue.logs(record.id)
    assert sum(len(line.text) for line in lines if line.stream == "stdout") == KEPT
    assert "is not kept" in lines[-1].text
