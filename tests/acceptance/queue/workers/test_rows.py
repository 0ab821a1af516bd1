"""What else is promised, seen with real workers: orders, limits on two hosts, schedules, chains, children."""

import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gangline.errors import JobExists, UsageError
from gangline.queue import Queue
from tests.acceptance.queue.workers.deeds import Child, Dated, Parent, Quick, Sleep, Talkative, Where, Write
from tests.acceptance.queue.workers.support import Start, lines, until


def names_of(log: str) -> list[str]:
    """The second words of a log."""
    return [line.split()[1] for line in lines(log)]


def test_q6_one_that_waits_is_killed_at_once_and_one_that_is_over_not_at_all(queue: Queue, start: Start):
    start("--slots", "1")
    first = queue.enqueue(Talkative, gate="gate")
    until(lambda: queue.get(first).state == "running")
    waits = queue.enqueue(Write, log="log", text="killed")
    assert queue.kill(waits) == "killed"
    assert queue.get(waits).state == "killed"
    Path("gate").touch()
    assert queue.wait(first, 60).state == "complete"
    for job, state in ((first, "complete"), (waits, "killed")):
        with pytest.raises(UsageError, match=f"job {job} .*{state}"):
            queue.kill(job)
    assert queue.wait(queue.enqueue(Write, log="log", text="last"), 60).state == "complete"
    assert lines("log") == ["last"]


def test_q8_an_equal_job_is_refused_while_the_first_one_runs(queue: Queue, start: Start):
    start("--slots", "2")
    first = queue.enqueue(Talkative, gate="gate")
    until(lambda: queue.get(first).state == "running")
    with pytest.raises(JobExists) as refused:
        queue.enqueue(Talkative, gate="gate")
    assert refused.value.job == first
    twin = queue.enqueue(Talkative, gate="gate", unique=False)
    until(lambda: queue.get(twin).state == "running")
    Path("gate").touch()
    assert {record.state for record in queue.wait([first, twin], 60)} == {"complete"}
    later = queue.enqueue(Talkative, gate="gate")
    assert queue.wait(later, 60).state == "complete"
    assert len({first, twin, later}) == 3


@pytest.fixture
def other_host() -> str:
    """The name of a host that workers may believe to be on."""
    done = subprocess.run(["unshare", "--uts", "sh", "-c", "hostname gangline-other"], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"only root can give a worker another host name: {done.stderr.decode().strip()}")
    return "gangline-other"


def at_once(log: str) -> tuple[int, dict[str, int]]:
    """How many ran at once, on all hosts and on each; lines are added in the order in which things happen."""
    running: dict[str, int] = {}
    most, most_of = 0, dict[str, int]()
    for line in lines(log):
        what, host = line.split()
        running[host] = running.get(host, 0) + (1 if what == "begin" else -1)
        most_of[host] = max(most_of.get(host, 0), running[host])
        most = max(most, sum(running.values()))
    return most, most_of


def test_q10_limits_of_one_host_and_of_all(queue: Queue, start: Start, other_host: str):
    here = socket.gethostname()
    for host in ("", "", other_host, other_host):
        start("--slots", "2", host=host, ready=False)
    until(lambda: len(queue.workers()) == 4)
    assert {worker.host for worker in queue.workers()} == {here, other_host}
    ids = queue.enqueue_many(Where, [{"log": "each", "number": n, "gate": "gate"} for n in range(6)], max_parallel=1)
    until(lambda: len(lines("each")) == 2)
    Path("gate").touch()
    queue.wait(ids, 60)
    assert at_once("each") == (2, {here: 1, other_host: 1})
    queue.wait(queue.enqueue_many(Where, [{"log": "all", "number": n} for n in range(6)], max_parallel_total=1), 60)
    assert at_once("all")[0] == 1


