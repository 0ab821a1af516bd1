"""Levels, keys, values, checksums, and the function for programs that check themselves."""

from __future__ import annotations

import functools
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gangline.errors import StoreError
from gangline.pipeline.freshness.checksum import checksum_function, checksum_helpers, checksum_params
from gangline.pipeline.freshness.keys import Keys
from gangline.pipeline.freshness.levels import Level, get_level
from gangline.pipeline.freshness.modify_time import needs_update_check_modify_time
from gangline.pipeline.freshness.place import default_file
from gangline.pipeline.freshness.value import Value, decode, encode
from gangline.pipeline.ruffus_exceptions import error_checksum_level

# Written by Ruffus 3.0.0 for an output "a.txt".
FROM_RUFFUS = (
    b"\x80\x05\x95\xbf\x00\x00\x00\x00\x00\x00\x00\x8c\x15ruffus.ruffus_u"
    b"tility\x94\x8c\x12JobHistoryChecksum\x94"
    b"\x93\x94)\x81\x94}\x94(\x8c\x07outfile\x94\x8c\x05a.txt\x94\x8c\x05"
    b"mtime\x94GA\xda\xc0D\x06\x9fd\x0e\x8c\rchksum_para"
    b"ms\x94\x8c 4f8ea2af0eb4d284b233d1f"
    b"c7f9a4a05\x94\x8c\x0bchksum_func\x94\x8c 69"
    b"3f1f9097bf1e59fabe8d3609c2c6"
    b"69\x94ub."
)


def test_levels_by_number_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert get_level(None) is Level.HISTORY
    assert get_level(0) is Level.TIMES
    assert get_level("3") is Level.PARAMETERS
    assert get_level("contents") is Level.CONTENTS
    assert get_level("CHECKSUM_FUNCTIONS") is Level.FUNCTIONS
    monkeypatch.setenv("DEFAULT_RUFFUS_CHECKSUM_LEVEL", "CHECKSUM_FUNCTIONS_AND_PARAMS")
    assert get_level(None) is Level.PARAMETERS


@pytest.mark.parametrize("wrong", [6, -1, "everything", "", 1.5])
def test_levels_that_there_are_not(wrong: Any) -> None:
    with pytest.raises(error_checksum_level, match="checksum_level should be: \\[0-5"):
        get_level(wrong)


def test_a_wrong_level_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEFAULT_RUFFUS_CHECKSUM_LEVEL", "9")
    with pytest.raises(error_checksum_level, match=r"DEFAULT_RUFFUS_CHECKSUM_LEVEL should be: .*rather than '9'"):
        get_level(None)


def test_the_usual_file_may_be_named_after_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_file() == ".ruffus_history.sqlite"
    monkeypatch.setattr("__main__.__file__", "/data/work/align.py", raising=False)
    monkeypatch.setenv("DEFAULT_RUFFUS_HISTORY_FILE", "{path}/.{basename}.sqlite")
    assert default_file() == "/data/work/.align.sqlite"
    monkeypatch.setenv("DEFAULT_RUFFUS_HISTORY_FILE", "{nothing}.sqlite")
    assert default_file() == "{nothing}.sqlite"


@given(st.text("ab./", min_size=1, max_size=12))
def test_a_key_is_the_relative_path(path: str) -> None:
    keys = Keys("/home/me/history", "/home/me/work")
    assert keys.of(path) == os.path.relpath(os.path.join("/home/me/work", path), "/home/me/history")


def test_a_value_of_ruffus_is_read() -> None:
    value = decode(FROM_RUFFUS)
    assert value.params == "4f8ea2af0eb4d284b233d1fc7f9a4a05"
    assert value.function == "693f1f9097bf1e59fabe8d3609c2c669"
    # The same, written by Ruffus, differs only in the version and the frame at its start.
    assert encode("a.txt", value)[2:] == FROM_RUFFUS[11:]


