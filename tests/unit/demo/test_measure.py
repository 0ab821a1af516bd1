"""Counting in source files."""

from __future__ import annotations

import textwrap
import warnings

import pytest

from gangline.demo.measure import Measurement, measure


def of(source: str, module: str = "package.module") -> Measurement:
    return measure(module, "package", textwrap.dedent(source).encode())


@pytest.mark.parametrize(
    ("body", "ways"),
    [
        ("return 1", 1),
        ("if a: pass", 2),
        ("if a: pass\n    elif b: pass\n    else: pass", 3),
        ("return 1 if a else 2", 2),
        ("return a and b and c", 3),
        ("for x in y: pass", 2),
        ("while a or b: pass", 3),
        ("try: pass\n    except E: pass\n    except F: pass", 3),
        ("return [x for x in y if x if z]", 4),
        ("match a:\n        case 1: pass\n        case _: pass", 3),
        ("with a: assert b", 1),
        ("return lambda: a or b", 2),
    ],
)
def test_ways_through_a_function(body: str, ways: int) -> None:
    found = of(f"def f():\n    {body}\n")
    assert (found.functions, found.complexity, found.worst, found.worst_complexity) == (1, ways, "f", ways)


def test_nested_functions_count_for_themselves() -> None:
    found = of("""
        class Outer:
            def method(self):
                if self: pass
                def inner():
                    if 1: pass
                    if 2: pass
            async def other(self): pass
    """)
    assert (found.functions, found.classes, found.complexity) == (3, 1, 2 + 3 + 1)
    assert (found.worst, found.worst_complexity) == ("Outer.method.inner", 3)


def test_a_name_that_is_defined_twice_counts_twice() -> None:
    found = of("if a:\n    def f(): pass\nelse:\n    def f(): pass\n")
    assert (found.functions, found.complexity) == (2, 2)


def test_forks_outside_of_functions_belong_to_none() -> None:
    assert of("if a:\n    pass\n").complexity == 0


def test_imports_are_top_level_names_without_the_own() -> None:
    found = of(
        "import os.path, sys\nfrom json.decoder import x\nfrom . import y\nfrom .z import w\nimport package.other\n"
    )
    assert found.imports == ("json", "os", "sys")


@pytest.mark.parametrize(
    "source", [b"def f(:\n", b"print 'x'\n", b"# coding: klingon\n", b"x = '\xff'\n", b"a\0b\n", b"(" * 5000]
)
def test_a_file_that_is_not_python_says_why(source: bytes) -> None:
    found = measure("bad", "bad", source)
    assert "Error" in found.error
    assert (found.lines, found.functions) == (1, 0)


def test_an_empty_file_is_no_error() -> None:
    assert measure("empty", "empty", b"") == Measurement("empty", "empty")


def test_warnings_of_the_parser_stay_inside() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = of(r"x = '\d' is 'd'")
    assert (found.error, caught) == ("", [])
