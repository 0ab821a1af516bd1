"""`gangline queue ...`: what is printed, and how it exits."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from gangline.cli.main import gangline
from gangline.cli.queue.group import QUEUE_COMMANDS, QueueTable
from gangline.cli.queue.options import span
from gangline.errors import UsageError
from gangline.queue import Queue
from gangline.store.jobs.port import Ending, OutputLine
from tests.integration.queue_front.running import Hands

Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """Call a command in a folder with the module `shop`; it must end with exit code `exits`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GANGLINE_QUEUE_URL", raising=False)
    monkeypatch.delenv("GANGLINE_QUEUE_CONFIG", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    shutil.copy(Path(__file__).parents[2] / "queue" / "shop.py", tmp_path)

    def call(*words: str, exits: int = 0, text: str | None = None) -> Result:
        result = CliRunner().invoke(gangline, ["queue", *words], input=text)
        assert result.exit_code == exits, result.output
        return result

    yield call
    sys.modules.pop("shop", None)


@pytest.fixture
def queue(call: Call) -> Iterator[Queue]:
    with Queue() as queue:
        yield queue


@pytest.mark.parametrize("name", QUEUE_COMMANDS)
def test_every_command_is_where_the_table_says(name: str) -> None:
    group = QueueTable()
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert command.name == name
    assert (command.help or "").splitlines()[0] == QUEUE_COMMANDS[name].help
    options = {word for option in command.params for word in option.opts}
    assert {"--output", "--queue"} <= options


def test_entering(call: Call) -> None:
    result = call("enqueue", "shop.Add", "a=1", 'b={"c": [1, null]}', "-p", "priority=5", "-p", "tag=mine")
    assert result.stdout == "1\n"
    assert "entered 1 job of shop.Add into sqlite:///" in result.stderr
    data = json.loads(call("show", "1", "--output", "json").stdout)
    assert (data["args"], data["priority"], data["tag"]) == ({"a": 1, "b": {"c": [1, None]}}, 5, "mine")
    assert "job 1 is equal" in call("enqueue", "shop.Add", 'b={"c": [1, null]}', "--args", '{"a": 1}', exits=2).stderr
    again = call("enqueue", "shop.Add", "a=1", 'b={"c":[1,null]}', "--again", "--delay", "1h", "--output", "json")
    assert json.loads(again.stdout)["jobs"] == [2]
    assert call("enqueue", "shop.Add", "a=text", "--output", "quiet").output == ""
    assert json.loads(call("show", "3", "--output", "json").stdout)["args"] == {"a": "text"}
    assert json.loads(call("show", "2", "--output", "json").stdout)["query_at"]


def test_entering_many(call: Call) -> None:
    lines = "\n".join(json.dumps({"a": n}) for n in range(20))
    assert call("enqueue", "shop.Add", "b=2", "--many", "-", text=f"{lines}\n\n").stdout == "1 ... 20\n"
    assert "more" in call("list", "--limit", "5").stdout
    assert json.loads(call("list", "--output", "json").stdout)["total"] == 20
    assert "line 2 is no JSON" in call("enqueue", "shop.Add", "--many", "-", text="{}\n{\n", exits=2).stderr
    assert "line 1 is no JSON object" in call("enqueue", "shop.Add", "--many", "-", text="[1]\n", exits=2).stderr
    assert call("enqueue", "shop.Add", "--many", "-", text="").stdout == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("shop.Ad",), "shop has no class 'Ad'; did you mean 'Add'?"),
        (("Add",), "write 'module.Class'"),
        (("shop.Add", "a"), "the argument 'a': write NAME=VALUE"),
        (("shop.Add", "a=1", "a=2"), "given twice"),
        (("shop.Add", "a=1", "--args", '{"a": 1}'), "given twice, once in --args"),
        (("shop.Add", "--args", "[1]"), "--args is to be a JSON object"),
        (("shop.Add", "--args", "{"), "--args is no JSON"),
        (("shop.Add", "-p", "prio=1"), "no property 'prio'; did you mean 'priority'"),
        (("shop.Add", "-p", "priority=x"), "priority is 'x', but must be a whole number"),
        (("shop.Add", "--delay", "soon"), "no span of time"),
        (("shop.Add", "--parent", "77"), "77"),
        (("shop.Add", "--queue", "mysql://x"), "mysql"),
    ],
)
def test_what_cannot_be_entered(call: Call, words: tuple[str, ...], message: str) -> None:
    assert message in call("enqueue", *words, exits=2).stderr


