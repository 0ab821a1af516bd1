"""What tasks are made of, in a form that can be compared."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import math
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from gangline.recipes import BaseRecipe, DataMap
from gangline.recipes.fingerprints import Unsteady, canonical, code_of, differing_files, digest, stamp, texts_in


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int


class Plain:
    def __init__(self, x: Any) -> None:
        self.x = x


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, 2.5, math.nan, math.inf, "ä", b"x", Path("/a"), [1, (2,)], {"a": {1, 2}}, Colour.RED, Point(1),
        Plain([1]), datetime.date(2020, 1, 1), DataMap([("h", "f", False)]), range(3),
    ],
)  # fmt: skip
def test_equal_values_are_equal(value: Any) -> None:
    found = canonical(value)
    assert json.loads(json.dumps(found)) == found
    assert digest(found) == digest(canonical(value))


def test_different_values_differ() -> None:
    values = [1, "1", 1.5, [1], {"a": 1}, {"a": 2}, Point(1), Point(2), Plain(1), b"1", None, True]
    assert len({digest(canonical(value)) for value in values}) == len(values)


@pytest.mark.parametrize("value", [lambda: 1, object(), threading.Lock(), iter([]), [object()]])
def test_values_that_cannot_be_compared(value: Any) -> None:
    with pytest.raises(Unsteady):
        canonical(value)


def test_texts() -> None:
    assert list(texts_in({"a": ["x", {"b": "y"}], "c": 1})) == ["x", "y"]


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("one")
    kept = {str(file): stamp(str(file)), str(tmp_path / "g"): None}
    assert list(differing_files(kept)) == []
    os.utime(file, (1, 1))  # touched, and the same
    assert list(differing_files(kept)) == []
    file.write_text("two")
    assert list(differing_files(kept)) == [(str(file), f"{file} has changed")]
    assert list(differing_files(kept, {str(file): [stamp(str(file)) or []]})) == []
    file.unlink()
    (tmp_path / "g").touch()
    words = [words for _, words in differing_files(kept)]
    assert words == [f"{file} is gone", f"{tmp_path / 'g'} is there now"]


def test_two_changes_within_a_tick_of_the_clock_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "f"
    stamps, at = [], time.time_ns() + 3600 * 10**9  # of a time that this test cannot leave behind
    for text in ("one", "two"):
        file.write_text(text)
        os.utime(file, ns=(at, at))
        stamps.append(stamp(str(file)))
    assert stamps[0] != stamps[1]


def test_large_files_are_known_by_size_and_time(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x" * (1024 * 1024 + 1))
    kept = {str(file): stamp(str(file))}
    assert list(differing_files(kept)) == []
    os.utime(file, (1, 1))
    assert list(differing_files(kept)) == [(str(file), f"{file} has changed")]


def test_folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "f").touch()
    kept = {str(tmp_path): stamp(str(tmp_path))}
    assert list(differing_files(kept)) == []
    (tmp_path / "a" / "g").touch()
    assert list(differing_files(kept)) == [(str(tmp_path), f"{tmp_path} has changed")]
    assert stamp(str(tmp_path), folders=False) is None


@pytest.mark.parametrize("name", ["", "\0", "a\nb", "x" * 5000, "/dev/null", "/no/such", "\udc80"])
def test_names_of_nothing(name: str) -> None:
    assert stamp(name) is None


def test_code() -> None:
    class Own(BaseRecipe):
        pass

    assert list(code_of(Own)) == [os.path.abspath(__file__)]
    assert code_of(BaseRecipe) == {}
