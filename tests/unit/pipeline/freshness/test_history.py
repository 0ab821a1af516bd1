"""The history's file: what is in it when, who may write it, and what is wrong with it in words."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gangline.errors import StoreError
from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.levels import Level
from gangline.pipeline.freshness.lock import Lock
from gangline.pipeline.freshness.value import Value, encode

FILE = ".ruffus_history.sqlite"
VALUE = Value(1000.5, "p" * 32, "f" * 32)
OTHER = Value(2000.5, "q" * 32, "g" * 32)

HOLD = """
import sys
from gangline.pipeline.freshness.history import History
with History.open(None) as history:
    print("holding", flush=True)
    sys.stdin.readline()
"""

NOBODY = 65534
"""An account without rights."""


def entries(file: str = FILE) -> list[str]:
    connection = sqlite3.connect(file)
    try:
        return sorted(key for (key,) in connection.execute("SELECT key FROM data"))
    finally:
        connection.close()


def test_what_ended_well_is_there_the_next_time() -> None:
    with History.open(None) as history:
        history.begin(["b"])
        history.end_well(["b"], {"b": VALUE})
    with History.open(None, writing=False) as history:
        assert history.mtimes == {"b": 1000.5}
        assert history.sums("b") == ("p" * 32, "f" * 32)
        assert history.begun == set()


def test_what_was_begun_is_out_of_the_file_before_the_job_starts() -> None:
    with History.open(None) as history:
        history.end_well([], {"b": VALUE, "c": VALUE})
        history.begin(["b"])
        assert entries() == ["c"]
        assert history.begun == {"b"}
        history.end_well(["b"], {"b": OTHER})
        history.flush()
        assert entries() == ["b", "c"]


def test_what_failed_stays_out_and_is_known_to_be_half_made() -> None:
    with History.open(None) as history:
        history.end_well([], {"b": VALUE})
        history.begin(["b"])
        history.end_badly(["b"])
    with History.open(None) as history:
        assert history.mtimes == {}
        assert history.begun == {"b"}


def test_what_was_not_started_is_as_it_was() -> None:
    with History.open(None) as history:
        history.end_well([], {"b": VALUE})
        history.begin(["half"])
        history.end_badly(["half"])
    with History.open(None) as history:
        history.begin(["b", "new", "half"])
        history.put_back(["b", "new", "half"])
        assert history.mtimes == {"b": 1000.5}
    with History.open(None) as history:
        assert history.mtimes == {"b": 1000.5}
        assert history.begun == {"half"}


def test_an_output_of_two_jobs_is_whole_when_both_have_ended() -> None:
    with History.open(None) as history:
        history.begin(["log"])
        history.begin(["log"])
        history.end_well(["log"], {"log": VALUE})
        assert history.begun == {"log"}
        history.end_well(["log"], {"log": VALUE})
        assert history.begun == set()


def test_a_reader_makes_nothing() -> None:
    with History.open(None, writing=False) as history:
        assert history.mtimes == {}
    assert os.listdir() == []


def test_a_reader_does_not_mind_a_writer() -> None:
    with History.open(None) as writer:
        writer.end_well([], {"b": VALUE})
        writer.flush()
        program = "from gangline.pipeline.freshness.history import History\n"
        program += "print(dict(History.open(None, writing=False).mtimes))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'b': 1000.5}"


def test_level_0_leaves_no_history_and_nothing_when_nothing_is_begun(folder: Path) -> None:
    with History.open(None, Level.TIMES) as history:
        history.flush()
    assert os.listdir() == []
    with History.open(None, Level.TIMES) as history:
        history.begin(["b", "c"])
        history.end_well(["c"], {"c": VALUE})
    assert not os.path.exists(FILE)
    with History.open(None, Level.TIMES, writing=False) as history:
        assert history.begun == {"b"}


def test_level_0_works_where_nothing_can_be_written(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    Path(".gangline").write_text("a file stands where the folder would be", encoding="utf-8")
    with History.open(None, Level.TIMES) as history:
        history.begin(["b"])
        history.end_well(["b"], {"b": VALUE})
    assert "will not be recognised as half-made" in caplog.text


def test_a_second_run_is_told_who_holds_the_history() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(
            StoreError, match=rf"in use by another run \(process {other.pid} on .* since .*history_file="
        ) as busy:
            History.open(None)
        assert busy.value.retryable
        waiting = threading.Timer(0.1, other.communicate, [b"\n"])
        waiting.start()
        with History.open(None, wait_s=60):
            pass
        waiting.join()
    assert not os.path.exists(f"{FILE}.lock")


def test_a_run_that_was_killed_holds_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
        other.wait()
    with History.open(None):
        pass


DYING = """
import os, sys, time
from gangline.pipeline.freshness.history import History
with History.open(None) as history:
    if os.fork() == 0:  # as for a moment whenever a program is started
        while not os.path.exists("go on"):
            time.sleep(0.01)
        os._exit(0)
    print("holding", flush=True)
    sys.stdin.readline()
