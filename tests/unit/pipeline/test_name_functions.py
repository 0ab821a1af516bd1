"""Name rules as functions, and the modules under which programs import them; the answers are those of Ruffus."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path

import pytest

import gangline.pipeline as ruffus
from gangline.pipeline import file_name_parameters, ruffus_utility, task
from gangline.pipeline.adjacent_pairs_iterate import adjacent_pairs_iterate
from gangline.pipeline.ruffus_exceptions import MissingInputFileError, error_input_file_does_not_match


@pytest.mark.parametrize(
    ("path", "level", "shown"),
    [("/a/b/c/d.txt", 0, "/a/b/c/d.txt"), ("/a/b/c/d.txt", 4, ".../a/b/c/d.txt"), ("b/c/d.txt", 2, ".../c/d.txt")],
)
def test_last_names_of_a_path(path: str, level: int, shown: str) -> None:
    assert ruffus_utility.get_nth_nested_level_of_path(path, level) == shown
    assert ruffus_utility.get_nth_nested_level_of_path(path, 9) is None


def test_patterns_are_filled() -> None:
    name = re.compile(r"(?P<N>\w)\.c")
    files = ["/a/b.c", "/d/e.f"]
    assert ruffus_utility.formatter_replace(files, ["x"], [name], ["{path[0]}", "{N[0]}{basename[1]}"]) == ["/a", "be"]
    with pytest.raises(error_input_file_does_not_match, match=r"Unmatched field \{1\} in '\{N\[1\]\}'"):
        ruffus_utility.formatter_replace(files, ["x"], [name], "{N[1]}")
    nested = [["/a/b.c"], ["/d/e.f"]]
    assert ruffus_utility.nested_formatter_replace(nested, [["x"], []], [[name], []], "{N[0][0]}{ext[1][0]}") == "b.f"
    assert ruffus_utility.regex_replace("ab.txt", "x", re.compile("(a)(b)"), [r"\1.o", 4]) == ["a.o.txt", 4]
    assert ruffus_utility.regex_replace("a.x", ".x", re.compile(r"(.*)\.x$"), ".y", 1) == "a.y"


def test_components_and_groups() -> None:
    found = ruffus_utility.get_all_paths_components(["/a/b.c", "/d/e.f"], [re.compile(r"(?P<N>\w)\.")])
    assert (found[0]["N"], found[0][0], found[1]["path"]) == ("b", "b.", "/d")
    assert ruffus_utility.get_all_paths_components(["/a/b.c"], [re.compile("zz")]) == [{}]
    assert ruffus_utility.swap_nesting_order([{"a": 1, 0: 2}, {"a": 3}]) == ([{0: 2}], {"a": {0: 1, 1: 3}})
    assert ruffus_utility.swap_doubly_nested_order([[{"a": 1}], [{"a": 3}]]) == ([], {"a": {0: {0: 1}, 1: {0: 3}}})


def test_what_inputs_speak_of() -> None:
    given = [ruffus.output_from("x"), "z*", "plain"]
    assert ruffus_utility.get_nested_tasks_or_globs(given) == ({"x"}, {"z*"}, set())
    assert ruffus_utility.expand_nested_tasks_or_globs(["a*", ["b"]], {"a*": ["a1", "a2"]}) == ["a1", "a2", ["b"]]


def test_checks_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").touch()
    assert file_name_parameters.needs_update_check_exist("here", "here") == (False, "Up to date")
    missing = "...\n        Missing file [gone]"
    assert file_name_parameters.needs_update_check_exist("here", ["gone"]) == (True, missing)
    gone = (True, ": Directories 'gone' is missing")
    assert file_name_parameters.needs_update_check_directory_missing([os.getcwd(), "gone"]) == gone
    with pytest.raises(MissingInputFileError, match="'gone' does not exist"):
        file_name_parameters.check_input_files_exist(["here", ["gone"]])
    assert file_name_parameters.epoch_seconds_to_str(1e9) == "09 Sep 2001 01:46:40.00"


def test_the_vocabulary_is_found_under_the_modules_of_ruffus() -> None:
    assert task.Pipeline is ruffus.Pipeline
    assert task.transform is ruffus.transform
    assert ruffus.task is task
    assert ruffus.__version__ == vars(import_module("gangline.pipeline.ruffus_version"))["__version"] == "3.0.0"
    assert list(adjacent_pairs_iterate("abc", reverse=True)) == [("c", "b"), ("b", "a")]
    names: dict[str, object] = {}
    exec("from gangline.pipeline import *", names)
    assert {"cmdline", "task", "ruffus_utility", "ruffus_exceptions", "pipeline_run"} <= names.keys()
