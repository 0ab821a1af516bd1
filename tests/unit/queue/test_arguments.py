"""Arguments of jobs."""

import datetime
import json
import pathlib
from enum import IntEnum, StrEnum

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gangline.errors import UsageError
from gangline.queue.arguments import digests_of, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@settings(max_examples=60)
@given(st.dictionaries(TEXT, JSON, max_size=5))
def test_what_json_can_say_comes_back(args):
    text = encode(args, "here")
    assert json.loads(text) == args
    assert encode(dict(reversed(args.items())), "here") == text


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


def test_what_is_as_good_as_json():
    args = {"t": (1, 2), "colour": Colour.RED, "level": Level.LOW, "f": numpy.float64(0.5)}
    assert json.loads(encode(args, "here")) == {"t": [1, 2], "colour": "red", "level": 1, "f": 0.5}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [1, {2, 3}]}, "the argument x.a[1] is a set, which is no JSON; give a sorted list"),
        (b"x", "x is a bytes"),
        (object(), "x is a object"),
        (float("nan"), "x is nan, which JSON cannot say"),
        ([float("inf")], "x[0] is inf"),
        ({1: 2}, "x has the key 1, and JSON knows only text as keys"),
        (datetime.date(2026, 1, 1), "x is a datetime.date, which is no JSON; give its isoformat()"),
        (pathlib.Path("/"), "give str(path)"),
        (numpy.int64(3), "x is a numpy.int64, which is no JSON; give int(...) of it"),
        (numpy.arange(3), "give its tolist()"),
        ("a\0b", "x contains the character NUL"),
        ("a\udc80", "half a character"),
        (["ok", {"k\0": 1}], "NUL"),
        pytest.param(10**5000, "no JSON", id="digits"),
        (len, "x is a builtin_function_or_method"),
    ],
)
def test_what_json_cannot_say_is_named(value, words):
    with pytest.raises(UsageError) as caught:
        encode({"ok": 1, "x": value}, "shop.Work")
    assert str(caught.value).startswith("shop.Work: ")
    assert words in str(caught.value)


def test_what_contains_itself():
    endless: list = []
    endless.append(endless)
    with pytest.raises(UsageError, match="contains itself"):
        encode({"x": endless}, "here")


@pytest.mark.parametrize("args", [{1: 2}, {1: 2, "a": 3}, {"a": 1, None: 2}, [1], "x", 5, {"a\0": 1}])
def test_arguments_have_names(args):
    with pytest.raises(UsageError, match="here: "):
        encode(args, "here")


@given(st.dictionaries(TEXT, st.integers() | TEXT, max_size=4))
def test_both_ways_of_encoding_say_the_same(args):
    general = json.dumps(args, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert encode(args, "here") == general


def test_too_much():
    with pytest.raises(UsageError, match="17 MiB of JSON, and may be 16; give the name of a file"):
        encode({"x": "y" * 17 * 2**20}, "here")


def test_digests():
    digest = digests_of("m.C")
    one = digest(encode({"a": 1, "b": 2}, ""))
    assert len(one) == 20
    assert one == digest(encode({"b": 2, "a": 1}, ""))
    assert one != digests_of("m.D")(encode({"a": 1, "b": 2}, ""))
    assert one != digest(encode({"a": 1, "b": 2.5}, ""))


def test_digests_of_jobs_that_differ_by_a_number_lie_side_by_side():
    digest = digests_of("m.C")
    for make in (
        lambda number: {"number": number},
        lambda number: {"path": f"data/{number:06}.tif", "level": 2},
        lambda number: {"number": 10**30 + number},
    ):
        digests = [digest(encode(make(number), "")) for number in range(1000)]
        assert digests == sorted(digests)
        assert len(set(digests)) == 1000
    assert len(digest(encode({"text": "\u0664 no digit of ASCII"}, ""))) == 20
