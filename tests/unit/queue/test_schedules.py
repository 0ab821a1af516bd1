"""When schedules are due."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gangline.queue.checks import Refused
from gangline.queue.schedules import MOST_AT_ONCE, check_line, check_zone, due_times, first_after

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = "UTC", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def shown(times: tuple[float, ...], zone: str = "UTC") -> list[str]:
    return [datetime.fromtimestamp(time, ZoneInfo(zone)).strftime("%m-%d %H:%M %z") for time in times]


def test_nothing_is_due_before_its_time():
    due_at = at("2026-03-01 12:00")
    assert due_times("*/5 * * * *", "", due_at, due_at - 0.01, "one") == ((), due_at)


@pytest.mark.parametrize("missed", ["one", "all", "none"])
def test_a_time_that_has_come_is_due_once(missed):
    due_at = at("2026-03-01 12:00")
    due = due_times("*/5 * * * *", "", due_at, due_at + 0.3, missed)
    assert due == ((due_at,), due_at + 300)
    assert due_times("*/5 * * * *", "", due.next_at, due_at + 1, missed).times == ()


@pytest.mark.parametrize(
    ("missed", "entered"),
    [("one", ["03-01 14:00 +0000"]), ("all", None), ("none", [])],
)
def test_two_hours_without_workers(missed, entered):
    due_at, now = at("2026-03-01 12:00"), at("2026-03-01 14:03")
    due = due_times("*/5 * * * *", "", due_at, now, missed)
    if missed == "all":
        assert len(due.times) == 25
        assert due.times[0] == due_at
    else:
        assert shown(due.times) == entered
    assert due.next_at == at("2026-03-01 14:05")


def test_what_is_punctual_was_not_missed():
    due_at, now = at("2026-03-01 12:00"), at("2026-03-01 14:00:30")
    assert shown(due_times("*/5 * * * *", "", due_at, now, "none").times) == ["03-01 14:00 +0000"]


def test_years_without_workers_are_not_walked_through():
    due_at, now = at("2016-03-01 12:00"), at("2026-03-01 12:00")
    due = due_times("* * * * *", "", due_at, now, "all")
    assert len(due.times) == MOST_AT_ONCE
    assert due.times[-1] == now
    assert shown(due_times("0 0 29 2 *", "", at("2016-02-29"), now, "one").times) == ["02-29 00:00 +0000"]
    assert len(due_times("0 0 29 2 *", "", at("2016-02-29"), now, "all").times) == 3


def every_time(line: str, start: float, end: float, zone: str) -> list[float]:
    times, due_at = [], first_after(line, zone, start)
    while due_at <= end:
        times.append(due_at)
        due_at = first_after(line, zone, due_at)
    return times


@pytest.mark.parametrize(
    ("line", "times"),
    [
        # The clock goes from 2:00 to 3:00 on March 29.
        ("30 2 * * *", ["03-28 02:30 +0100", "03-29 03:00 +0200", "03-30 02:30 +0200"]),
        ("0 3 29 * *", ["03-29 03:00 +0200"]),
    ],
)
def test_a_time_that_the_clock_leaves_out_comes_when_it_has_gone_on(line, times):
    found = every_time(line, at("2026-03-28 00:00", BERLIN), at("2026-03-30 23:00", BERLIN), BERLIN)
    assert shown(tuple(found), BERLIN) == times


def test_a_time_that_comes_twice_is_due_once():
    # The clock goes from 3:00 back to 2:00 on October 25.
    found = every_time("30 2 * * *", at("2026-10-24 00:00", BERLIN), at("2026-10-26 23:00", BERLIN), BERLIN)
    assert shown(tuple(found), BERLIN) == ["10-24 02:30 +0200", "10-25 02:30 +0200", "10-26 02:30 +0100"]


def test_nor_is_it_due_again_when_asked_for_within_its_second_hour():
    again = at("2026-10-25 02:10", BERLIN, fold=1)
    assert shown((first_after("30 2 * * *", BERLIN, again),), BERLIN) == ["10-26 02:30 +0100"]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_what_runs_every_few_minutes_keeps_its_pace(day):
    start = at(f"{day} 00:00", BERLIN)
    found = every_time("*/15 * * * *", start, start + 6 * 3600, BERLIN)
    assert [later - earlier for earlier, later in pairwise(found)] == [900.0] * (len(found) - 1)


@settings(max_examples=40)
@given(
    start=st.integers(0, 2 * 365 * 24 * 60),
    steps=st.lists(st.integers(1, 40 * 60), min_size=1, max_size=20),
    line=st.sampled_from(["*/17 * * * *", "30 2 * * *", "5 */6 * * *", "0 0 * * 1", "15 1,2,3 * * *"]),
    zone=st.sampled_from(["", BERLIN, "America/New_York", "Australia/Lord_Howe"]),
)
def test_whenever_it_is_looked_at_each_time_is_due_once(start, steps, line, zone):
    """Workers that look at arbitrary moments find the same times as one that never sleeps."""
    now = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)).timestamp()
    first = due_at = first_after(line, zone, now)
    seen: list[float] = []
    for step in steps:
        now += 60 * step
        due = due_times(line, zone, due_at, now, "all")
        assert due.next_at > now
        seen += due.times
        due_at = due.next_at
    assert seen == every_time(line, first - 1, now, zone)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("* * * *", "this has 4"),
        ("", "this has 0"),
        ("61 * * * *", "bad minute"),
        ("* * 31 2 *", "bad day-of-month"),
        ("0 0 * * BLA", "bad day-of-week"),
        (5, "five fields"),
        ("* * * * * *", "this has 6"),
    ],
)
def test_lines_that_cannot_be_read(line, words):
    with pytest.raises(Refused, match=words):
        check_line(line)


def test_lines_get_a_usual_form():
    assert check_line("  */5 *  * * MON ") == "*/5 * * * MON"


def test_zones():
    assert check_zone(BERLIN) == BERLIN
    assert check_zone("") == ""
    with pytest.raises(Refused, match="Europe/Berlin"):
        check_zone("Europe/Berlni")
    with pytest.raises(Refused):
        check_zone("../../etc/passwd")
