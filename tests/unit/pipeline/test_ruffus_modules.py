"""The modules that existing programs import helpers from."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from gangline.errors import StoreError
from gangline.pipeline import dbdict, ruffus_utility
from gangline.pipeline.freshness.history import History
from gangline.pipeline.freshness.value import Value


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_dictionary_in_a_file() -> None:
    d = dbdict.open("d.sqlite")
    d["a"] = 1
    d.update({"b": 2}, c=3)
    d.update([("d", 4)])
    assert sorted(d.keys()) == ["a", "b", "c", "d"]
    assert sorted(d.items()) == [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    assert (d["b"], "b" in d, "x" in d, len(d)) == (2, True, False, 4)
    assert d.get(["a", "x", "c"]) == [("a", 1), ("c", 3)]
    assert (d.get("a"), d.get("x", 9)) == (1, 9)
    d.remove(["a", "x"])
    del d["b"]
    with pytest.raises(KeyError):
        del d["b"]
    with pytest.raises(KeyError):
        d["b"]
    assert sorted(d.itervalues()) == [3, 4]
    d.reindex()
    d.close()
    d = dbdict.dbdict("d.sqlite")
    assert sorted(d) == ["c", "d"]
    assert d.pop("c") == 3
    assert d.setdefault("e", 5) == 5
    d.clear()
    assert list(d.iterkeys()) == []
    with pytest.raises(ValueError, match="Could not interpret value"):
        d.update(7)
    d.close()


def test_a_dictionary_of_any_values() -> None:
    d = dbdict.open(":memory:", picklevalues=True)
    d["a"] = {"x": [1, (2,)]}
    assert d["a"] == {"x": [1, (2,)]}
    d.close()


def test_a_history_as_a_mapping_and_as_itself() -> None:
    task = SimpleNamespace(user_defined_work_func=len)
    os.mkdir("sub")
    history = ruffus_utility.open_job_history("sub/h.sqlite")
    key = ruffus_utility.get_history_file_path("a", history)
    assert key == "../a"
    entry = ruffus_utility.JobHistoryChecksum(key, 1000.5, (), task)
    history[key] = entry
    assert vars(history[key]) == vars(entry)
    assert str(entry) == "01 Jan 1970 00:16:40"
    history.close()
    with History.open("sub/h.sqlite") as same:
        assert same.mtimes == {"../a": 1000.5}
        same.end_well([], {"b": Value(5.0, "p" * 32, "f" * 32)})
    history = ruffus_utility.open_job_history("sub/h.sqlite")
    assert history["b"].mtime == 5.0
    assert isinstance(history["b"], ruffus_utility.JobHistoryChecksum)
    history.close()


def test_another_programs_database_is_no_history() -> None:
    connection = sqlite3.connect("other.sqlite")
    connection.execute("CREATE TABLE customers (name)")
    connection.close()
    before = Path("other.sqlite").read_bytes()
    with pytest.raises(StoreError, match="another program's database"):
        ruffus_utility.open_job_history("other.sqlite")
    assert Path("other.sqlite").read_bytes() == before


def test_small_helpers() -> None:
    assert ruffus_utility.get_strings_in_flattened_sequence(["a", ["b", 3]]) == ["a", "b"]
    assert ruffus_utility.get_first_string_in_nested_sequence([3, ["b"]]) == "b"
    assert ruffus_utility.get_first_string_in_nested_sequence([]) is None
    assert ruffus_utility.parameter_list_as_string(["a", 1]) == "'a', 1"
    assert ruffus_utility.parameter_list_as_string(None) == ""
    assert ruffus_utility.shorten_filenames_encoder("/a/b/c/d", 2) == ".../c/d"
    assert ruffus_utility.get_default_checksum_level() == ruffus_utility.CHECKSUM_HISTORY_TIMESTAMPS
    assert ruffus_utility.get_default_history_file_name() == ruffus_utility.RUFFUS_HISTORY_FILE
