"""Who has lost a job cannot end it any more, and what is done once is done once (Q1, Q2, Q22)."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline.queue import Queue
from tests.acceptance.queue.workers.deeds import Eaten, Hungry, Once, Quick, Sleep, StopWorker
from tests.acceptance.queue.workers.support import Daemon, Start, lines, until


def test_q2_the_late_writes_of_a_worker_that_stood_still_are_refused(queue: Queue, start: Start):
    frozen = start("--slots", "1", "--lease", "1", "--name", "frozen")
    job = queue.enqueue(StopWorker, log="log", victim=frozen.process.pid, gate="gate")
    until(lambda: len(lines("log")) == 2)  # its engine goes on and ends the job, of which nobody hears
    start("--slots", "1", "--name", "second")
    until(lambda: len(lines("log")) == 3, said=frozen)
    frozen.stop(signal.SIGCONT)
    until(lambda: f"job {job} is not this worker's any more" in frozen.said, said=frozen)
    assert (queue.get(job).state, queue.get(job).locked.worker) == ("running", "second")
    Path("gate").touch()
    record = queue.wait(job, 60)
    assert (record.state, record.attempts_left, record.errors) == ("complete", 1, [])
    assert lines("log") == ["begin", "end", "begin", "end"]
    again = queue.enqueue(Sleep, log="log", name="b", worker="frozen")  # it is as good as new
    assert queue.wait(again, 60).state == "complete"


def test_q22_exactly_once_though_the_worker_dies_before_it_can_say_so(queue: Queue, start: Start):
    connection = queue.database.connect()
    connection.execute("DROP TABLE IF EXISTS totals")
    connection.execute("CREATE TABLE totals (n INTEGER)")
    connection.commit()
    first = start("--slots", "1", "--lease", "1")
    ids = [queue.enqueue(Once, log="log", number=n, kills_worker=n == 3) for n in range(6)]
    assert first.wait() == -signal.SIGKILL
    assert queue.wait(ids[3], 60).state == "complete"
    start("--slots", "1")
    assert {record.state for record in queue.wait(ids, 60)} == {"complete"}
    done = connection.execute("SELECT n FROM totals ORDER BY n").fetchall()
    connection.execute("DROP TABLE totals")
    connection.commit()
    connection.close()
    assert [n for (n,) in done] == list(range(6))
    until(lambda: sum(worker.alive for worker in queue.workers()) == 1)  # the lease of the first one is over
    assert queue.database.recover() == []
    assert queue.get(ids[3]).trial == 1
    assert [line for line in lines("log") if line.startswith("3 ")] == ["3 1"]


def test_workers_that_fight_over_a_thousand_jobs_and_are_killed_at_random(queue: Queue, start: Start):
    chance = random.Random(1)
    ids: list[int] = []
    workers: list[Daemon] = [start("--slots", "2", "--lease", "1", ready=False) for _ in range(2)]
    for wave in range(4):
        seen = len(lines("log"))
        # Some run when a worker is killed, however slow this test is.
        slow = [{"log": "log", "name": f"{wave}-{number}", "gate": f"gate-{wave}"} for number in range(3)]
        ids += queue.enqueue_many(Sleep, slow, priority=1)
        ids += queue.enqueue_many(Quick, [{"log": "log", "n": wave * 250 + number} for number in range(250)])
        until(lambda seen=seen: len(lines("log")) > seen + 5)
        victim = chance.choice(workers)
        victim.stop(signal.SIGKILL)
        workers.remove(victim)
        Path(f"gate-{wave}").touch()
        workers.append(start("--slots", "2", "--lease", "1", ready=False))
    records = queue.wait(ids, 60)
    assert {(record.state, record.attempts_left, len(record.errors)) for record in records} == {("complete", 1, 0)}
    assert {line for line in lines("log") if line.isdigit()} == set(map(str, range(1000)))
    assert queue.count() == 0
    assert queue.count(journal=True) == 1012


def test_q3_a_job_that_wants_too_much_memory_is_an_error(queue: Queue, start: Start):
    worker = start("--slots", "1")
    record = queue.wait(queue.enqueue(Hungry, log="log"), 60)
    assert record.state == "error"
    assert "MemoryError" in record.last_error
    assert queue.wait(queue.enqueue(Sleep, log="log"), 60).state == "complete"
    assert worker.process.poll() is None


@pytest.fixture
def group() -> Iterator[Path]:
    """A group of processes that may have 100 MB."""
    root = Path("/sys/fs/cgroup")
    name = f"gangline-test-{random.randrange(10**9)}"
    for parent, limit in ((root, "memory.max"), (root / "memory", "memory.limit_in_bytes")):
        try:
            (parent / name).mkdir()
        except OSError:
            continue
        if (parent / name / limit).exists():
            (parent / name / limit).write_text(str(100 * 1024 * 1024))
            yield parent / name
            until(lambda parent=parent: not (parent / name / "cgroup.procs").read_text().split())
            (parent / name).rmdir()
            return
        (parent / name).rmdir()
    pytest.skip("no group of processes with a limit of memory can be made here; that takes root and cgroups")


def test_q3_a_job_that_the_kernel_ends_for_its_memory(queue: Queue, start: Start, group: Path):
    worker = start("--slots", "1")
    record = queue.wait(queue.enqueue(Eaten, group=str(group), log="log"), 60)
    assert record.state == "error"
    assert "SIGKILL" in record.last_error
    assert queue.wait(queue.enqueue(Sleep, log="log"), 60).state == "complete"
    assert worker.process.poll() is None
