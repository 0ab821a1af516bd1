"""The database goes away and comes back, or makes everybody wait (Q4, Q5)."""

import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline.errors import StoreUnavailable
from gangline.queue import Queue
from gangline.queue.worker.worker import Worker
from tests.acceptance.queue.workers.deeds import Quick, Sleep
from tests.acceptance.queue.workers.support import Start, gone, lines, until
from tests.integration.queue_store.conftest import emptied
from tests.postgres import Server


@pytest.fixture
def url(server: Server) -> str:
    """A queue on PostgreSQL."""
    return emptied(server.url)


def test_q4_away_for_less_than_a_lease_the_jobs_go_on(queue: Queue, start: Start, server: Server):
    worker = start("--slots", "2")
    ids = queue.enqueue_many(Sleep, [{"log": "log", "name": name, "gate": "gate"} for name in "ab"])
    until(lambda: len(lines("log")) == 2)
    server.freeze()
    try:
        Path("gate").touch()
        until(lambda: len(lines("log")) == 4)  # they end while nobody can be told
        time.sleep(0.5)
    finally:
        server.thaw()
    records = queue.wait(ids, 60)
    assert {(record.state, record.trial) for record in records} == {("complete", 1)}
    assert len(lines("log")) == 4
    assert worker.process.poll() is None


def test_q4_away_for_longer_than_a_lease_the_jobs_are_ended_and_run_again(queue: Queue, start: Start, server: Server):
    worker = start("--slots", "1", "--lease", "2")
    job = queue.enqueue(Sleep, log="log", name="a", gate="gate")
    until(lambda: lines("log"))
    server.stop()
    try:
        until(lambda: "could not be renewed" in worker.said, said=worker)
        until(lambda: gone(process_of(lines("log")[-1])))
        before = len(lines("log"))
    finally:
        server.start()
    check_that_it_runs_again(queue, job, before)
    assert "the queue is back" in worker.said
    assert "Traceback" not in worker.said


def test_q4_a_database_that_stands_still_for_longer_than_a_lease(queue: Queue, start: Start, server: Server):
    """A worker that waits for an answer cannot know how long it will take; its jobs are ended in time all the same."""
    start("--slots", "1", "--lease", "2")
    job = queue.enqueue(Sleep, log="log", name="a", gate="gate")
    until(lambda: lines("log"))
    server.freeze()
    try:
        until(lambda: gone(process_of(lines("log")[-1])))
        before = len(lines("log"))
    finally:
        server.thaw()
    check_that_it_runs_again(queue, job, before)


def process_of(line: str) -> str:
    """In which process a job was that wrote a line."""
    return line.split()[2]


def check_that_it_runs_again(queue: Queue, job: int, before: int) -> None:
    """So many lines were written by runs that were ended early; now it may end."""
    until(lambda: len(lines("log")) > before)
    Path("gate").touch()
    record = queue.wait(job, 60)
    assert (record.state, record.attempts_left, record.errors) == ("complete", 1, [])
    ended_early, others = lines("log")[:before], lines("log")[before:]
    assert {line.split()[0] for line in ended_early} == {"begin"}
    # A worker that stands still for longer than its lease of two seconds just now has it run once more.
    assert others[-1].startswith("end")
    assert not set(map(process_of, ended_early)) & set(map(process_of, others))


def test_q5_the_database_is_restarted_under_load(queue: Queue, start: Start, server: Server):
    workers = [start("--slots", "2", "--lease", "5") for _ in range(2)]
    ids: list[int] = []
    for wave in range(2):
        jobs = [{"log": "log", "n": wave * 1000 + number} for number in range(1000)]
        for job in jobs[:3]:  # these run when the server goes away, however slow this test is
            job["gate"] = f"gate-{wave}"
        ids += queue.enqueue_many(Quick, jobs)
        seen = len(lines("log"))
        until(lambda seen=seen: len(lines("log")) > seen + 100)
        server.stop()
        Path(f"gate-{wave}").touch()
        server.start()
    records = queue.wait(ids, 60)
    assert {record.state for record in records} == {"complete"}
    assert set(lines("log")) == set(map(str, range(2000)))
    assert all(worker.process.poll() is None for worker in workers)
    assert all("Traceback" not in worker.said for worker in workers)


