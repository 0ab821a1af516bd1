"""Pipelines whose jobs run on the workers of a Dask cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline import Client
from gangline.cluster import cluster
from gangline.pipeline import Pipeline, suffix
from gangline.pipeline.ruffus_exceptions import RethrownJobError

HERE = os.getpid()


@pytest.fixture
def pipeline(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        Path(f"{number}.txt").write_text(f"file {number}\n")
    yield Pipeline(request.node.name)
    Pipeline.clear_all()


def note_process(source: str, target: str) -> None:
    """Which process it ran in, and of which that is the child."""
    print("noted", source)
    Path(target).write_text(f"{os.getpid()} {os.getppid()}\n")


def test_commands_and_functions(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    """Each in another process than this one; what they print comes here; a second run has nothing to do."""
    names = [f"{number}.txt" for number in range(4)]
    upper = pipeline.transform(
        "tr a-z A-Z < {input} > {output}; echo did {output}", names, suffix(".txt"), ".up", name="up"
    )
    pipeline.transform(note_process, upper, suffix(".up"), ".pid", resources={"cores": 1})
    pipeline.run(backend="dask", multiprocess=2, verbose=0)
    assert Path("3.up").read_text() == "FILE 3\n"
    ran_in = {int(Path(f"{number}.pid").read_text().split()[0]) for number in range(4)}
    assert HERE not in ran_in
    out = capsys.readouterr().out
    assert "did 2.up\n" in out
    assert "noted 2.up\n" in out
    before = Path("0.up").stat().st_mtime_ns
    pipeline.run(backend="dask", verbose=0)
    assert Path("0.up").stat().st_mtime_ns == before


def test_one_stage_only_and_a_failure_there(pipeline: Pipeline) -> None:
    def fail(source: str, target: str) -> None:
        raise ValueError(f"not {source}")

    here = pipeline.transform("cp {input} {output}", ["0.txt"], suffix(".txt"), ".copy", name="copy")
    pipeline.transform(fail, here, suffix(".copy"), ".out", backend="dask")
    with pytest.raises(RethrownJobError, match=r"ValueError\(not 0.copy\)"):
        pipeline.run(verbose=0)


def test_the_engines_of_the_cluster_that_the_program_is_in(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which import from where the program does, also if its own folder is not the first any more."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    pipeline.transform(note_process, [f"{number}.txt" for number in range(4)], suffix(".txt"), ".pid")
    with cluster(2), Client() as client:
        workers = set(client[:].apply_sync(os.getppid))
        pipeline.run(backend="dask", verbose=0)
        ran_at = {int(Path(f"{number}.pid").read_text().split()[1]) for number in range(4)}
        assert ran_at <= workers
