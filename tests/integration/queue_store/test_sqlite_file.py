"""A queue in a file: what is wrong with files, who holds them, and how jobs are found in them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gangline.errors import StoreError, StoreUnavailable, UsageError
from gangline.store.jobs import open_store
from gangline.store.jobs.port import Ending
from gangline.store.jobs.sqlite import opening
from gangline.store.jobs.sqlite.statements import STATEMENTS
from gangline.store.queries import load_text
from tests.integration.queue_store.support import end, new, row, take, take_one, worker


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


def filled(path: Path) -> None:
    store = open_store(str(path))
    store.add([new() for _ in range(200)])
    store.close()


def test_names_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url, file in [
        ("", ".gangline/queue.db"), ("a.db", "a.db"), ("sqlite:///b/c.db", "b/c.db"),
        (f"sqlite:///{tmp_path}/d.db", "d.db"),
        ("sqlite:///odd%20%25%3f%23name.db", "odd %?#name.db"), ("e?f#g%20.db", "e?f#g%20.db"),
        ("sqlite:///h.db?synchronous=full", "h.db"),
    ]:  # fmt: skip
        store = open_store(url)
        assert store.url == f"sqlite:///{tmp_path / file}"
        store.add([new()])
        store.close()
        assert (tmp_path / file).stat().st_size > 0
    for url in ("sqlite://a.db", "sqlite:///", "mysql://x/y", "sqlite:///a.db?x=1", "sqlite:///a.db?synchronous=no"):
        with pytest.raises(UsageError, match="queue"):
            open_store(url)


def test_a_power_cut_loses_nothing_if_that_is_asked_for(path: Path) -> None:
    for url, expected in ((str(path), 1), (f"sqlite:///{path}?synchronous=full", 2)):
        store = open_store(url)
        connection = store.connect()
        assert connection.execute("PRAGMA synchronous").fetchone() == (expected,)
        connection.close()
        store.close()


def test_what_is_no_file_of_sqlite(path: Path) -> None:
    path.write_bytes(b"This is my thesis. " * 1000)
    with pytest.raises(StoreError, match=r"queue\.db.*not an SQLite file"):
        open_store(str(path))
    assert path.read_bytes().startswith(b"This is my thesis.")


def test_another_programs_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE jobs (id INTEGER)")
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        open_store(str(path))


def test_a_damaged_file(path: Path) -> None:
    filled(path)
    data = bytearray(path.read_bytes())
    data[4096:-4096] = os.urandom(len(data) - 8192)
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"damaged"), contextlib.closing(open_store(str(path))) as store:
        store.find()


def test_a_newer_schema_is_refused(path: Path) -> None:
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 77")
    connection.close()
    known = len(opening.MIGRATIONS)
    with pytest.raises(StoreError, match=rf"version 77.*versions up to {known}"):
        open_store(str(path))


def test_an_older_schema_is_brought_up_to_date_beside_a_copy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    later = (*opening.MIGRATIONS, "a later one")
    texts = {"a later one": "CREATE TABLE later (x INTEGER)"}
    monkeypatch.setattr(opening, "load_text", lambda package, file: texts.get(file) or load_text(package, file))
    connection = opening.connect(str(path))
    opening.migrate(connection, str(path), later)
    assert connection.execute("SELECT count(*) FROM later").fetchone() == (0,)
    opening.migrate(connection, str(path), later)
    connection.close()
    with pytest.raises(StoreError, match="version 2"):
        open_store(str(path))
    copy = open_store(f"{path}.v1-backup")
    assert copy.count() == 200
    copy.close()


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    monkeypatch.setattr(
        opening, "load_text", lambda package, file: "CREATE TABLE later (x INTEGER);\nCREATE TABLE jobs (x)"
    )
    connection = opening.connect(str(path))
    with pytest.raises(sqlite3.OperationalError):
        opening.migrate(connection, str(path), (*opening.MIGRATIONS, "broken"))
    connection.close()
    store = open_store(str(path))
    assert store.count() == 200
    store.close()


def test_the_schema_is_the_sum_of_its_migrations() -> None:
    shipped = sorted(Path(opening.__file__).parent.glob("migrations/*.sql"))
    assert [f"sqlite/migrations/{one.name}" for one in shipped] == list(opening.MIGRATIONS)


def test_every_statement_is_understood(path: Path) -> None:
    store = open_store(str(path))
    connection = store.connect()
    for name, statement in STATEMENTS.items():
        if name in ("job_columns", "job_tables", "in_queue"):
            continue
        named = dict.fromkeys(re.findall(r":(\w+)", statement))
        count = max(map(int, re.findall(r"\?(\d+)", statement)), default=statement.count("?"))
        connection.execute(f"EXPLAIN {statement}", named or [None] * count)
    connection.close()
    store.close()


HOT = [
    "look", "promote", "head_of_lane", "claim_head", "claim_job", "complete_job", "find_claim", "end_job",
    "answer_needs", "release_held", "find_unique", "ready_lanes", "count_running", "list_orders", "find_expired",
    "renew_leases", "find_job", "tell_progress", "list_output", "last_output", "give_back", "find_equal",
    "existing_jobs", "find_worker", "kill_waiting",
]  # fmt: skip


@pytest.mark.parametrize("name", HOT)
def test_what_workers_do_never_walks_over_all_jobs(path: Path, name: str) -> None:
    store = open_store(str(path))
    connection = store.connect()
    statement = STATEMENTS[name]
    named = dict.fromkeys(re.findall(r":(\w+)", statement))
    numbered = max(map(int, re.findall(r"\?(\d+)", statement)), default=statement.count("?"))
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}", named or [None] * numbered).fetchall()
    connection.close()
    store.close()
    steps = [step for *_, step in plan]
    assert steps
    for step in steps:
        by_index = re.search(r"USING (COVERING )?INDEX jobs_(ready|waiting|orders)", step)
        assert by_index or not re.match(r"SCAN (jobs|j|needs|n|errors|output)\b", step), steps
        if name in ("head_of_lane", "claim_head"):
            assert "TEMP B-TREE" not in step, steps


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system of 2 MB")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system of 2 MB can be mounted: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk(tiny_disk: Path) -> None:
    store = open_store(str(tiny_disk / "q.db"))
    sizes: list[int] = []

    def enter() -> None:
        while len(sizes) < 100:
            sizes.append(len(store.add([new(args={"x": "y" * 1000, "n": one}, unique=False) for one in range(100)])))

    with pytest.raises(StoreUnavailable, match="disk is full"):
        enter()
    entered = sum(sizes)
    assert entered > 100
    assert store.count() == entered
    store.close()
    again = open_store(str(tiny_disk / "q.db"))
    assert again.count() == entered
    again.close()


def test_a_file_that_may_not_be_written(path: Path, request: pytest.FixtureRequest) -> None:
    if os.geteuid() == 0:  # for whom only the file system itself can be read-only
        disk: Path = request.getfixturevalue("tiny_disk")
        path = disk / "queue.db"
        filled(path)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    else:
        filled(path)
        path.chmod(0o444)
        path.parent.chmod(0o555)
    try:
        with pytest.raises(StoreError, match=r"read-only|may be entered and written"):
            open_store(str(path)).pause("queue")
    finally:
        if os.geteuid() != 0:
            path.parent.chmod(0o755)


def test_a_writer_who_takes_his_time_is_waited_for(path: Path) -> None:
    store = open_store(str(path))
    slow = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    slow.execute("BEGIN IMMEDIATE")
    slow.execute("INSERT INTO pauses VALUES ('host', 'x', 0, '')")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.add, [new()])
        assert store.count() == 0  # who only reads does not wait
        threading.Timer(0.2, slow.execute, ["COMMIT"]).start()
        assert len(waiting.result()) == 1
    slow.close()
    store.close()


def test_a_reader_who_takes_his_time_holds_up_nobody(path: Path) -> None:
    store = open_store(str(path))
    store.add([new() for _ in range(50)])
    slow = sqlite3.connect(path, isolation_level=None)
    slow.execute("BEGIN")
    assert slow.execute("SELECT count(*) FROM jobs").fetchone() == (50,)
    uid = worker(store)
    for _ in range(20):
        end(store, uid, take_one(store, uid))
    assert slow.execute("SELECT count(*) FROM jobs WHERE state = 'complete'").fetchone() == (0,)
    slow.close()
    assert store.count(journal=True) == 20
    store.close()


def test_patience_has_an_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(str(path))
    monkeypatch.setattr(opening, "PATIENCE_S", 0.05)
    slow = sqlite3.connect(path, isolation_level=None)
    slow.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="held"):
        store.add([new()])
    slow.execute("ROLLBACK")
    slow.close()
    assert len(store.add([new()])) == 1
    store.close()


def test_a_fork_has_connections_of_its_own(path: Path) -> None:
    store = open_store(str(path))
    store.add([new()])
    program = os.fork()
    if program == 0:
        status = 1
        try:
            store.reopen()
            store.add([new(), new()])
            store.wait_for_change(0.01)
            store.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(program, 0)[1] == 0
    assert store.count() == 3
    uid = worker(store)
    assert len(take(store, uid, 5)) == 3
    store.close()


def test_a_network_file_system_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mounts = tmp_path / "mounts"
    share = "/home/my\\040share"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nhost:/x {share} nfs4 rw 0 0\ntmpfs {share}/local tmpfs rw 0 0\n")
    assert opening.warn_of_network("/home/my share/q.db", str(mounts)) == "nfs4"
    assert "PostgreSQL" in caplog.text
    for path in ("/home/q.db", "/home/my share/local/q.db", "/home/my sharer/q.db"):
        assert opening.warn_of_network(path, str(mounts)) is None
    assert opening.warn_of_network("/q.db", "/nonexistent") is None


def test_an_interrupt_in_the_midst_leaves_the_connection_usable(path: Path) -> None:
    store = open_store(str(path))

    def jobs() -> Iterator[object]:
        raise KeyboardInterrupt

    class Interrupting(list):  # type: ignore[type-arg]
        def __iter__(self) -> Iterator[object]:
            return jobs()

    with pytest.raises(KeyboardInterrupt):
        store.add(Interrupting([new()]))
    assert len(store.add([new()])) == 1
    store.close()


def test_a_file_that_was_deleted_is_told_of(path: Path) -> None:
    store = open_store(str(path))
    store.close()
    shutil.rmtree(path.parent)
    path.parent.mkdir()
    path.parent.chmod(0o755)
    again = open_store(str(path))
    assert again.count() == 0
    again.close()


def test_finish_within_wants_a_connection(path: Path) -> None:
    store = open_store(str(path))
    uid = worker(store)
    store.add([new()])
    claim = take_one(store, uid)
    with pytest.raises(UsageError, match="SQLite"):
        store.finish_within("connection", Ending(claim.id, claim.fence, "complete"))
    assert row(store, claim.id).finished_at is None
    store.close()