class TestFile:
    """The same of a file."""

    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        """A queue in a file."""
        return f"sqlite:///{tmp_path}/queue.db"

    def test_q5_a_slow_writer_and_a_slow_reader_are_waited_for(self, queue: Queue, start: Start, here: Path):
        worker = start("--slots", "1")
        with sqlite3.connect(here / "queue.db", isolation_level=None, timeout=60) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM jobs").fetchone()
            first = queue.enqueue_many(Quick, [{"log": "log", "n": n} for n in range(50)])
            assert {record.state for record in queue.wait(first, 60)} == {"complete"}
            reader.execute("ROLLBACK")
            more = queue.enqueue_many(Quick, [{"log": "log", "n": n, "gate": "gate"} for n in range(50, 100)])
            reader.execute("BEGIN IMMEDIATE")
            Path("gate").touch()
            time.sleep(2)
            reader.execute("ROLLBACK")
        assert {record.state for record in queue.wait(more, 60)} == {"complete"}
        assert sorted(map(int, lines("log"))) == list(range(100))
        assert worker.process.poll() is None
        assert "Traceback" not in worker.said


class TestDisk:
    """A file on a disk that gets full."""

    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[Path]:
        """A disk of 3 MB."""
        if os.geteuid() != 0:
            pytest.skip("only root can mount a file system of 3 MB")
        folder = tmp_path / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"no file system of 3 MB can be mounted: {done.stderr.decode().strip()}")
        yield folder
        subprocess.run(["umount", "--lazy", folder], check=True)

    @pytest.fixture
    def url(self, disk: Path) -> str:
        """A queue on it."""
        return f"sqlite:///{disk}/queue.db"

    def test_q5_a_full_disk_loses_nothing(self, queue: Queue, start: Start, disk: Path):
        worker = start("--slots", "1")
        ids = queue.enqueue_many(Sleep, [{"log": "log", "name": str(n), "gate": "gate"} for n in range(2)])
        until(lambda: lines("log"))
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        Path("gate").touch()
        until(lambda: "disk is full" in worker.said, said=worker)
        time.sleep(0.3)
        filler.unlink()
        records = queue.wait(ids, 60)
        assert {record.state for record in records} == {"complete"}
        assert worker.process.poll() is None
        assert "Traceback" not in worker.said
        worker.stop(signal.SIGTERM)
        assert worker.wait() == 0


@pytest.mark.parametrize("first", ["wait_for_change", "count_states"])
def test_q4_that_the_queue_is_back_only_an_answer_tells(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, first: str
):
    """It goes away while a worker that ends when nothing is left listens to it, or asks whether that is so."""
    attempts: list[str] = []

    def fails_for_a_while(name: str) -> None:
        real = getattr(queue.database, name)

        def call(*args, **options):
            if 0 < len(attempts) < 6 or (not attempts and name == first):
                attempts.append(name)
                raise StoreUnavailable("the server has gone")
            return real(*args, **options)

        monkeypatch.setattr(queue.database, name, call)

    for name in ("turn", "renew", "recover", "count_states", "wait_for_change"):
        fails_for_a_while(name)
    job = queue.enqueue(Quick, log="log", n=1, delay=1)
    with caplog.at_level("WARNING", "gangline.worker"):
        Worker(queue, slots=1, lease_s=60.0, until_empty=True).run()
    assert queue.get(job).state == "complete"
    assert len(attempts) == 6
    gone, back = [record.getMessage() for record in caplog.records]
    assert gone == "the server has gone; trying again until it is back"
    assert back.startswith("the queue is back")


def test_a_job_whose_claim_a_server_may_have_forgotten_is_ended_and_runs_again(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
):
    """It has begun while the server was writing the claim down."""
    confirm = queue.database.confirm
    broken = []

    def breaks_once(claims):
        if broken:
            return confirm(claims)
        until(lambda: lines("log"))
        broken.append(claims)
        raise StoreUnavailable("the server has ended the connection")

    def open_gate():
        until(lambda: len(lines("log")) == 2)
        Path("gate").touch()

    monkeypatch.setattr(queue.database, "confirm", breaks_once)
    job = queue.enqueue(Sleep, log="log", name="a", gate="gate")
    opener = threading.Thread(target=open_gate)
    opener.start()
    Worker(queue, slots=1, lease_s=60.0, until_empty=True).run()
    opener.join()
    record = queue.get(job)
    assert (record.state, record.attempts_left, record.trial) == ("complete", 1, 1)
    assert [number for ((number, _),) in broken] == [job]
    assert [line.split()[0] for line in lines("log")] == ["begin", "begin", "end"]
