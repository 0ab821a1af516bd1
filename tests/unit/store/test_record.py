"""The record of runs: written while they run, read while they run and after they died."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gangline.errors import StoreError, UsageError
from gangline.store.database import MIGRATIONS, PACKAGE, QUERIES, connect, migrate
from gangline.store.queries import load_queries, load_text
from gangline.store.reader import Record
from gangline.store.record import RunRecord


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def start(**more: object) -> RunRecord:
    return RunRecord.start(program="p.py", argv=["p.py", "-j", "2"], backend="processes", engines=2, options=more)


def test_a_run_from_start_to_end() -> None:
    with start(keep_going=True, folder=Path("x")) as record:
        record.stage_started("align", total=3, fresh=1)
        first = record.task_added("align", "Job = [a -> b]", inputs=["a"], outputs=["b"], reason="b is missing")
        second = record.task_added("align", "Job = [c -> d]", inputs=["c"], outputs=["d"], waits_for="limit ftp")
        record.attempt_ended(first, number=1, outcome="ok", started_at=10.0, ended_at=11.0, engine=0, stdout="hello")
        record.task_ended(first, "ok")
        record.attempt_ended(second, number=1, outcome="lost", started_at=10.0, signal="SIGKILL")
        record.attempt_ended(
            second, number=2, outcome="error", started_at=12.0, exit_code=3, error="no", command="cp c d"
        )
        record.task_ended(second, "failed")
        record.stage_ended("align", "failed")
        record.end("failed", "1 task failed")
    with Record.open() as reader:
        run = reader.last_run()
        assert (run.program, run.argv, run.engines, run.outcome) == ("p.py", ["p.py", "-j", "2"], 2, "failed")
        assert run.options == {"keep_going": True, "folder": "x"}
        assert reader.run(run.id[:6]) == run
        (stage,) = reader.stages(run.id)
        assert (stage.total, stage.fresh, stage.done, stage.failed, stage.running) == (3, 1, 1, 1, 0)
        assert [task.outputs for task in reader.tasks(run.id)] == [["b"], ["d"]]
        assert [task.number for task in reader.tasks(run.id, outcome="ok", stage="align")] == [first]
        assert reader.task(run.id, first).reason == "b is missing"
        assert [task.number for task in reader.find_tasks(run.id, "d")] == [second]
        assert [task.number for task in reader.find_tasks(run.id, "a -> b")] == [first]
        assert len(reader.find_tasks(run.id, "align")) == 2
        assert [attempt.outcome for attempt in reader.attempts(run.id, second)] == ["lost", "error"]
        ((task, attempt),) = reader.failures(run.id)
        assert attempt is not None
        assert (task.number, attempt.exit_code, attempt.command) == (second, 3, "cp c d")
        with pytest.raises(UsageError, match="no task 9"):
            reader.task(run.id, 9)
        with pytest.raises(UsageError, match="no run in"):
            reader.run("zz")


def test_what_is_no_text_is_recorded_as_numbers() -> None:
    with start() as record:
        task = record.task_added("s", "Job = [\udcff]", outputs=["\udcff"], reason="\udcff is missing")
        record.attempt_ended(task, number=1, outcome="ok", stdout="\ud800 is half a letter")
        record.task_ended(task, "ok")
    assert record.trouble is None
    with Record.open() as reader:
        (row,) = reader.tasks(record.run_id)
        assert (row.outputs, row.reason, row.outcome) == (["\udcff"], "\\udcff is missing", "ok")
        assert reader.attempts(record.run_id, 1)[0].stdout == "\\ud800 is half a letter"


def test_tasks_that_a_run_has_left_undecided_are_cancelled() -> None:
    record = start()
    record.task_ended(record.task_added("align", "Job = [a -> b]"), "ok")
    record.task_started(record.task_added("align", "Job = [c -> d]"), started_at=1.0)
    record.task_added("align", "Job = [e -> f]")
    record.end("interrupted")
    with Record.open() as seen:
        assert [task.outcome for task in seen.tasks(record.run_id)] == ["ok", "cancelled", "cancelled"]


def test_a_run_that_raises_has_failed() -> None:
    with pytest.raises(KeyError), start():
        raise KeyError("x")
    with Record.open() as reader:
        assert (reader.last_run().outcome, reader.last_run().message) == ("failed", "'x'")


PROGRAM = """
import sys
from gangline.store.record import RunRecord
record = RunRecord.start(program="p.py")
task = record.task_added("s", "Job")
record.task_started(task, started_at=1.0)
while not __import__("os").path.exists("go"):
    print(record.run_id, flush=True)
    sys.stdin.readline()
