"""Q6, Q7, Q14, Q15 and Q17 as far as no worker is needed, by command and by call."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gangline.queue import Queue, State, UsageError
from gangline.queue.schedules import due_times, first_after
from gangline.store.jobs.port import Ending
from tests.integration.queue_front.running import Hands, distant_times


def test_q6_kill_a_pending_a_deferred_and_a_finished_job(queue: Queue, command) -> None:
    pending = queue.enqueue("program.Work", number=1)
    later = queue.enqueue("program.Work", number=2, delay=3600)
    assert queue.kill(pending) is State.KILLED
    assert f"job {later} is killed" in command("kill", str(later))
    for job in (pending, later):
        with pytest.raises(UsageError, match="killed"):
            queue.kill(job)
    done = queue.enqueue("program.Work", number=3)
    Hands(queue).run()
    assert "complete" in command("kill", str(done), exits=2)


def test_q7_restart_gives_a_new_job_with_the_old_one_as_its_parent(queue: Queue) -> None:
    hands = Hands(queue)
    killed = queue.enqueue("program.Work", number=1, tag="mine", priority=3)
    queue.kill(killed)
    done = queue.enqueue("program.Work", number=2)
    hands.run()
    failed = queue.enqueue("program.Work", number=3)
    (claim,) = hands.take()
    hands.end(Ending(claim.id, claim.fence, "failed", error="no"))
    assert queue.get(failed).state == "error"
    for old in (killed, done, failed):
        new = queue.restart(old)
        job = queue.get(new)
        assert new > old
        assert (job.parent, job.state, job.trial, job.args) == (old, "pending", 0, queue.get(old).args)
        assert queue.get(old).journaled
    assert queue.find({"parent": killed})[0].tag == "mine"


def test_q7_remove_while_it_runs(queue: Queue, command) -> None:
    job = queue.enqueue("program.Work", number=1)
    hands = Hands(queue)
    (claim,) = hands.take()
    assert "is removed when it has ended" in command("remove", str(job))
    assert queue.get(job).state == "running"
    hands.end(Ending(job, claim.fence, "complete"))
    record = queue.get(job)
    assert (record.state, record.journaled) == ("complete", True)
    assert record.removed_at is not None


RACE = """
from gangline.queue import Queue
from gangline.queue.schedules import fire_due
with Queue() as queue:
    print("ready", flush=True)
    input()
    for _ in range(20):
        fire_due(queue.database)
"""


@pytest.mark.parametrize("missed", ["one", "all", "none"])
def test_q14_each_time_once_with_three_at_work_and_after_two_hours_down(
    queue: Queue, tmp_path: Path, missed: str
) -> None:
    (tmp_path / "race.py").write_text(RACE)
    queue.schedule("program.Work", distant_times(), missed=missed)
    (row,) = queue.database.schedules()
    now = queue.database.now()
    due_at = first_after(row.line, "", now - 7200)
    queue.database.remove_schedule(row.id)
    queue.database.add_schedule(row.name, row.line, row.timezone, row.missed, row.job, due_at)
    expected = due_times(row.line, "", due_at, now, missed).times
    assert len(expected) == {"one": 1, "all": 10, "none": 0}[missed]
    command = [sys.executable, "race.py"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen(command, cwd=tmp_path, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * 3
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    assert [racer.communicate()[0] for racer in racers] == [""] * 3
    assert [racer.returncode for racer in racers] == [0] * 3
    assert sorted(job.properties["due_at"] for job in queue.find()) == list(expected)


def test_q15_a_job_says_for_what_it_waits(queue: Queue, command) -> None:
    a = queue.enqueue("program.Work", number=1)
    b = queue.enqueue("program.Work", number=2)
    d = queue.enqueue("program.Work", number=3, dependency=[a, b])
    hands = Hands(queue)
    hands.run()
    assert command("explain", str(d)) == (
        f"job {d} (program.Work) is pending:\n  it waits for job {b}, which is pending\n"
    )
    hands.run()
    assert "nothing keeps it" in command("explain", str(d))
    hands.run()
    assert queue.get(d).state == "complete"


def test_q17_what_is_paused_starts_nothing_and_is_shown(queue: Queue, command) -> None:
    job = queue.enqueue("program.Work", number=1)
    hands = Hands(queue, host="mars")
    for words, shown in (
        ((), "the whole queue"),
        (("--class", "program.Work"), "the class program.Work"),
        (("--host", "mars"), "the host mars"),
    ):
        assert f"{shown} is paused since" in command("pause", *words, "--reason", "care")
        assert hands.take() == []
        assert "care" in command("stats")
        assert "(care)" in command("explain", str(job))
        assert command("resume", *words) == "nothing is paused\n"
    assert len(hands.take()) == 1


def test_q23_a_parent_sees_which_child_failed_and_starts_anew_after_a_restart(queue: Queue) -> None:
    parent = queue.enqueue("program.Work", number=1)
    children = [queue.enqueue("program.Work", number=n, parent=parent) for n in (2, 3, 4)]
    queue.kill(children[1])
    counts = queue.children(parent)
    assert counts == {State.PENDING: 2, State.KILLED: 1}
    assert (counts.unfinished, counts.unsuccessful) == (2, 1)
    where = {"parent": parent, "state": {"$in": ["error", "inactive", "killed"]}}
    assert [job.id for job in queue.find(where, journal=None)] == [children[1]]
    queue.kill(parent)
    again = queue.restart(parent)
    assert queue.get(again).trial == 0
    queue.enqueue("program.Work", number=5, parent=again)
    assert queue.children(again) == {State.PENDING: 1}


def test_all_commands_speak_json(queue: Queue, command) -> None:
    queue.enqueue("program.Work", number=1)
    for words in (
        ["list"], ["show", "1"], ["logs", "1"], ["explain", "1"], ["stats"], ["pause"], ["resume"], ["schedule"],
        ["schedule", "program.Work", "0 * * * *"], ["enqueue", "program.Work", "number=2"], ["kill", "2"],
        ["restart", "2"], ["remove", "3"], ["purge", "--older-than", "1d"],
    ):  # fmt: skip
        assert isinstance(json.loads(command(*words, "--output", "json")), dict), words
        if words[0] in ("list", "show", "stats"):
            assert command(*words, "--output", "quiet") == ""
