"""What is foretold is what a run does then, whatever has become of the files."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from gangline.pipeline import Pipeline, pipeline_run, regex, suffix
from gangline.pipeline.running.forecast import JobState, forecast
from gangline.pipeline.running.options import RunOptions
from gangline.pipeline.running.watching import RunEvent


def make(output: str) -> None:
    Path(output).write_text("x")


def copy(source: Any, target: str, *extras: Any) -> None:
    Path(target).write_text("x")


def several(source: str, targets: list[str]) -> None:
    for target in targets:
        Path(target).write_text("x")


def declare(extra: int, temporary: bool = False) -> Pipeline:
    pipeline = Pipeline("foretold")
    first = pipeline.originate(make, [f"{number}.a" for number in range(4)], name="first")
    second = pipeline.transform(copy, first, suffix(".a"), ".b", extras=[extra], name="second", temporary=temporary)
    parts = pipeline.subdivide(
        several, first, regex(r"(\d)\.a"), [r"\1.c1", r"\1.c2"], name="parts", temporary=temporary
    )
    pipeline.merge(copy, [second], "all.m", name="merged")
    pipeline.transform(copy, "in.*.raw", regex(r"in\.(\d)\.raw"), r"\1.cooked", name="cooked")
    collated = pipeline.collate(copy, [parts, second], regex(r"(\d)\.\w+$"), r"\1.d", name="collated")
    pipeline.transform(copy, collated, suffix(".d"), ".e", name="last").jobs_limit(2).follows("merged")
    return pipeline


def disturb(chance: random.Random) -> None:
    """Some files are touched, set back in time, removed, or written by somebody else."""
    for name in sorted(path.name for path in Path().iterdir() if not path.name.startswith(".")):
        match chance.randrange(12):
            case 0:
                moment = time.time() - chance.uniform(
                    0, 50
                )  # in the future, nobody knows how long it takes to get there
                os.utime(name, (moment, moment))
            case 1 if not name.endswith(".raw"):
                os.unlink(name)
            case 2:
                Path(name).write_text("y")
    if chance.random() < 0.2:
        Path(f"in.{chance.randrange(6)}.raw").write_text("x")


def foretold(options: dict[str, Any]) -> list[str]:
    with forecast(RunOptions(**options)) as seen:
        assert not any(each.unsettled_by for each in seen.stages)
        return sorted(job.text for each in seen.stages for job in each.jobs if job.runs)


def done(options: dict[str, Any]) -> list[str]:
    ended: list[str] = []

    def tell(event: RunEvent) -> None:
        if event.kind == "job ended":
            ended.append(event.job)

    pipeline_run(**options, verbose=0, progress=tell)
    return sorted(ended)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("temporary", [False, True])
def test_what_is_foretold_is_done(
    seed: int, level: int, temporary: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Pipeline.clear_all()
    chance = random.Random(seed)
    for number in range(3):
        Path(f"in.{number}.raw").write_text("x")
    try:
        for extra in (1, 1, 2, 2):
            options: dict[str, Any] = {"pipeline": declare(extra, temporary), "checksum_level": level}
            if chance.random() < 0.3:
                options["forcedtorun_tasks"] = [chance.choice(["second", "parts", "cooked", "last"])]
            told = foretold(options)
            assert told == done(options)
            options.pop("forcedtorun_tasks", None)
            Pipeline.clear_all()
            disturb(chance)
    finally:
        Pipeline.clear_all()


@pytest.mark.parametrize("seed", range(4))
def test_where_contents_decide_no_more_is_done_than_foretold(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is made anew may turn out to be what it was before, and then nothing follows from it."""
    monkeypatch.chdir(tmp_path)
    Pipeline.clear_all()
    chance = random.Random(seed)
    try:
        for _ in range(3):
            options = {"pipeline": declare(1), "checksum_level": 5}
            with forecast(RunOptions(**options)) as seen:
                jobs = [job for each in seen.stages for job in each.jobs]
                certain = {job.text for job in jobs if job.state is JobState.STALE and not job.remade}
                possible = {job.text for job in jobs if job.runs}
            ran = set(done(options))
            assert certain <= ran <= possible
            Pipeline.clear_all()
            disturb(chance)
    finally:
        Pipeline.clear_all()
