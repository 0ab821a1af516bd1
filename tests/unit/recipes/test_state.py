"""The file in which pipelines note what they have done: whole entries, and a damaged file harms nothing."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from gangline.recipes.state import State


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "run" / ".gangline")


def filled(folder: str) -> State:
    state = State(folder)
    state.put_task("p", "a", {"outcome": "ok", "text": "ä\udc80\n"})
    state.put_job("p", "a", "j", {"n": 1.5})
    return state


def test_what_is_put_is_there(folder: str) -> None:
    filled(folder).close()
    state = State(folder)
    assert state.tasks("p") == {"a": {"outcome": "ok", "text": "ä\udc80\n"}}
    assert state.jobs("p", "a") == {"j": {"n": 1.5}}
    assert state.tasks("q") == {}
    state.put_task("p", "a", {"outcome": "failed"})
    assert state.tasks("p") == {"a": {"outcome": "failed"}}
    state.forget_task("p", "a")
    assert state.tasks("p") == state.jobs("p", "a") == {}
    state.close()
    assert state.tasks("p") == {}


@pytest.mark.parametrize("damage", ["garbage", "middle", "cut"])
def test_a_damaged_file_is_moved_aside(folder: str, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    state = filled(folder)
    for number in range(200):
        state.put_job("p", "a", str(number), {"text": "x" * 200})
    state.close()
    path = Path(state.path)
    content = path.read_bytes()
    match damage:
        case "garbage":
            path.write_bytes(b"no database" * 1000)
        case "middle":
            path.write_bytes(content[:4096] + os.urandom(len(content) - 4096))
        case "cut":
            path.write_bytes(content[: len(content) // 2])
    again = State(folder)
    assert again.tasks("p") == {}
    again.put_task("p", "b", {})
    assert again.tasks("p") == {"b": {}}
    again.close()
    aside = [name for name in os.listdir(folder) if "damaged" in name]
    assert len(aside) == 1
    assert f"{path} is damaged" in caplog.text
    assert "all tasks run" in caplog.text
    assert aside[0] in caplog.text


def test_a_damaged_entry_counts_as_not_there(folder: str, caplog: pytest.LogCaptureFixture) -> None:
    state = filled(folder)
    state.put_task("p", "b", {"outcome": "ok"})
    state.close()
    with sqlite3.connect(state.path) as connection:
        connection.execute("UPDATE tasks SET entry = replace(entry, 'ok', 'no') WHERE task = 'a'")
    connection.close()
    again = State(folder)
    assert again.tasks("p") == {"b": {"outcome": "ok"}}
    assert "the entry of a in" in caplog.text
    again.close()


def test_a_file_of_somebody_else_is_left_alone(folder: str, caplog: pytest.LogCaptureFixture) -> None:
    os.makedirs(folder)
    path = os.path.join(folder, "recipes.db")
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE own (x)")
    connection.commit()
    connection.close()
    before = Path(path).read_bytes()
    state = State(folder)
    state.put_task("p", "a", {})
    assert state.tasks("p") == {}
    assert Path(path).read_bytes() == before
    assert "of another program" in caplog.text


def test_a_folder_that_cannot_be_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    state = State(str(tmp_path / "file" / ".gangline"))
    state.put_task("p", "a", {})
    assert state.tasks("p") == {}
    assert "so that all tasks run" in caplog.text


def test_many_threads(folder: str) -> None:
    state = State(folder)
    threads = [threading.Thread(target=state.put_job, args=("p", "a", str(n), {"n": n})) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(state.jobs("p", "a")) == 20
    state.close()
