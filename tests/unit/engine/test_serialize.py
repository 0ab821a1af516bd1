from __future__ import annotations

import collections
import enum
import io
import json
import os.path
import pickle
import sys
import types
from typing import Any

import numpy as np
import pytest

from gangline._engine import serialize
from gangline._engine.importable import is_importable, is_importable_module, uses_module_globals


@pytest.mark.parametrize(
    "value",
    [json.dumps, collections.OrderedDict, os.path.join, int, type(None), len, np.sum, np.ndarray, enum.Enum],
)
def test_what_can_be_imported_travels_by_reference(value: Any) -> None:
    data = serialize.dumps(value)
    assert serialize.loads(data) is value
    assert len(data) < 100


def test_importable() -> None:
    assert is_importable(json.JSONEncoder.encode)
    assert is_importable(io.StringIO)  # of a module that has another name than the one it is imported by
    assert is_importable_module(os.path)
    assert not is_importable(lambda: None)
    assert not is_importable_module(types.ModuleType("nowhere"))
    assert not is_importable_module(sys.modules["__main__"])


def test_module_made_by_hand_is_not_importable(monkeypatch: Any) -> None:
    made = types.ModuleType("made_by_hand")
    exec("def f(): return g() + 1\ndef g(): return 1\nclass C: pass", made.__dict__)
    monkeypatch.setitem(sys.modules, "made_by_hand", made)
    assert not is_importable(made.f)
    data = serialize.dumps((made.f, made.C))
    monkeypatch.delitem(sys.modules, "made_by_hand")
    function, cls = serialize.loads(data)
    assert function() == 2
    assert cls.__name__ == "C"


def test_shadowed_function_is_not_importable(monkeypatch: Any) -> None:
    original = json.dumps
    monkeypatch.setattr(json, "dumps", lambda value: "other")
    assert not is_importable(original)
    assert uses_module_globals(original)
    assert serialize.loads(serialize.dumps(original))([1]) == "[1]"


def test_empty_cell_and_attributes_survive() -> None:
    def outer() -> Any:
        def inner() -> Any:
            return late

        inner.note = "kept"  # type: ignore[attr-defined]
        found = inner
        if not found:
            late = 1
        return found

    inner = serialize.loads(serialize.dumps(outer()))
    assert inner.note == "kept"
    with pytest.raises(NameError):
        inner()


def test_dynamic_class_comes_back_as_itself() -> None:
    class Local:
        pass

    class Color(enum.Enum):
        RED = 1

    assert serialize.loads(serialize.dumps([Local, Color])) == [Local, Color]
    assert type(serialize.loads(serialize.dumps(Local()))) is Local


def test_large_buffers_are_taken_out_of_the_pickle() -> None:
    large, small = np.arange(100_000.0), np.arange(10.0)
    buffers: list[memoryview] = []
    data = serialize.dumps({"large": large, "small": small, "strided": large[::2]}, buffers)
    assert [buffer.nbytes for buffer in buffers] == [800_000]
    back = pickle.loads(data, buffers=buffers)
    assert (back["large"] == large).all()
    assert (back["small"] == small).all()


def test_buffers_are_not_taken_twice_when_the_quick_way_fails() -> None:
    class Local:
        def __init__(self) -> None:
            self.array = np.ones(100_000)

    buffers: list[memoryview] = []
    data = serialize.dumps([np.ones(100_000), Local()], buffers)
    assert len(buffers) == 2
    assert pickle.loads(data, buffers=buffers)[1].array.sum() == 100_000


def test_error_of_the_full_pickler_counts() -> None:
    with pytest.raises(TypeError, match="cannot pickle 'generator' object"):
        serialize.dumps(i for i in range(3))
