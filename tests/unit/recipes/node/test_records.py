from __future__ import annotations

import json
import logging
import math
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gangline.recipes.records import LINE_MAX_BYTES, BadRecord, from_json, name_at_home, to_json, to_line

ENOUGH = {"name": "a", "levelno": 20, "msg": "text"}


def sent(record: logging.LogRecord) -> logging.LogRecord:
    return from_json(json.loads(to_line(record))["log"], "far")


def made(**extra: object) -> logging.LogRecord:
    return logging.getLogger("some.thing").makeRecord(
        "some.thing", logging.WARNING, "/a/b/field.py", 17, "%s and %d", ("é", 3), None, func="run", extra=extra
    )


def test_a_record_arrives_as_it_was() -> None:
    there, here = made(), sent(made())
    assert here.name == "node.far.some.thing"
    same = ["levelno", "levelname", "pathname", "filename", "module", "lineno", "funcName", "process", "processName"]
    for name in [*same, "thread", "threadName", "exc_info", "exc_text", "stack_info"]:
        assert getattr(here, name) == getattr(there, name), name
    assert here.getMessage() == "é and 3"
    assert here.created == pytest.approx(there.created, abs=60)
    assert here.msecs == int(here.created % 1 * 1000)
    assert set(here.__dict__) - set(there.__dict__) == {"host"}
    assert set(there.__dict__) - set(here.__dict__) <= {"taskName"}


def test_a_message_is_not_formatted_again() -> None:
    assert from_json({**ENOUGH, "msg": "%s %d {0} $x", "args": [1]}, "far").getMessage() == "%s %d {0} $x"


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("node.far.Class", "node.far.Class"),
        ("node.far", "node.far"),
        ("node.farther.Class", "node.far.node.farther.Class"),
        ("root", "node.far.root"),
    ],
)
def test_names_are_below_the_host(name: str, home: str) -> None:
    assert name_at_home(name, "far") == home


def test_this_host_has_a_name_too() -> None:
    assert name_at_home("x", "") == "node.localhost.x"


def test_an_exception_becomes_text() -> None:
    try:
        raise ValueError("oh")
    except ValueError:
        record = made()
        record.exc_info = sys.exc_info()
    shown = logging.Formatter("%(message)s").format(sent(record))
    assert shown.startswith("é and 3\nTraceback (most recent call last):\n")
    assert shown.endswith("ValueError: oh")


def test_what_is_no_exception_does_no_harm() -> None:
    record = made()
    record.exc_info = "nonsense"  # type: ignore[assignment]
    assert (sent(record).exc_text or "").startswith("(the traceback cannot be shown: ")


def test_however_large_a_record_is_its_line_is_not() -> None:
    record = made(**{f"field{n}": "é" * 10**4 for n in range(1000)})
    record.msg, record.args = "é" * 10**6, ()
    record.exc_text = record.stack_info = "\U0001f600" * 10**6
    assert len(to_line(record)) <= LINE_MAX_BYTES
    assert sent(record).getMessage().startswith("é" * 2000)
    assert sent(record).__dict__["extra_left_out"] is True


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (10**30, repr(10**30)),
        ({"n": 10**5000}, "<dict that cannot be shown: ValueError>"),
        (True, True),
        (2.5, 2.5),
        (None, None),
        ({"a": [1, (2,)]}, {"a": [1, [2]]}),
        ({"a": object}, "{'a': <class 'object'>}"),
        ("a\udc80b", "a\\udc80b"),
        (b"x", "b'x'"),
    ],
)
def test_attributes_arrive_as_far_as_json_can_express_them(value: object, arrives: object) -> None:
    assert sent(made(field=value)).__dict__["field"] == arrives


def test_not_a_number_arrives() -> None:
    assert math.isnan(sent(made(field=float("nan"))).__dict__["field"])


@pytest.mark.parametrize(
    "key", ["name", "args", "exc_info", "host", "job", "stream", "_x", "__class__", "a b", "", "1"]
)
def test_attributes_cannot_take_the_place_of_others(key: str) -> None:
    plain = from_json(ENOUGH, "far").__dict__
    attacked = from_json({**ENOUGH, "extra": {key: "evil"}}, "far").__dict__
    assert attacked.keys() == plain.keys()
    assert "evil" not in attacked.values()


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        "text",
        {},
        {**ENOUGH, "name": 1},
        {**ENOUGH, "name": ""},
        {**ENOUGH, "name": "a\nb"},
        {**ENOUGH, "name": "a" * 10_000},
        {**ENOUGH, "levelno": "20"},
        {**ENOUGH, "levelno": True},
        {**ENOUGH, "levelno": -1},
        {**ENOUGH, "levelno": 10**9},
        {**ENOUGH, "msg": None},
    ],
)
def test_what_is_no_record_is_refused(fields: object) -> None:
    with pytest.raises(BadRecord):
        from_json(fields, "far")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FIELDS = [*sorted(to_json(made())), "exc_text", "stack_info", "extra"]


@settings(max_examples=50)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, json_values)), st.sampled_from([{}, ENOUGH]))
def test_whatever_arrives_can_be_logged_or_is_refused(fields: dict[str, Any], enough: dict[str, Any]) -> None:
    try:
        record = from_json({**fields, **enough}, "far")
    except BadRecord:
        assert not enough
        return
    shown = logging.Formatter(
        "%(asctime)s %(name)s %(levelname)s %(module)s %(lineno)s %(process)s %(threadName)s %(relativeCreated)d"
        " %(message)s"
    ).format(record)
    shown.encode("utf-8")
