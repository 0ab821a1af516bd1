"""What runs again, and what does not: P5, P6, P10, P11, P12, P14, P15, P33.

Single questions are held against upstream in tests/unit/pipeline/freshness.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gangline.pipeline import Pipeline, formatter, mkdir, suffix, touch_file
from gangline.pipeline.ruffus_exceptions import RethrownJobError

from .conftest import Ear, Tally, age, files, get, make, put, run, tick

LEVELS = range(6)


def one(function: Any, name: str, *extras: Any) -> Pipeline:
    """in -> out."""
    pipeline = Pipeline(name)
    pipeline.transform(function, "in", formatter(), "out", *extras, name="work")
    return pipeline


@pytest.fixture
def made() -> Callable[[int], None]:
    """An `out` that was made of `in` at some level, both some time ago."""

    def at(level: int) -> None:
        for name in ("in", "out", ".ruffus_history.sqlite"):
            Path(name).unlink(missing_ok=True)
        put("in", "original")
        age(50, "in")
        run(one(make(), f"made {level} {time.time()}"), checksum_level=level)

    return at


def runs(level: int, function: Any | None = None, *extras: Any) -> bool:
    """Whether the stage has something to do, by a run and by a printout before it."""
    tally = Tally() if function is None else None
    pipeline = one(tally or function, f"asked {time.time()}", *extras)
    before = Path("out").stat().st_mtime_ns if Path("out").exists() else None
    heard: list[str] = []

    class Heard:
        def write(self, text: str) -> None:
            heard.append(text)

    pipeline.printout(Heard(), checksum_level=level, verbose=5)
    tick()
    run(pipeline, checksum_level=level)
    ran = bool(tally.calls) if tally is not None else Path("out").stat().st_mtime_ns != before
    assert ("Job needs update" in "".join(heard)) is ran
    return ran


# P5, P6 ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_p5_nothing_changed(level: int, made: Callable[[int], None]) -> None:
    made(level)
    assert not runs(level, make())


@pytest.mark.parametrize("level", LEVELS)
def test_p6_a_deleted_output_is_made_at_every_level(level: int, made: Callable[[int], None]) -> None:
    made(level)
    os.unlink("out")
    assert runs(level, make())


@pytest.mark.parametrize("level", LEVELS)
def test_p6_a_newer_input_counts_at_all_levels_but_that_of_contents(level: int, made: Callable[[int], None]) -> None:
    made(level)
    tick()
    os.utime("in")
    assert runs(level, make()) is (level < 5)


@pytest.mark.parametrize("level", LEVELS)
def test_p6_an_output_of_another_tool(level: int) -> None:
    put("in")
    age(50, "in")
    put("out")
    assert runs(level, make()) is (level > 0)


@pytest.mark.parametrize("level", LEVELS)
def test_p6_a_changed_function(level: int, made: Callable[[int], None]) -> None:
    def other(source: str, output: str) -> None:
        Path(output).write_text("by another function")

    made(level)
    assert runs(level, other) is (level >= 2)


@pytest.mark.parametrize("level", LEVELS)
def test_p6_changed_extras(level: int, made: Callable[[int], None]) -> None:
    made(level)
    run(one(make(), "with", "extra"), checksum_level=level, forcedtorun_tasks=["work"])
    assert not runs(level, make(), "extra")
    assert runs(level, make(), "other") is (level >= 3)


def test_p6_a_constant_a_default_and_a_name_are_part_of_a_function() -> None:
    versions = [
        "def work(source, output):\n    put(output, '1')\n",
        "def work(source, output):\n    put(output, '2')\n",
        "def work(source, output, more=1):\n    put(output, '2')\n",
        "def work(source, output, more=2):\n    put(output, '2')\n",
        "def work(source, output, more=2):\n    print(end='')\n    put(output, '2')\n",
    ]
    same = "# a comment\n\n\ndef work(source, output, more=2):\n    print(end='')\n    put(output, '2')\n"
    put("in")
    age(50, "in")
    for number, text in enumerate([*versions, same]):
        namespace: dict[str, Any] = {"__name__": "changing", "put": put}
        exec(compile(text, "changing.py", "exec"), namespace)
        assert runs(2, namespace["work"]) is (number < len(versions)), number


def test_p5_equally_old_is_out_of_date_and_an_output_that_is_an_input_does_not_count() -> None:
    put("in")
    run(one(make(), "first"))
    now = time.time() + 5
    os.utime("in", (now, now))
    os.utime("out", (now, now))
    assert runs(1, make())
    os.symlink("in", "link")
    tally = Tally()
    for name in ("one", "two"):
        pipeline = Pipeline(name)
        pipeline.transform(tally, "in", formatter(), ["link", "second"], name="both")
        run(pipeline)
        assert len(tally.take()) == (1 if name == "one" else 0)


def test_p5_of_several_outputs_the_oldest_and_of_several_inputs_the_newest_counts() -> None:
    for name in ("in.1", "in.2"):
        put(name)
    age(50, "in.1", "in.2")
    tally = Tally()

    def build(name: str) -> Pipeline:
        pipeline = Pipeline(name)
        pipeline.merge(tally, ["in.1", ["in.2"]], ["out.1", ["out.2"]], name="work")
        return pipeline

    tally._make = lambda *params: [put("out.1"), put("out.2")]  # type: ignore[assignment]
    run(build("one"))
    assert len(tally.take()) == 1
    run(build("two"))
    assert tally.take() == []
    tick()
    put("in.2", "newer")
    run(build("three"))
    assert len(tally.take()) == 1


@pytest.mark.parametrize("level", LEVELS)
def test_p5_a_file_restored_with_an_old_time(level: int, made: Callable[[int], None]) -> None:
    """From a backup or an archive: older than the output, other contents."""
    made(level)
    put("in", "another content")
    age(1000, "in")
    assert runs(level, make()) is (level >= 4)


@pytest.mark.parametrize("level", LEVELS)
def test_p5_an_output_that_was_put_back_older_than_its_input(level: int, made: Callable[[int], None]) -> None:
    made(level)
    age(1000, "out")
    assert runs(level, make()) is (level < 5)


# P33 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("size", ["the same size", "another size"])
def test_p33_contents_that_change_under_the_same_time(level: int, size: str, made: Callable[[int], None]) -> None:
    made(level)
    status = os.stat("in")
    put("in", "ORIGINAL" if size == "the same size" else "much longer than before")
    os.utime("in", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert runs(level, make()) is (level == 5 or (level == 4 and size == "another size"))


@pytest.mark.parametrize("level", [4, 5])
def test_p33_an_output_that_somebody_edited(level: int, made: Callable[[int], None]) -> None:
    made(level)
    with open("out", "a") as file:
        file.write("by hand")
    assert runs(level, make())
    assert get("out") == "made"


def test_p33_a_file_that_changed_and_changed_back_is_the_same() -> None:
    put("in", "original")
    age(50, "in")
    run(one(make(), "first"), checksum_level=5)
    put("in", "something else")
    put("in", "original")
    assert not runs(5, make())


HELPERS = """
from pathlib import Path

