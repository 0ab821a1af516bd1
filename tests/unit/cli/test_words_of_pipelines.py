"""Times, durations and file names as people read them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from gangline.cli.pipelines.figures import counted, iso_time, show_clock, show_duration, show_time
from gangline.cli.pipelines.files import files_words, short_path, stage_name


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-0.1, "0.00 s"),
        (0.0204, "0.02 s"),
        (0.996, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.7, "1 h 00 min"),
        (7800, "2 h 10 min"),
        (86400 * 3 + 4 * 3600 + 59, "3 d 4 h"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert show_duration(seconds) == shown


def test_times_are_those_of_this_machine_and_utc_for_programs() -> None:
    noon = datetime(2026, 11, 21, 12, 0, 7, 250_000).astimezone().timestamp()
    assert show_time(noon) == "2026-11-21 12:00:07"
    assert show_clock(noon, noon + 60) == "12:00:07"
    assert show_clock(noon, noon + 86400) == "2026-11-21 12:00:07"
    assert iso_time(1.5) == "1970-01-01T00:00:01.500+00:00"
    assert iso_time(None) is None


def test_numbers_with_nouns() -> None:
    assert [counted(1, "task"), counted(2000, "task"), counted(0, "entry", "entries")] == [
        "1 task", "2,000 tasks", "0 entries",
    ]  # fmt: skip


def test_jobs_in_few_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert files_words(["a"], ["b"], "") == "a -> b"
    assert files_words([], ["b"], "") == "-> b"
    assert files_words(["a"], [], "") == "a"
    assert files_words(["a", "b", "c", "d"], ["e"], "") == "a, b and 2 more -> e"
    assert files_words([str(tmp_path / "x" / "a")], ["/elsewhere/b"], "") == "x/a -> /elsewhere/b"
    assert files_words([], [], "Job  = [1, 2]") == "[1, 2]"
    assert files_words([], [], "Job") == "its one job"
    assert stage_name("mkdir('x')   before fetch ") == "mkdir('x') before fetch"


def test_names_that_would_disturb_a_terminal() -> None:
    assert short_path("new\nline") == "new\\nline"
    assert short_path("\x1b[31mred") == "\\x1b[31mred"
    assert short_path("\udcff") == "\\udcff"
    assert short_path("größe [1].txt") == "größe [1].txt"