"""


def test_a_run_is_running_while_it_lives_and_lost_when_it_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        run_id = process.stdout.readline().decode().strip()
        tasks = []
        while not tasks:
            try:
                with Record.open() as reader:
                    tasks = reader.tasks(run_id)
                    assert reader.run(run_id).outcome == "running"
            except (StoreError, UsageError):
                continue  # its first row is on its way
        process.kill()
        process.wait()
    with Record.open() as reader:
        assert reader.last_run().outcome == "lost"
        assert tasks[0].started_at == 1.0


def test_long_texts_keep_their_end() -> None:
    with start() as record:
        task = record.task_added("s", "Job")
        record.attempt_ended(task, number=1, outcome="error", stderr="x" * 300_000 + "the end")
    with Record.open() as reader:
        (attempt,) = reader.attempts(record.run_id, task)
    assert attempt.stderr.endswith("the end")
    assert attempt.stderr.startswith("[the first 37863 characters are left out]\n")


def test_nothing_was_run_yet() -> None:
    with pytest.raises(StoreError, match="nothing was run here yet"):
        Record.open()


def test_a_record_that_cannot_be_written_does_not_disturb_the_run() -> None:
    Path(".gangline").write_text("in the way", encoding="utf-8")
    with start() as record:
        record.task_ended(record.task_added("s", "Job"), "ok")
    assert record.trouble is not None
    assert "cannot be written" in record.trouble


@pytest.mark.parametrize(
    ("content", "message"), [(b"no database" * 99, "not an SQLite file"), (None, "another program")]
)
def test_a_file_that_is_no_record_is_left_alone(content: bytes | None, message: str) -> None:
    Path(".gangline").mkdir()
    path = Path(".gangline/record.db")
    if content is None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE customers (name)")
        connection.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with start() as record:
        record.task_added("s", "Job")
    assert record.trouble is not None
    assert message in record.trouble
    with pytest.raises(StoreError, match=message):
        Record.open()
    assert path.read_bytes() == before


def test_a_record_of_a_newer_version_is_refused() -> None:
    start().end("ok")
    connection = sqlite3.connect(".gangline/record.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer Gangline"):
        Record.open()


def schema(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: re.sub(r"\s+", " ", sql) for name, sql in rows}


def test_the_schema_is_the_sum_of_its_migrations(tmp_path: Path) -> None:
    connection = connect(str(tmp_path / "r.db"), writing=True)
    migrate(connection, "r.db")
    whole = sqlite3.connect(":memory:")
    whole.executescript(load_text(PACKAGE, "schema.sql"))
    assert schema(connection) == schema(whole)
    shipped = sorted(path.name for path in Path(load_text.__globals__["__file__"]).parent.glob("migrations/*.sql"))
    assert [name.partition("/")[2] for name in MIGRATIONS] == shipped
    whole.close()
    connection.close()


def test_every_query_is_understood_by_the_schema() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(load_text(PACKAGE, "schema.sql"))
    for statement in QUERIES.values():
        named = dict.fromkeys(re.findall(r":(\w+)", statement))
        count = 1 if "?1" in statement else statement.count("?")
        connection.execute(f"EXPLAIN {statement}", named or [None] * count)
    connection.close()


def test_queries_have_names() -> None:
    queries = load_queries("gangline.store", "record.sql")
    assert queries["end_stage"] == "UPDATE stages SET ended_at = ?, outcome = ? WHERE run = ? AND name = ?;"
