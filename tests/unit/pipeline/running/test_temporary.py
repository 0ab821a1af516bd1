"""Temporary outputs are made again for the jobs that need them, and for no others."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gangline.pipeline import Pipeline, add_inputs, formatter, regex, suffix

Work = Callable[..., None]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Work, list[str]]:
    """A folder with old sources, a function that makes its output, and the names of all that it has made."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.0", "b.0"):
        Path(name).touch()
        os.utime(name, (1e9, 1e9))
    made: list[str] = []

    def make(*params: Any) -> None:
        sources = params[0] if len(params) > 1 else ()
        for source in [sources] if isinstance(sources, str) else sources:
            assert Path(source).exists(), f"{source} is gone"
        made.append(params[-1])
        Path(params[-1]).touch()

    return make, made


def run(pipeline: Pipeline, made: list[str]) -> list[str]:
    """Run it anew, and return what was made."""
    made.clear()
    pipeline.run(multithread=2, verbose=0)
    del Pipeline.pipelines[pipeline.name]
    return sorted(made)


def test_only_what_a_change_leads_to_is_made_again(work: tuple[Work, list[str]]) -> None:
    make, made = work

    def build() -> Pipeline:
        pipeline = Pipeline("chain")
        pipeline.transform(make, ["a.0", "b.0"], suffix(".0"), ".1", name="one", temporary=True)
        pipeline.transform(make, pipeline["one"], suffix(".1"), ".2", name="two", temporary=True)
        pipeline.transform(make, pipeline["two"], suffix(".2"), ".3", name="three")
        return pipeline

    assert len(run(build(), made)) == 6
    Path("b.0").touch()
    assert run(build(), made) == ["b.1", "b.2", "b.3"]
    os.unlink("a.3")
    assert run(build(), made) == ["a.1", "a.2", "a.3"]
    assert run(build(), made) == []
    assert sorted(path.name for path in Path().glob("?.?")) == ["a.0", "a.3", "b.0", "b.3"]


def test_what_is_made_again_is_made_again_for_all_who_read_it(work: tuple[Work, list[str]]) -> None:
    make, made = work

    def build() -> Pipeline:
        pipeline = Pipeline("fork")
        pipeline.transform(make, ["a.0", "b.0"], suffix(".0"), ".1", name="one", temporary=True)
        pipeline.transform(make, pipeline["one"], suffix(".1"), ".x", name="x")
        pipeline.merge(make, pipeline["one"], "all", name="all")
        return pipeline

    assert len(run(build(), made)) == 5
    os.unlink("a.x")
    assert run(build(), made) == ["a.1", "a.x", "all", "b.1", "b.x"]
    assert run(build(), made) == []


def test_where_jobs_are_known_only_later_nothing_is_missed(work: tuple[Work, list[str]]) -> None:
    """What a split makes may join a group that has to read what was removed."""
    make, made = work
    parts = ["a.part"]

    def cut(source: str, outputs: list[str]) -> None:
        for name in parts:
            Path(name).touch()

    def build() -> Pipeline:
        pipeline = Pipeline("groups")
        pipeline.split(cut, "b.0", "*.part", name="cut")
        pipeline.transform(make, "a.0", suffix(".0"), ".1", name="one", temporary=True)
        both = [pipeline["one"], pipeline["cut"]]
        pipeline.collate(make, both, regex(r"(.).*"), r"\1.all", name="collect")
        pipeline.transform(
            make, pipeline["cut"], formatter(), add_inputs(pipeline["one"]), "{basename[0]}.2", name="beside"
        )
        return pipeline

    assert run(build(), made) == ["a.1", "a.2", "a.all"]
    assert not Path("a.1").exists()
    parts[:] = ["a2.part", "c.part"]
    Path("b.0").touch()
    assert {"a.1", "a.all", "a2.2", "c.2"} <= set(run(build(), made))
    assert run(build(), made) == []


def test_what_is_added_to_each_job_and_known_now_leaves_them_as_they_are(work: tuple[Work, list[str]]) -> None:
    make, made = work

    def cut(source: str, outputs: list[str]) -> None:
        Path(f"{source[0]}.part").touch()

    def build() -> Pipeline:
        pipeline = Pipeline("index")
        pipeline.originate(make, ["index"], name="index")
        pipeline.subdivide(cut, ["a.0", "b.0"], formatter(), "{basename[0]}*.part", name="cut")
        pipeline.transform(
            make, pipeline["cut"], suffix(".part"), add_inputs(pipeline["index"]), ".1", name="one", temporary=True
        )
        pipeline.transform(make, pipeline["one"], suffix(".1"), ".2", name="two")
        pipeline.merge(make, pipeline["two"], "all", name="all")
        return pipeline

    assert run(build(), made) == ["a.1", "a.2", "all", "b.1", "b.2", "index"]
    Path("b.0").touch()
    assert run(build(), made) == ["all", "b.1", "b.2"]
    os.unlink("index")
    assert run(build(), made) == ["a.1", "a.2", "all", "b.1", "b.2", "index"]