@given(st.text(max_size=300), st.floats(allow_nan=False), st.text("0123456789abcdef", min_size=32, max_size=32))
def test_values_come_back(key: str, mtime: float, checksum: str) -> None:
    value = Value(mtime, checksum, checksum[::-1])
    assert decode(encode(key, value)) == value


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_values_of_every_protocol_are_read(protocol: int) -> None:
    from gangline.pipeline.ruffus_utility import JobHistoryChecksum

    entry = JobHistoryChecksum("b", 5.5, (), SimpleNamespace(function=None))
    data = pickle.dumps(entry, protocol)
    assert decode(data) == Value(5.5, entry.chksum_params, entry.chksum_func)


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("pwned",)


@pytest.mark.parametrize("data", [b"", "text", None, 7, pickle.dumps(3), pickle.dumps(_Evil()), b"\x80\x04."])
def test_anything_else_is_refused_and_nothing_is_run(data: Any) -> None:
    with pytest.raises(StoreError, match="an entry "):
        decode(data)
    assert not os.path.exists("pwned")


def _compile(text: str, name: str = "f") -> Callable[..., Any]:
    space: dict[str, Any] = {"__name__": "made"}
    exec(compile(text, "made.py", "exec"), space)
    found: Callable[..., Any] = space[name]
    return found


def test_a_functions_checksum_is_of_what_it_does_and_not_of_where_it_stands() -> None:
    base = checksum_function(_compile("def f(x, y=1): return x + 1"))
    assert checksum_function(_compile("\n\n# moved\ndef f(x, y=1):\n    return x + 1")) == base
    for other in ("def f(x, y=1): return x + 2", "def f(x, y=2): return x + 1", "def f(x, y=1): return x - 1",
                  "def f(z, y=1): return z + 1", "def f(x, y=1, *, k=0): return x + 1"):  # fmt: skip
        assert checksum_function(_compile(other)) != base


def test_what_is_no_plain_function_has_a_checksum_too() -> None:
    function = _compile("def f(x, y=1): return x + 1")
    assert checksum_function(functools.partial(function, 1)) != checksum_function(functools.partial(function, 2))
    assert checksum_function("sort {i} > {o}") != checksum_function("sort -u {i} > {o}")
    assert checksum_function(None) == checksum_function(None)
    assert checksum_function(len) != checksum_function(max)
    call = _compile("class C:\n    def __call__(self, i, o): return 3\nf = C()")
    assert checksum_function(call) != checksum_function(len)


def test_helpers_are_those_of_the_same_module_and_theirs() -> None:
    text = "import os\nclass K:\n    def m(self): return {k}\ndef a(): return b() + {a}\ndef b(): return {b}\n"
    text += "def unused(): return {u}\ndef f(i, o): return a(), K().m(), os.getcwd()\n"
    values = {"a": 1, "b": 1, "k": 1, "u": 1}
    base = checksum_helpers(_compile(text.format(**values)))
    assert base
    assert checksum_helpers(_compile("\n" + text.format(**values | {"u": 2}))) == base
    for name in ("a", "b", "k"):
        assert checksum_helpers(_compile(text.format(**values | {name: 2}))) != base
    assert checksum_helpers(_compile("def f(i, o): return 1")) == ""


def test_parameters_that_cannot_be_pickled_are_told_apart_by_their_text() -> None:
    assert checksum_params((3, "x")) == "4325e27d502cefe9efb5893a1a4fc384"
    assert checksum_params(()) == "4f8ea2af0eb4d284b233d1fc7f9a4a05"
    assert checksum_params([lambda: 3]) != checksum_params([3])


def test_the_check_as_a_function() -> None:
    assert needs_update_check_modify_time() == (True, "")
    Path("a").touch()
    Path("b").touch()
    os.utime("a", (1, 1))
    assert needs_update_check_modify_time("a", "b") == (False, "Up to date")
    task = SimpleNamespace(checksum_level=1, user_defined_work_func=len)
    assert needs_update_check_modify_time("a", "b", task=task) == (
        True, "Uncheckpointed file (left over from a failed run?):\n        [b]"
    )  # fmt: skip
