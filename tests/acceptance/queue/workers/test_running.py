"""How jobs run: order, limits, deferring, failing, orders, what they tell (Q6, Q7, Q9 to Q12, Q17, Q19, Q21, Q23)."""

import itertools
import venv
from pathlib import Path

import pytest

from gangline._runtime.handle import Handle
from gangline.queue import Queue
from gangline.queue.worker.appetite import Appetite
from gangline.queue.worker.place import Place
from gangline.queue.worker.worker import Worker
from tests.acceptance.queue.workers.deeds import (
    DivideAndConquer,
    Family,
    Fragile,
    Hesitant,
    Limited,
    Patient,
    Quick,
    Silent,
    Sleep,
    Slow,
    Talkative,
    Write,
)
from tests.acceptance.queue.workers.support import Start, gone, lines, until


def test_q10_priority_before_age(queue: Queue, start: Start):
    ids = [queue.enqueue(Write, log="log", text=f"{n} {p}", priority=p) for n, p in enumerate([-1, 0, 5, -1, 5, 0])]
    start("--slots", "1")
    queue.wait(ids, 60)
    assert lines("log") == ["2 5", "4 5", "1 0", "5 0", "0 -1", "3 -1"]


def test_q10_what_is_handed_back_while_its_turn_comes_keeps_its_place(
    queue: Queue, here: Path, monkeypatch: pytest.MonkeyPatch
):
    """Jobs lie at hand behind one that takes long; just when they are handed back it ends, and the next one begins."""
    take_back = Place.take_back

    def take_back_while_it_ends(place: Place, handle: Handle) -> bool:
        taken = take_back(place, handle)
        if not Path("gate").exists():  # the first one of them
            Path("gate").touch()
            until(lambda: len(lines("log")) >= 2)
        return taken

    jobs = [{"log": "log", "n": number} for number in range(6)]
    jobs[0]["gate"] = "gate"
    queue.enqueue_many(Quick, jobs)
    worker = Worker(queue, slots=1, lease_s=60.0, until_empty=True)
    worker._appetite.learn(f"{Quick.__module__}.{Quick.__name__}", 0.0001)  # so that it takes all of them at once
    monkeypatch.setattr(Appetite, "learn", lambda *_: None)
    monkeypatch.setattr(Place, "take_back", take_back_while_it_ends)
    worker.run()
    assert lines("log") == [str(number) for number in range(6)]


def test_q10_a_limit_holds_over_all_workers_of_a_host_and_is_used(queue: Queue, start: Start):
    for _ in range(4):
        start("--slots", "2", ready=False)
    until(lambda: len(queue.workers()) == 4)
    jobs = [{"log": "log", "name": str(number), "gate": f"gate-{number}"} for number in range(12)]
    ids = queue.enqueue_many(Limited, jobs)

    def begun() -> list[str]:
        return [line.split()[1] for line in lines("log") if line.startswith("begin")]

    for number in range(12):
        until(lambda number=number: len(begun()) == min(number + 2, 12))  # as many as may are under way
        Path(f"gate-{begun()[number]}").touch()
    queue.wait(ids, 60)
    at_once = itertools.accumulate(1 if line.startswith("begin") else -1 for line in lines("log"))
    assert max(at_once) == 2


def test_q11_deferring_costs_no_attempt(queue: Queue, start: Start):
    start("--slots", "1")
    record = queue.wait(queue.enqueue(Patient, times=5), 60)
    assert (record.state, record.trial, record.attempts_left) == ("complete", 6, 1)
    record = queue.wait(queue.enqueue(Hesitant), 60)
    assert record.state == "inactive"
    assert record.inactive_at is not None


def test_q12_a_third_attempt_succeeds_and_all_tracebacks_are_kept(queue: Queue, start: Start):
    start("--slots", "1")
    record = queue.wait(queue.enqueue(Fragile, log="log"), 60)
    assert (record.state, record.trial) == ("complete", 3)
    assert [error["trial"] for error in record.errors] == [1, 2]
    assert "OSError: trial 2 failed" in record.errors[1]["error"]
    times = [float(line.split()[1]) for line in lines("log")]
    assert all(later - earlier >= 0.5 for earlier, later in itertools.pairwise(times))


def test_q6_kill_ends_the_whole_process_group(queue: Queue, start: Start):
    start("--slots", "1")
    job = queue.enqueue(Family, log="log")
    until(lambda: lines("log"))
    family = lines("log")[0].split()
    assert len(family) == 2
    assert not any(map(gone, family))
    queue.kill(job)
    assert queue.wait(job, 60).state == "killed"
    until(lambda: all(map(gone, family)))


def test_q7_remove_of_a_running_job(queue: Queue, start: Start):
    start("--slots", "1")
    job = queue.enqueue(Sleep, log="log", gate="gate")
    until(lambda: lines("log"))
    assert queue.remove(job) == "running"
    Path("gate").touch()
    until(lambda: queue.get(job).removed_at is not None and queue.get(job).state != "running")
    assert len(lines("log")) == 2
    assert queue.find() == []