def test_a_class_that_is_elsewhere(call: Call) -> None:
    result = call("enqueue", "nowhere.Thing", "a=1")
    assert result.stdout == "1\n"


def test_what_only_reads_makes_no_queue(call: Call, tmp_path: Path) -> None:
    for words in (("list",), ("stats",), ("kill", "1"), ("pause",), ("list", "--queue", "sqlite:///no.db")):
        assert "there is no queue in" in call(*words, exits=2).stderr
    assert not (tmp_path / ".gangline").exists()
    assert not (tmp_path / "no.db").exists()


def test_lists(call: Call, queue: Queue) -> None:
    for n in range(3):
        queue.enqueue("shop.Add", a=n, tag="odd" if n % 2 else "even", priority=n)
    queue.enqueue("shop.Report", hidden=True)
    hands = Hands(queue)
    (claim,) = hands.take()
    queue.database.tell(claim.id, claim.fence, progress=0.25, message="a quarter")
    table = call("list").stdout.splitlines()
    assert table[0].split()[:4] == ["id", "class", "arguments", "state"]
    assert [line.split()[0] for line in table[1:]] == ["1", "2", "3"]
    assert "on here 25 % a quarter" in table[3]

    def listed(*words: str) -> list[int]:
        return [job["id"] for job in json.loads(call("list", "--output", "json", *words).stdout)["jobs"]]

    assert listed("--hidden") == [1, 2, 3, 4]
    assert listed("--tag", "even", "--order", "-priority") == [3, 1]
    assert listed("--state", "running", "--state", "error") == [3]
    assert listed("--class", "shop.Report", "--hidden") == [4]
    assert listed("--filter", '{"args.a": {"$gte": 1}}', "--limit", "1") == [2]
    hands.end(Ending(claim.id, claim.fence, "complete", runtime_s=2))
    assert listed() == [1, 2]
    assert listed("--journal") == listed("--state", "complete") == [3]
    assert listed("--all") == [1, 2, 3]
    assert "took 2.0 s" in call("list", "--journal").stdout
    assert "--all shows" in call("list", "--tag", "none").stdout
    assert "--filter is no JSON" in call("list", "--filter", "{", exits=2).stderr
    assert "JSON object" in call("list", "--filter", "[]", exits=2).stderr


def test_all_about_a_job(call: Call, queue: Queue) -> None:
    job = queue.enqueue("shop.Add", a=1, attempts=2, worker="hands", tag="mine", wall_time=60)
    hands = Hands(queue)
    (claim,) = hands.take()
    queue.database.tell(
        job, claim.fence, progress=0.5, message="half",
        output=[OutputLine("stdout", 1.0, "printed\ntwice\n"), OutputLine("warning", 2.0, "careful [bold]")],
        sources=["in.csv"],
    )  # fmt: skip
    queue.enqueue("shop.Add", a=2, parent=job)
    hands.end(Ending(job, claim.fence, "failed", error="Traceback\nValueError: no [red]\n", wait_s=60))
    shown = call("show", str(job)).stdout
    for words in (
        "job 1  shop.Add  failed", "argument a", "in.csv", "1 of 2 left", "only on workers", "trial 1 failed on here:",
        "ValueError: no [red]", "children", "1 pending", "wall_time", "mine", "runs from", "50.0 %  half",
    ):  # fmt: skip
        assert words in shown
    assert json.loads(call("show", str(job), "--output", "json").stdout)["children"] == {"pending": 1}
    assert call("logs", str(job)).stdout == "printed\ntwice\nWARNING careful [bold]\n"
    assert call("logs", str(job), "--trial", "2").stdout == ""
    timed = call("logs", str(job), "--times").stdout.splitlines()
    assert timed[0].endswith(" stdout   printed")
    data = json.loads(call("logs", str(job), "--output", "json").stdout)
    assert [piece["stream"] for piece in data["output"]] == ["stdout", "warning"]
    assert "has written nothing" in call("logs", "2").stderr
    assert "its last attempt has failed" in call("explain", str(job)).stdout
    reasons = json.loads(call("explain", str(job), "--output", "json").stdout)["reasons"]
    assert reasons[0]["kind"] == "Waits"
    assert "no job 9" in call("show", "9", exits=2).stderr


def test_following_the_output_of_a_job(call: Call, queue: Queue) -> None:
    job = queue.enqueue("shop.Add", a=1)
    hands = Hands(queue)
    (claim,) = hands.take()
    hands.end(Ending(job, claim.fence, "complete", output=(OutputLine("stdout", 1.0, "end\n"),)))
    assert call("logs", str(job), "--follow").stdout == "end\n"


