"""What can die, dies: the job's process, the worker (Q2, Q3, Q16, Q25)."""

import signal
from pathlib import Path

from gangline.queue import Queue
from tests.acceptance.queue.workers.deeds import Die, Sleep
from tests.acceptance.queue.workers.support import Start, gone, lines, until


def test_q2_q25_jobs_of_a_killed_worker_run_again_on_another_one(queue: Queue, start: Start, here: Path):
    first = start("--slots", "5", "--lease", "1", "--name", "first")
    ids = queue.enqueue_many(Sleep, [{"log": "log", "name": str(n), "gate": "gate"} for n in range(5)])
    until(lambda: {line.split()[1] for line in lines("log")} == set("01234"))
    first.stop(signal.SIGKILL)
    first.wait()
    until(lambda: all(gone(line.split()[2]) for line in lines("log")))
    second = start("--slots", "5", "--name", "second")

    def of_second() -> list[list[str]]:
        return [line.split()[:2] for line in lines("log") if int(line.split()[3]) == second.process.pid]

    until(lambda: len(of_second()) == 5)
    Path("gate").touch()
    records = queue.wait(ids, 60)
    assert {record.state for record in records} == {"complete"}
    assert {record.attempts_left for record in records} == {1}
    assert sorted(of_second()) == sorted([what, name] for what in ("begin", "end") for name in "01234")
    assert len([line for line in lines("log") if line.startswith("end")]) == 5


DEATHS = {
    "kill": "SIGKILL", "exit": "exit code 3", "segfault": "SIGSEGV", "sys.exit": "enough", "raise": "no good",
}  # fmt: skip


def test_q3_a_job_that_dies_is_an_error_and_the_worker_lives(queue: Queue, start: Start):
    worker = start("--slots", "1")
    for how, said in DEATHS.items():
        job = queue.wait(queue.enqueue(Die, how=how, log=how, attempts=2), 60)
        assert job.state == "error"
        assert lines(how) == ["trial 1", "trial 2"]
        assert said in job.last_error
        assert len(job.errors) == 2
        if how in ("kill", "exit"):
            assert "the last words" in job.last_error
        assert "the last words" in "".join(line.text for line in queue.logs(job.id)) or how == "segfault"
        assert queue.wait(queue.enqueue(Sleep, log="log", name=how), 60).state == "complete"
        assert worker.process.poll() is None


def test_q16_a_worker_that_is_asked_to_stop_finishes_what_runs(queue: Queue, start: Start):
    worker = start("--slots", "1")
    running = queue.enqueue(Sleep, log="log", name="a", gate="gate")
    until(lambda: lines("log"))
    waiting = queue.enqueue(Sleep, log="log", name="b")
    worker.stop()
    until(lambda: "stopping" in worker.said, said=worker)
    Path("gate").touch()
    assert worker.wait() == 0
    assert (queue.get(running).state, queue.get(waiting).state) == ("complete", "pending")
    assert queue.workers() == []


def test_q16_one_that_is_asked_twice_hands_its_jobs_back(queue: Queue, start: Start):
    worker = start("--slots", "1")
    job = queue.enqueue(Sleep, log="log", gate="gate")
    until(lambda: lines("log"))
    worker.stop()
    until(lambda: "stopping" in worker.said)
    worker.stop()
    assert worker.wait(60) == 0
    record = queue.get(job)
    assert (record.state, record.trial, record.attempts_left) == ("pending", 0, 1)


def test_q16_halt_from_elsewhere(queue: Queue, start: Start):
    worker = start("--slots", "1", "--name", "w")
    queue.halt("w")
    assert worker.wait() == 0


def test_a_second_worker_of_the_same_name_is_refused(queue: Queue, start: Start):
    start("--name", "twin")
    second = start("--name", "twin", ready=False)
    assert second.wait() == 2
    assert "twin" in second.said
    assert "Traceback" not in second.said
