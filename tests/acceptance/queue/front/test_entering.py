"""Q8, Q9 and the forms in which jobs are entered."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from gangline.queue import JobExists, Queue, State, UsageError

NASTY = [
    "'; DROP TABLE jobs; --", '"; DELETE FROM jobs WHERE "1"="1', "%s %(x)s {0} :name ?1 $1 \\", "a\nb\tc", "é漢字🎉",
    "[red]x[/]",
]  # fmt: skip


def test_q8_an_equal_job_is_refused_until_the_first_is_final(queue: Queue) -> None:
    first = queue.enqueue("program.Work", number=1, b={"x": 1, "y": 2})
    for _ in range(2):
        with pytest.raises(JobExists) as caught:
            queue.enqueue("program.Work", b={"y": 2, "x": 1}, number=1)
        assert caught.value.job == first
        assert str(first) in str(caught.value)
    assert queue.enqueue("program.Work", number=1) != first
    assert queue.enqueue("program.Work", number=1, b={"x": 1, "y": 2}, unique=False) != first
    for end in (queue.kill, queue.remove):
        end(first)
        first = queue.enqueue("program.Work", number=1, b={"x": 1, "y": 2})


def test_q8_of_many_programs_that_enter_an_equal_job_at_once_one_does(queue: Queue, tmp_path: Path) -> None:
    numbers = [str(number) for number in range(40)]
    programs = [
        subprocess.Popen([sys.executable, "program.py", *numbers], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = [program.communicate()[0].splitlines() for program in programs]
    assert [program.returncode for program in programs] == [0] * 4
    for answers in zip(*said, strict=True):
        words = [answer.split()[0] for answer in answers]
        assert sorted(words) == ["entered", "exists", "exists", "exists"]
        assert len({answer.split()[1] for answer in answers}) == 1
    assert queue.count() == 40


@pytest.mark.parametrize("value", [{1, 2}, b"x", object(), math.nan, {3: 4}, "\0", "\ud800"])
def test_q9_arguments_that_are_no_json_are_refused_and_named(queue: Queue, value: object) -> None:
    with pytest.raises(UsageError, match=r"program\.Work: the argument number"):
        queue.enqueue("program.Work", number=value)
    with pytest.raises(UsageError, match=r"number\.deep\[1\]"):
        queue.enqueue("program.Work", number={"deep": [0, value]})
    assert queue.count() == 0


def test_arguments_of_17_megabytes_are_refused_and_those_of_8_come_back(queue: Queue) -> None:
    with pytest.raises(UsageError, match="17 MiB"):
        queue.enqueue("program.Work", text="x" * (17 * 2**20))
    text = "漢" * (2**23 // 3)
    assert queue.get(queue.enqueue("program.Work", text=text)).args == {"text": text}
    queue.store["big"] = text.encode()
    assert queue.store["big"] == text.encode()


@pytest.mark.parametrize("text", NASTY)
def test_sql_in_every_text_is_text(queue: Queue, text: str) -> None:
    number = queue.enqueue("program.Work", args={text: text}, tag=text, author=text, worker=text)
    job = queue.get(number)
    assert (job.args, job.tag, job.author, job.worker) == ({text: text}, text, text, (text,))
    assert queue.count({"tag": text, "author": {"$in": [text]}}) == 1
    assert queue.count({"tag": {"$ne": text}}) == 0
    queue.pause(host=text, reason=text)
    assert [(one.name, one.reason) for one in queue.paused()] == [(text, text)]
    assert queue.resume(host=text)
    queue.cookie("program.Work").set(text, text)
    assert queue.cookie("program.Work").get(text) == text
    queue.store[text] = text
    assert queue.store.keys(text) == [text]
    queue.schedule("program.Work", "* * * * *", name=text, args={text: text})
    assert [(one.name, one.args) for one in queue.schedules()] == [(text, {text: text})]
    assert text in str(queue.explain(number)) or queue.workers() == []
    assert queue.count() == 1


def test_a_class_of_the_program_itself(queue: Queue, run, tmp_path: Path) -> None:
    assert run("program.py", "1", "2", "1").stdout == "entered 1\nentered 2\nexists 1\n"
    job = queue.get(1)
    assert (job.name, job.folder) == ("program.Work", str(tmp_path))
    with pytest.raises(JobExists):
        queue.enqueue("program.Work", number=2)


def test_every_property_by_class_by_configuration_and_by_argument(queue: Queue, tmp_path: Path) -> None:
    (tmp_path / "levels.py").write_text(
        "from gangline.queue import DurableJob\n\n\n"
        "class ByClass(DurableJob):\n"
        "    priority, attempts, tag, max_parallel, force, author = 1, 2, 'class', 3, True, 'me'\n"
        "    defer_time = 11\n"
        "    def execute(self):\n        pass\n"
    )
    (tmp_path / "gangline.toml").write_text(
        '[queue.defaults]\nerror_time = 5\nattempts = 9\n[queue.jobs."levels.ByClass"]\npriority = 4\ntag = "file"\n'
    )
    with Queue() as configured:
        job = configured.get(configured.enqueue("levels.ByClass", tag="call", max_parallel_total=7))
    assert (job.priority, job.attempts, job.tag, job.max_parallel, job.max_parallel_total, job.force, job.author) == (
        4, 2, "call", 3, 7, True, "me",
    )  # fmt: skip
    assert (job.properties["error_time"], job.properties["defer_time"]) == (5, 11)


def test_many_at_once(queue: Queue) -> None:
    ids = queue.enqueue_many("program.Work", ({"number": number} for number in range(10_000)))
    assert len(set(ids)) == 10_000
    assert ids == sorted(ids)
    assert queue.count({"args.number": {"$gte": 9_990}}) == 10
    assert queue.counts() == {State.PENDING: 10_000}


def test_the_record_has_every_field_of_the_table(queue: Queue) -> None:
    data = queue.get(queue.enqueue("program.Work", number=1)).to_json()
    json.dumps(data)
    fields = {
        "id", "name", "args", "hash", "state", "trial", "attempts_left", "enqueued", "query_at", "started_at",
        "finished_at", "runtime", "locked", "prog", "last_error", "sources", "killed_at", "removed_at", "wall_at",
        "inactive_at",
    }  # fmt: skip
    assert fields <= data.keys()
    assert data["enqueued"].keys() == {"at", "host", "user", "parent"}