def test_q9_a_class_that_cannot_be_imported_is_an_error_and_the_worker_lives(queue: Queue, start: Start, here: Path):
    (here / "broken.py").write_text(
        "from gangline.queue import DurableJob\n"
        "import os\n"
        "if os.path.exists('broken'):\n    import no_such_module\n"
        "class Job(DurableJob):\n    def execute(self): pass\n"
    )
    job = queue.enqueue("broken.Job", attempts=3)
    (here / "broken").touch()
    worker = start("--slots", "1")
    record = queue.wait(job, 60)
    assert record.state == "error"
    assert "No module named 'no_such_module'" in record.last_error
    wrong = queue.wait(queue.enqueue(Write, text="no log"), 60)
    assert wrong.state == "error"
    assert "log" in wrong.last_error
    assert worker.process.poll() is None


def test_q17_nothing_of_a_paused_class_starts(queue: Queue, start: Start):
    start("--slots", "1")
    queue.pause(Write, reason="under repair")
    held = queue.enqueue(Write, log="log", text="held")
    queue.wait(queue.enqueue(Sleep, log="log", name="other"), 60)
    assert queue.get(held).state == "pending"
    queue.resume(Write)
    assert queue.wait(held, 60).state == "complete"


def test_q19_progress_output_and_logs_are_read_live_and_afterwards(queue: Queue, start: Start):
    start("--slots", "1")
    job = queue.enqueue(Talkative, gate="gate")
    until(lambda: queue.get(job)["prog"]["value"] == 0.25)
    until(lambda: {line.stream for line in queue.logs(job)} >= {"stdout", "stderr", "output", "warning"})
    assert queue.get(job)["prog"]["message"] == "a quarter of 4"
    Path("gate").touch()
    record = queue.wait(job, 60)
    said: dict[str, str] = {}
    for line in queue.logs(job):
        said[line.stream] = said.get(line.stream, "") + line.text
    assert said == {
        "stdout": "to stdout\n", "stderr": "to stderr\n", "output": "from a child\n", "warning": "careful with this\n",
    }  # fmt: skip
    assert (record.result, record.sources) == ("said", ["some file"])


def test_wall_time_and_zombies(queue: Queue, start: Start):
    start("--slots", "2")
    slow, silent = queue.enqueue(Slow), queue.enqueue(Silent, gate="gate")
    record = queue.wait(slow, 60)
    assert record.state == "error"
    assert record.wall_at is not None
    assert "wall_time" in record.last_error
    until(lambda: queue.get(silent).zombie_at is not None)
    Path("gate").touch()
    record = queue.wait(silent, 60)
    assert record.state == "complete"
    assert record.zombie_at is not None


def test_the_pattern_of_divide_and_conquer_as_written(queue: Queue, start: Start):
    start("--slots", "2")
    start("--slots", "2")
    record = queue.wait(queue.enqueue(DivideAndConquer, chunksize=10), 60)
    assert record.state == "complete"
    assert record.trial > 1
    assert sorted(map(int, (line.split()[0] for line in lines("work.log")))) == list(range(0, 100, 10))
    assert queue.children(record.id)["complete"] == 10


def test_code_that_has_changed_is_loaded_anew(queue: Queue, start: Start, here: Path):
    body = "from gangline.queue import DurableJob\nclass Job(DurableJob):\n    def execute(self): return {}\n"
    (here / "changing.py").write_text(body.format(1))
    start("--slots", "1")
    assert queue.wait(queue.enqueue("changing.Job"), 60).result == 1
    (here / "changing.py").write_text(body.format(22))
    assert queue.wait(queue.enqueue("changing.Job"), 60).result == 22


def test_q21_a_job_of_another_interpreter(queue: Queue, start: Start, here: Path):
    venv.create(here / "env", with_pip=False)
    (here / "elsewhere.py").write_text(
        "import sys\nfrom gangline.queue import DurableJob\n"
        "class Job(DurableJob):\n    def execute(self): return sys.prefix\n"
    )
    start("--slots", "1")
    assert queue.wait(queue.enqueue("elsewhere.Job", python=str(here / "env")), 60).result == str(here / "env")
    missing = queue.wait(queue.enqueue("elsewhere.Job", python=str(here / "none")), 60)
    assert missing.state == "error"
    assert "none" in missing.last_error


def test_an_idle_worker_begins_as_many_long_jobs_as_it_has_slots(queue: Queue, start: Start):
    start("--slots", "4")
    assert queue.wait(queue.enqueue(Sleep, log="log", name="first", seconds=0.6), 60).state == "complete"
    ids = queue.enqueue_many(Sleep, [{"log": "log", "name": str(number), "gate": "gate"} for number in range(4)])
    until(lambda: len(lines("log")) == 6)
    Path("gate").touch()
    queue.wait(ids, 60)
    assert [line.split()[0] for line in lines("log")] == ["begin", "end", *4 * ["begin"], *4 * ["end"]]
