from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gangline.recipes.exit_status import of_exception, of_exit, of_value
from gangline.recipes.outputs import BadOutputs, as_json


def test_numbers_and_arrays_of_numpy_become_plain() -> None:
    outputs = {"n": np.int64(3), "x": np.float32(0.5), "a": np.array([[1, 2]]), "b": np.bool_(True), "p": Path("/a")}
    taken = as_json(outputs)
    assert taken == {"n": 3, "x": 0.5, "a": [[1, 2]], "b": True, "p": "/a"}
    assert json.loads(json.dumps(taken)) == taken


def test_what_is_nested_is_looked_through() -> None:
    assert as_json({"a": {"b": [(np.int32(1), Path("x"))]}}) == {"a": {"b": [[1, "x"]]}}
    with pytest.raises(BadOutputs, match=r"outputs\['a'\] .* its key \(1, 2\) is no text"):
        as_json({"a": [{"b": {(1, 2): 3}}]})
    with pytest.raises(BadOutputs, match=r"outputs\['a'\] .* set is no value that JSON has"):
        as_json({"a": [{1, 2}]})


def test_all_of_them_together_may_be_too_large() -> None:
    with pytest.raises(BadOutputs, match=r"with outputs\['f9'\]"):
        as_json({f"f{n}": "x" * 100_000 for n in range(20)})


def test_numbers_of_numpy_are_exit_statuses() -> None:
    assert of_value(np.int16(3)).status == 3
    assert of_value(np.uint8(0)).kind == "ok"
    assert of_value(np.int64(-1)).kind == "bad_value"
    assert of_value(np.float64(0.0)).kind == "bad_value"
    assert of_value(np.array([1, 2])).kind == "bad_value"


def test_values_that_cannot_be_shown_are_told_all_the_same() -> None:
    class Strange(Exception):
        def __repr__(self) -> str:
            raise RuntimeError

        __str__ = __repr__

    assert of_value(Strange()).message.startswith("run returned <Strange that cannot be shown: RuntimeError>")
    assert of_exception(Strange()).message == "run raised Strange: <Strange that cannot be shown: RuntimeError>"
    assert of_exit(Strange()).kind == "exit"
    assert len(of_value("x" * 10**6).message) < 1100
    assert of_exception(KeyError()).message == "run raised KeyError"
    assert of_exit(True).status == 1
    assert of_exit("").status == 1