"""


def test_a_process_that_a_run_was_starting_when_it_was_killed_is_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", DYING], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreError, match="in use by another run"):
            History.open(None)
        other.kill()
        other.wait()
        going = threading.Timer(0.2, Path("go on").touch)
        going.start()
        with History.open(None):
            assert Path("go on").exists()
        going.join()


def test_what_a_run_that_died_has_left_in_the_lock_does_not_hide_who_holds_it() -> None:
    Path(f"{FILE}.lock").write_text("x" * 1000, encoding="utf-8")
    lock = Lock(FILE, 0)
    with pytest.raises(StoreError, match=rf"in use by another run \(process {os.getpid()} on "):
        Lock(FILE, 0)
    lock.release()


def test_runs_inside_runs_share_their_history() -> None:
    with History.open(None) as outer:
        with History.open(FILE) as inner:
            inner.end_well([], {"b": VALUE})
        assert outer.mtimes == {"b": 1000.5}
        outer.end_well([], {"c": VALUE})
    assert entries() == ["b", "c"]


def test_keys_are_relative_to_the_historys_folder(folder: Path) -> None:
    os.mkdir("sub")
    with History.open("sub/h.sqlite") as history:
        assert history.keys.of("a") == "../a"
        assert history.keys.of("sub/b") == "b"
        assert history.keys.of(str(folder / "sub" / "c")) == "c"


def test_a_file_that_is_no_database() -> None:
    Path(FILE).write_text("not a database, but long enough to be looked at as one" * 20, encoding="utf-8")
    with pytest.raises(StoreError, match=r"sqlite is no history: it is not an SQLite file. Move it away"):
        History.open(None)


def test_another_programs_database_is_left_alone() -> None:
    connection = sqlite3.connect(FILE)
    connection.execute("CREATE TABLE customers (name)")
    connection.close()
    before = Path(FILE).read_bytes()
    with pytest.raises(StoreError, match=r"another program's database \(customers\)"):
        History.open(None)
    assert Path(FILE).read_bytes() == before


def test_somebodys_dictionary_is_left_alone() -> None:
    connection = sqlite3.connect(FILE)
    connection.execute("CREATE TABLE data (key PRIMARY KEY,value)")
    connection.execute("INSERT INTO data VALUES ('k', 'v')")
    connection.commit()
    connection.close()
    before = Path(FILE).read_bytes()
    with pytest.raises(StoreError, match="somebody's dictionary"):
        History.open(None)
    assert Path(FILE).read_bytes() == before


def test_a_damaged_history_says_what_to_do() -> None:
    with History.open(None) as history:
        history.end_well([], {f"file{number:05}": VALUE for number in range(500)})
    data = bytearray(Path(FILE).read_bytes())
    data[8192:40960] = os.urandom(40960 - 8192)
    Path(FILE).write_bytes(data)
    with pytest.raises(StoreError, match=r"damaged .*Move it away, or name another one with history_file"):
        History.open(None)


def test_a_truncated_history_says_what_to_do() -> None:
    with History.open(None) as history:
        history.end_well([], {f"file{number:05}": VALUE for number in range(500)})
    os.truncate(FILE, 9000)
    with pytest.raises(StoreError, match=r"damaged"):
        History.open(None)


def test_an_entry_that_cannot_be_read_counts_as_not_there(caplog: pytest.LogCaptureFixture) -> None:
    with History.open(None) as history:
        history.end_well([], {"b": VALUE, "c": VALUE})
    connection = sqlite3.connect(FILE)
    connection.execute("UPDATE data SET value = x'80049500' WHERE key = 'b'")
    connection.commit()
    connection.close()
    with History.open(None) as history:
        assert set(history.mtimes) == {"c"}
    assert "1 entries of the history" in caplog.text


def test_a_format_of_the_future_is_refused() -> None:
    with History.open(None):
        pass
    connection = sqlite3.connect(FILE)
    connection.execute("UPDATE ruffus_metadata SET value = 'v9'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="Unsupported Ruffus history path format: v9"):
        History.open(None)


def test_a_history_of_an_old_ruffus_is_kept_aside() -> None:
    connection = sqlite3.connect(FILE)
    connection.execute("CREATE TABLE data (key PRIMARY KEY,value)")
    connection.execute("INSERT INTO data VALUES (?, ?)", ("b", encode("b", VALUE)))
    connection.commit()
    connection.close()
    with pytest.warns(UserWarning, match="ruffus_legacy_history"), History.open(None) as history:
        assert history.mtimes == {}
    connection = sqlite3.connect(FILE)
    assert connection.execute("SELECT key FROM ruffus_legacy_history").fetchall() == [("b",)]
    connection.close()


def test_a_read_only_folder_says_so(folder: Path) -> None:
    me = os.geteuid()
    folder.chmod(0o555)
    try:
        if me == 0:
            os.seteuid(NOBODY)  # the administrator may write anywhere
        with pytest.raises(StoreError, match=r"cannot be written: Permission denied .*history_file="):
            History.open(None)
    finally:
        os.seteuid(me)
        folder.chmod(0o700)


def test_no_folder_says_so() -> None:
    with pytest.raises(StoreError, match=r"cannot be written: No such file or directory"):
        History.open("nowhere/h.sqlite")


def test_a_full_disk_stops_the_run_and_keeps_what_was_written() -> None:
    history = History.open(None)
    history.end_well([], {"b": VALUE})
    history.flush()
    assert history._connection is not None
    # To SQLite a file that may not grow is a disk that is full.
    (pages,) = history._connection.execute("PRAGMA page_count").fetchone()
    history._connection.execute(f"PRAGMA max_page_count = {pages}").close()
    with pytest.raises(StoreError, match="the disk is full"):
        history.begin([f"file{number:05}" for number in range(1000)])
    with pytest.raises(StoreError, match="the disk is full"):
        history.end_well([], {"c": VALUE})
    with pytest.raises(StoreError, match="the disk is full"):
        history.close()
    assert entries() == ["b"]
    with History.open(None) as again:
        assert set(again.mtimes) == {"b"}