def helper(text):
    return inner(text)

def inner(text):
    return text + {0!r}

class Tool:
    def use(self):
        return {1!r}

def unused():
    return {2!r}

def work(source, output):
    tool = Tool()
    with open(output, "w") as file:
        file.write(helper(Path(source).read_text()) + tool.use())
"""


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("changed", [0, 1, 2])
def test_p33_helpers_of_the_same_module(
    level: int, changed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"helped_{level}_{changed}"

    def load(*words: str) -> Any:
        import importlib

        put(f"{name}.py", HELPERS.format(*words))
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module(name).work

    put("in", "original")
    age(50, "in")
    run(one(load("a", "b", "c"), "before"), checksum_level=level)
    words = ["a", "b", "c"]
    assert not runs(level, load(*words))
    words[changed] = "other"
    assert runs(level, load(*words)) is (level >= 4 and changed != 2)
    sys.modules.pop(name, None)


def test_p33_levels_may_be_changed_from_run_to_run(made: Callable[[int], None]) -> None:
    made(1)
    for level in (5, 0, 3, 4, 2, 1, 5):
        assert not runs(level, make()), level


# P10, P11, P12 --------------------------------------------------------------------------------------------------------


def test_p10_posttasks_run_after_the_last_job_and_only_if_their_stage_is_in_the_run() -> None:
    told: list[tuple[str, int]] = []
    pipeline = Pipeline("p")
    start = pipeline.originate(make(), ["a.0", "b.0"], name="start")
    start.posttask(lambda: told.append(("start", len(files("*.0")))), touch_file("start.done"))
    other = pipeline.transform(make(), start, suffix(".0"), ".1", name="next")
    other.posttask(lambda: told.append(("next", len(files("*.1")))))
    run(pipeline, ["start"])
    assert told == [("start", 2)]
    assert Path("start.done").exists()
    run(pipeline)
    assert told == [("start", 2), ("next", 2)]
    run(pipeline)
    assert told == [("start", 2), ("next", 2)]


def test_p11_active_if_is_asked_at_each_run() -> None:
    active = [False]
    tally = Tally()
    pipeline = Pipeline("p")
    pipeline.originate(make(), ["a.0"], name="always")
    pipeline.originate(make(), ["b.0"], name="sometimes").active_if(lambda: active[0])
    pipeline.merge(tally, [pipeline["always"], pipeline["sometimes"]], "end", name="end")
    run(pipeline)
    assert tally.take() == [(["a.0"], "end")]
    assert not Path("b.0").exists()
    active[0] = True
    run(pipeline)
    assert tally.take() == [(["a.0", "b.0"], "end")]
    active[0] = False
    run(pipeline, forcedtorun_tasks=["end"])
    assert tally.take() == [(["a.0"], "end")]


def test_p12_a_check_of_ones_own_means_must_run_when_true() -> None:
    answer: Any = [True]
    asked: list[Any] = []
    tally = Tally()

    def check(*params: Any) -> Any:
        asked.append(params)
        return answer[0]

    put("in")
    pipeline = one(tally, "p")
    pipeline["work"].check_if_uptodate(check)
    for value, ran in ((True, 1), (False, 0), ((True, "because"), 1), ((False, "no need"), 0)):
        answer[0] = value
        run(pipeline)
        assert len(tally.take()) == ran, value
    assert set(asked) == {("in", "out")}


# P14 ------------------------------------------------------------------------------------------------------------------


def three(function: Any, name: str) -> Pipeline:
    pipeline = Pipeline(name)
    pipeline.originate(function, ["a.0", "b.0"], name="start")
    pipeline.transform(function, pipeline["start"], suffix(".0"), ".1", name="next")
    pipeline.merge(function, pipeline["next"], "end", name="end")
    return pipeline


@pytest.mark.parametrize("level", LEVELS)
def test_p14_touching_makes_outputs_exist_and_up_to_date(level: int) -> None:
    tally = Tally("by the function")
    run(three(tally, "touched"), touch_files_only=True, checksum_level=level)
    assert tally.take() == []
    assert files() == ["a.0", "a.1", "b.0", "b.1", "end"]
    assert get("end") == ""
    run(three(tally, "after"), checksum_level=level)
    assert tally.take() == []


def test_p14_touching_keeps_contents_and_touches_only_what_is_out_of_date() -> None:
    run(three(make("first"), "made"))
    age(100, *files())
    run(three(make("first"), "again"))
    before = {name: os.stat(name).st_mtime for name in files()}
    put("b.1", "changed")
    os.unlink("end")
    run(three(make("second"), "touched"), touch_files_only=True)
    assert (get("a.1"), get("b.1"), get("end")) == ("first", "changed", "")
    assert os.stat("a.0").st_mtime == before["a.0"]


def test_p14_regenerate_believes_what_exists_and_runs_nothing() -> None:
    tally = Tally()
    run(three(make(), "made"))
    os.unlink(".ruffus_history.sqlite")
    os.unlink("end")
    before = {name: os.stat(name).st_mtime_ns for name in files()}
    run(three(tally, "regenerated"), touch_files_only="regenerate")
    assert tally.take() == []
    assert {name: os.stat(name).st_mtime_ns for name in files()} == before
    run(three(tally, "after"))
    assert [call[1] for call in tally.take()] == ["end"]


# P15 ------------------------------------------------------------------------------------------------------------------


def test_p15_forced_stages_run_with_all_below_them_and_no_others() -> None:
    tally = Tally()
    run(three(tally, "one"))
    tally.take()
    run(three(tally, "two"), [], ["next"])
    assert sorted(call[-1] for call in tally.take()) == ["a.1", "b.1", "end"]
    run(three(tally, "three"), ["next"], ["next"])
    assert sorted(call[-1] for call in tally.take()) == ["a.1", "b.1"]
    run(three(tally, "four"), forcedtorun_tasks=["end"], touch_files_only=True)
    assert tally.take() == []


def test_p15_the_minimal_mode_tolerates_missing_intermediates() -> None:
    tally = Tally()
    run(three(tally, "one"))
    tally.take()
    os.unlink("a.0")
    os.unlink("b.0")
    run(three(tally, "minimal"), ["end"], gnu_make_maximal_rebuild_mode=False)
    assert tally.take() == []
    run(three(tally, "maximal"), ["end"])
    assert sorted(call[-1] for call in tally.take()) == ["a.0", "a.1", "b.0", "b.1", "end"]


def test_directories_are_made_once_and_before() -> None:
    tally = Tally()

    def build(name: str) -> Pipeline:
        pipeline = Pipeline(name)
        pipeline.originate(tally, ["deep/er ü/a"], name="start").follows(mkdir("deep/er ü", "other"))
        return pipeline

    run(build("one"))
    assert files() == ["deep/er ü/a"]
    assert os.path.isdir("other")
    run(build("two"))
    assert len(tally.take()) == 1


def test_p21_at_each_level_a_failed_job_is_made_again_though_its_outputs_look_new() -> None:
    def fail(source: str, output: str) -> None:
        put(output, "half")
        raise ValueError

    put("in")
    age(50, "in")
    for level in LEVELS:
        Path("out").unlink(missing_ok=True)
        with pytest.raises(RethrownJobError):
            run(one(fail, f"fails {level}"), checksum_level=level)
        assert get("out") == "half"
        assert runs(level), level
        assert get("out") == "made"


def test_reasons_are_told(ear: Ear) -> None:
    put("in")
    age(50, "in")
    run(one(make(), "one"), verbose=4, logger=ear)
    assert "Missing file [out]" in ear.text
