"""What a job may ask of its scheduler, as users say it."""

from __future__ import annotations

import pytest

from gangline.errors import UsageError
from gangline.remote.resources import NOTHING_ASKED, Resources, parse_bytes, parse_duration_s


def test_what_users_say() -> None:
    asked = Resources.read(
        {
            "cores": 4,
            "memory": "2 GiB",
            "wall_time": "1:30:00",
            "queue": "long",
            "account": None,
            "options": {"qos": "high", "--exclusive": True, "n": 3, "requeue": False},
        }
    )
    assert asked == Resources(
        cores=4,
        memory_bytes=2 << 30,
        wall_time_s=5400.0,
        queue="long",
        options=(("qos", "high"), ("exclusive", None), ("n", "3")),
    )
    assert Resources.read({"options": "-l gpu=1 --comment 'two words'"}).words == (
        "-l",
        "gpu=1",
        "--comment",
        "two words",
    )
    assert Resources.read({}) == NOTHING_ASKED


def test_what_is_left_open_comes_from_others() -> None:
    usual = Resources(cores=1, queue="main", options=(("a", "1"), ("b", "2")), words=("-x",))
    own = Resources(cores=2, options=(("b", "3"),), words=("-y",))
    assert own.over(usual) == Resources(cores=2, queue="main", options=(("a", "1"), ("b", "3")), words=("-x", "-y"))
    assert NOTHING_ASKED.over(usual) == usual


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (90, 90.0),
        (0.5, 0.5),
        ("90", 90.0),
        ("90s", 90.0),
        ("5 min", 300.0),
        ("2h", 7200.0),
        ("1.5 h", 5400.0),
        ("3d", 259200.0),
        ("1:30", 90.0),
        ("1:30:00", 5400.0),
        ("2-12", None),
        ("2-1:30", 178200.0),
        ("2-00:00:30", 172830.0),
        ("soon", None),
        (-1, None),
        (True, None),
        (float("inf"), None),
    ],
)
def test_durations(text: object, seconds: float | None) -> None:
    if seconds is None:
        with pytest.raises(UsageError, match="wall_time must be a number of seconds"):
            parse_duration_s("wall_time", text)
    else:
        assert parse_duration_s("wall_time", text) == seconds


@pytest.mark.parametrize(
    ("text", "count"),
    [(5, 5), ("5", 5), ("2k", 2000), ("1.5 GB", 1_500_000_000), ("4KiB", 4096), ("x", None), (0, None)],
)
def test_sizes(text: object, count: int | None) -> None:
    if count is None:
        with pytest.raises(UsageError, match="memory must be a number of bytes"):
            parse_bytes("memory", text)
    else:
        assert parse_bytes("memory", text) == count


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"core": 1}, "'core': did you mean 'cores'"),
        ({"zzz": 1}, "there are cores, memory, wall_time, queue, account, options"),
        ({"cores": 0}, "cores must be a whole number, 1 or more, not 0"),
        ({"cores": 1.5}, "cores must be a whole number"),
        ({"wall_time": 0}, "wall_time must be"),
        ({"queue": "a\nb"}, "queue must be a text of one line"),
        ({"account": 3}, "account must be a text"),
        ({"options": 3}, "options must be a dictionary"),
        ({"options": {"two words": 1}}, "'two words' cannot be the name of an option"),
        ({"options": {"qos": "a\0b"}}, "option 'qos' must be a text"),
    ],
)
def test_bad_input_is_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Resources.read(given)
    assert message in str(caught.value)