def test_q14_three_workers_enter_one_job_for_each_time(queue: Queue, start: Start):
    leap_days = [datetime(year, 2, 29, tzinfo=UTC) for year in range(2000, 2100, 4)]
    times = [day for day in leap_days if day < datetime.now(UTC)][-3:]
    for missed in ("one", "all", "none"):
        queue.schedule(Dated, "0 0 29 2 *", name=missed, missed=missed, args={"log": "log", "name": missed})
    for row in queue.database.schedules():  # as if nobody had been there for more than eight years
        queue.database.remove_schedule(row.id)
        queue.database.add_schedule(row.name, row.line, row.timezone, row.missed, row.job, times[0].timestamp())
    workers = [start("--slots", "1", "--until-empty", ready=False) for _ in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    assert sorted(lines("log")) == [*(f"all {time.isoformat()}" for time in times), f"one {times[-1].isoformat()}"]
    assert queue.counts() == {"complete": 4}
    now = datetime.now(UTC)
    assert [planned.name for planned in queue.schedules() if planned.next_at > now] == ["one", "all", "none"]


def test_q15_a_chain_runs_in_order(queue: Queue, start: Start):
    start("--slots", "2")
    c = (Write, {"log": "log", "text": "c"})
    b = (Write, {"log": "log", "text": "b", "chain": [c]})
    a = queue.enqueue(Write, log="log", text="a", chain=[b])
    until(lambda: queue.count(journal=True) == 3)
    assert lines("log") == ["a", "b", "c"]
    (second,) = queue.journal({"parent": a})
    assert queue.count({"parent": second.id}, journal=True) == 1


def test_q15_nothing_follows_a_failure_until_it_is_repaired(queue: Queue, start: Start):
    start("--slots", "2")
    after = (Write, {"log": "log", "text": "follows"})
    a = queue.enqueue(Child, how="error", mid=0, log="log", chain=[after])
    b = queue.enqueue(Write, log="log", text="b")
    d = queue.enqueue(Write, log="log", text="d", dependency=[a, b])
    assert [record.state for record in queue.wait([a, b], 60)] == ["error", "complete"]
    explained = str(queue.explain(d))
    assert f"it waits for job {a}, which is error and has to be restarted" in explained
    assert f"job {b}," not in explained
    assert lines("log") == ["b"]
    assert queue.get(d).state == "pending"
    Path("repaired").touch()
    queue.restart(a)
    assert queue.wait(d, 60).state == "complete"
    until(lambda: queue.count() == 0)
    assert sorted(lines("log")) == ["b", "d", "follows"]


def test_q17_nothing_starts_on_a_paused_host(queue: Queue, start: Start, other_host: str):
    here = socket.gethostname()
    start("--slots", "1")
    queue.pause(host=here, reason="new disks")
    held = queue.enqueue(Where, log="log", number=1)
    assert f"the host {here} is paused" in str(queue.explain(held))
    elsewhere = start("--slots", "1", host=other_host)
    assert queue.wait(held, 60).state == "complete"  # what one host may not do another one does
    assert set(names_of("log")) == {other_host}
    elsewhere.stop()
    assert elsewhere.wait() == 0
    held = queue.enqueue(Where, log="log", number=2)
    until(lambda: "new disks" in str(queue.explain(held)))
    assert queue.get(held).state == "pending"
    assert queue.resume(host=here)
    assert queue.wait(held, 60).state == "complete"
    assert names_of("log")[-1] == here


def test_q18_q24_priority_comes_before_twenty_thousand(queue: Queue, start: Start):
    """Of the same class, and of another one."""
    jobs = [{"log": "log", "n": n} for n in range(20_000)]
    for number in (500, 5000, 15_000):  # there the only slot stands still until the test goes on
        jobs[number]["gate"] = f"gate-{number}"
    *_, last = queue.enqueue_many(Quick, jobs)
    start("--slots", "1")
    until(lambda: len(lines("log")) == 501)
    urgent = queue.enqueue(Quick, log="log", n=-1, priority=10)
    Path("gate-500").touch()
    assert queue.wait(urgent, 60).state == "complete"
    assert lines("log").index("-1") - 501 <= 256  # what a worker has at hand of the shortest jobs
    until(lambda: lines("log")[-1] == "5000")
    urgent = queue.enqueue(Write, log="log", text="urgent", priority=10)
    Path("gate-5000").touch()
    assert queue.wait(urgent, 60).state == "complete"
    assert lines("log").index("urgent") - lines("log").index("5000") <= 257
    assert queue.get(last).state == "pending"


def test_a_full_class_does_not_stand_before_another(queue: Queue, start: Start):
    start("--slots", "2")
    slow = [{"log": "slow", "name": str(n), "seconds": 100} for n in range(200)]
    queue.enqueue_many(Sleep, slow, max_parallel=1, priority=1)
    until(lambda: lines("slow"))
    fast = queue.enqueue_many(Quick, [{"log": "fast", "n": n} for n in range(20)])
    assert {record.state for record in queue.wait(fast, 60)} == {"complete"}
    assert lines("fast") == [str(n) for n in range(20)]
    assert len(lines("slow")) == 1


def test_q23_a_parent_names_the_child_that_failed_and_starts_anew(queue: Queue, start: Start):
    start("--slots", "3")
    parents = {how: queue.enqueue(Parent, how=how, log="log") for how in ("error", "inactive", "killed")}
    until(lambda: "child runs" in lines("log"))
    (child,) = queue.find({"parent": parents["killed"]})
    queue.kill(child.id)
    for how, parent in parents.items():
        record = queue.wait(parent, 60)
        assert record.state == "error"
        assert queue.children(parent) == {how: 1}
        (child,) = queue.find({"parent": parent})
        assert f"child {child.id} is {how}" in record.last_error

    Path("repaired").touch()
    for how, parent in parents.items():
        again = queue.restart(parent)
        assert again not in parents.values()
        record = queue.wait(again, 60)
        assert record.state == "complete", record.last_error
        assert record.parent == parent
        assert f"{again} 1" in lines("log")
        assert queue.children(again) == {"complete": 1}
        assert queue.count({"parent": parent, "args.how": how, "state": how}) == 1