def test_orders(call: Call, queue: Queue) -> None:
    for n in range(3):
        queue.enqueue("shop.Add", a=n)
    result = call("kill", "1", "9", "2", exits=2)
    assert result.stdout == "job 1 is killed\njob 2 is killed\n"
    assert "no job 9" in result.stderr
    assert "job 1 cannot be killed: it is killed already" in call("kill", "1", exits=2).stderr
    assert call("restart", "1").stdout == "job 1 runs again as job 4\n"
    data = json.loads(call("restart", "2", "4", "--output", "json", exits=2).stdout)
    assert data["done"] == [{"job": 2, "new": 5}]
    assert data["refused"][0]["job"] == 4
    Hands(queue).take()
    assert call("kill", "3").stdout == "job 3 runs, and its worker is told to end it\n"
    assert call("remove", "3", "--kill").stdout == "job 3 runs, and is removed when it has ended\n"
    assert call("remove", "5").stdout == "job 5 is removed\n"
    assert "deleted the records of 3 jobs" in call("purge", "--older-than", "0s", "--state", "killed").stdout
    assert call("halt", "hands").stdout.startswith("hands takes no more jobs")
    assert "there are: hands" in call("halt", "nobody", exits=2).stderr


def test_waiting(call: Call, queue: Queue) -> None:
    job = queue.enqueue("shop.Add", a=1)
    assert "is pending after 0.05 s" in call("wait", str(job), "--timeout", "0.05", exits=1).stderr
    Hands(queue).run()
    assert "complete" in call("wait", str(job)).stdout
    other = queue.enqueue("shop.Add", a=2)
    queue.kill(other)
    assert "killed" in call("wait", str(job), str(other), exits=1).stdout


def test_pauses_and_stats(call: Call, queue: Queue) -> None:
    queue.enqueue("shop.Add", a=1)
    assert "no worker; start one" in call("stats").stdout
    assert "the whole queue is paused since" in call("pause").stdout
    assert "the class shop.Add is paused" in call("pause", "--class", "shop.Add", "--reason", "tests").stdout
    assert "not both at once" in call("pause", "--class", "shop.Add", "--host", "x", exits=2).stderr
    Hands(queue)
    shown = call("stats").stdout
    for words in ("in the queue: 1 pending", "in the journal: nothing", "tests", "hands", "0 of 4"):
        assert words in shown
    data = json.loads(call("stats", "--output", "json").stdout)
    assert data["jobs"]["pending"] == 1
    assert {one["scope"] for one in data["paused"]} == {"queue", "class"}
    assert data["workers"][0]["name"] == "hands"
    call("resume")
    assert call("resume", "--class", "shop.Add").stdout == "nothing is paused\n"
    assert "the whole queue was not paused" in call("resume").stderr


def test_schedules(call: Call) -> None:
    assert call("schedule").stdout == "no schedules\n"
    table = call("schedule", "shop.Report", "kind=weekly", "--timezone", "Europe/Berlin", "-p", "priority=3").stdout
    assert "*/5 * * * *" in table
    assert "kind=weekly" in table
    assert "never" in table
    call("schedule", "shop.Add", "0 3 * * *", "a=1", "--name", "nightly", "--missed", "none")
    rows = json.loads(call("schedule", "--output", "json").stdout)["schedules"]
    assert [(row["name"], row["missed"], row["args"]) for row in rows] == [
        ("shop.Report", "all", {"kind": "weekly"}), ("nightly", "none", {"a": 1}),
    ]  # fmt: skip
    assert "2 schedules, the next is shop.Report" in call("stats").stdout
    call("schedule", "--remove", "nightly")
    assert "there is no schedule 'nightly'" in call("schedule", "--remove", "nightly", exits=2).stderr
    assert "this has 3" in call("schedule", "shop.Add", "* * *", exits=2).stderr
    assert "has no schedule" in call("schedule", "shop.Add", exits=2).stderr


def test_the_variable_names_the_queue(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANGLINE_QUEUE_URL", "sqlite:///other.db")
    call("enqueue", "shop.Add", "a=1")
    assert (tmp_path / "other.db").exists()
    assert "shop.Add" in call("list").stdout


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1.5h", 5400), ("15min", 900), ("15m", 900), ("7d", 604800)]
)
def test_spans(text: str, seconds: float) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "5x", "1 h 5", "--"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(UsageError, match="no span of time"):
        span(text)
