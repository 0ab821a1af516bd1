"""What seldom happens to tasks that are jobs of a real Slurm."""

from __future__ import annotations

import contextlib
import contextvars
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gangline import Client, Command
from gangline.pipeline import Pipeline, suffix
from gangline.pipeline.drmaa_wrapper import error_drmaa_job, run_job
from tests.slurm import PATIENCE_S, Slurm

RESUMED = Path(__file__).with_name("resumed_program.py")


@pytest.fixture
def pipeline(request: pytest.FixtureRequest) -> Iterator[Pipeline]:
    yield Pipeline(request.node.name)
    Pipeline.clear_all()


@pytest.mark.parametrize("name", ["a b'c\"d%j é$HOME*;&|\\x", "new\nline", "\udcff"])
def test_folders_with_odd_names(site: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    with Client(backend="batch", system="slurm") as client:
        view = client.load_balanced_view()
        told = [view.apply(Command("pwd > told; echo $(ls)")) for _ in range(2)]
        called = view.apply(os.getcwd)
        assert called.get(timeout=PATIENCE_S) == str(folder)
        for result in told:
            result.get(timeout=PATIENCE_S)
            assert result.stdout == "told\n"
    assert (folder / "told").read_bytes() == os.fsencode(folder) + b"\n"


def test_a_program_that_is_killed_while_it_submits(
    site: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheduler has taken the first job, and the program never hears of that: it is not run once more."""
    lines = tmp_path / "lines"
    lines.mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    sbatch = programs / "sbatch"
    sbatch.write_text(f'#!/bin/sh\n{shutil.which("sbatch")} "$@"; kill -9 $PPID\n')
    sbatch.chmod(0o755)
    argv = [sys.executable, str(RESUMED), str(lines), str(tmp_path / "go")]
    with monkeypatch.context() as changed:
        changed.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        assert subprocess.run(argv, capture_output=True).returncode == -signal.SIGKILL
    site.until(lambda: list(lines.iterdir()), "the job runs")
    (tmp_path / "go").touch()
    again = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S)
    assert again.stdout == "submitted\n0 1 2\n", again.stderr
    assert [path.read_text() for path in lines.iterdir()] == ["run\n"] * 3
    site.until(lambda: not site.jobs(), "no job is left")
    assert list((tmp_path / ".gangline" / "batch").iterdir()) == []


def test_jobs_that_are_called_off_at_any_moment(site: Slurm, tmp_path: Path) -> None:
    """While they are submitted, wait, run or end. Each ends one way or another, and none is left."""
    chance = random.Random(7)
    with Client(backend="batch", system="slurm", engines=12) as client:
        view = client.load_balanced_view()
        results = []
        for _ in range(30):
            results.append(view.apply(Command(f"sleep {chance.uniform(0, 0.5)}")))
            client.wait(results, timeout=chance.choice((0, 0, 0.1)))
            with contextlib.suppress(RuntimeError):  # it has ended
                client.abort(chance.choice(results), interrupt=True)
        client.wait(results, timeout=PATIENCE_S)
        assert all(result.ready() for result in results)
        assert any(result.successful() for result in results)
        site.until(lambda: not site.jobs(), "no job is left")
        assert list((tmp_path / ".gangline" / "batch").glob("*/*/")) == []


def test_run_job_where_little_is_as_usual(site: Slurm, pipeline: Pipeline) -> None:
    """Much output, words that cannot be read, and a thread of the job's own."""
    Path("a.txt").touch()
    seen: list[object] = []

    def run(command: str, **more: str) -> None:
        try:
            seen.append(run_job(command, **more))
        except error_drmaa_job as error:
            seen.append(str(error))

    def work(source: str, target: str) -> None:
        run("seq 300000; touch a.out")
        run("true", job_other_options="--comment='open")
        threads = [
            threading.Thread(target=run, args=("true",)),
            threading.Thread(target=contextvars.copy_context().run, args=(run, "echo there")),
        ]
        for thread in threads:
            thread.start()
            thread.join()

    pipeline.transform(work, ["a.txt"], suffix(".txt"), ".out")
    pipeline.run(backend="batch", verbose=0)
    much, unreadable, thread, informed = seen
    assert much == ([f"{number}\n" for number in range(1, 300_001)], [])
    assert "cannot be read: No closing quotation" in str(unreadable)
    assert "copy_context" in str(thread)
    assert informed == (["there\n"], [])
