"""The examples of durable jobs, run as their users would, but on less data."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gangline.queue import JobRecord, Queue

EXAMPLES = Path(__file__).parents[2] / "examples"
BROKEN = """
from primes import PrimeJob

class Broken(PrimeJob):
    def launch(self, start, end, size):
        parts = [{"start": first, "end": first + size, "mid": self.id} for first in range(start, end, size)]
        self.queue.enqueue_many(Broken, parts)

    def work(self, start, end):
        return 1 / (start - 201)
"""


def work(url: str, folder: Path) -> None:
    """Have a worker do everything."""
    command = [sys.executable, "-m", "gangline", "worker", "--queue", url, "--slots", "2", "--until-empty"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


def loaded(path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A program of an example as a module."""
    monkeypatch.syspath_prepend(path.parent)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def primes(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return loaded(EXAMPLES / "primes" / "primes.py", monkeypatch)


def enter(queue: Queue, job: Any, **args: Any) -> int:
    return queue.enqueue(job, **args)


def done(queue: Queue, job: Any, **args: Any) -> JobRecord:
    """The record of a job that a worker has done."""
    number = enter(queue, job, **args)
    work(queue._address, EXAMPLES)
    return queue.get(number)


def test_all_primes_are_found_once(primes: ModuleType, tmp_path: Path) -> None:
    with Queue(f"sqlite:///{tmp_path}/queue.db") as queue:
        parent = done(queue, primes.PrimeJob, start=1, end=100_000, size=2_000)
        assert parent.state == "complete", parent.last_error
        assert parent.result == {"primes": 9592, "different": 9592, "largest": 99991}
        assert queue.children(parent.id) == {"complete": 50}
        assert parent.trial > 1
        assert parent.prog.message == "50 of 50 parts"


def test_a_part_that_fails_for_good_ends_the_whole(
    primes: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    shutil.copy(EXAMPLES / "primes" / "primes.py", tmp_path)
    broken = loaded(tmp_path / "broken.py", monkeypatch)
    with Queue(f"sqlite:///{tmp_path}/queue.db") as queue:
        parent = done(queue, broken.Broken, start=1, end=401, size=100)
        assert parent.state == "error"
        (child,) = queue.find({"parent": parent.id, "state": "error"})
        assert f"child {child.id} with {child.args} ended in error" in parent.last_error
        assert "ZeroDivisionError" in parent.last_error


def test_time_is_drawn_against_slots(primes: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = loaded(EXAMPLES / "primes" / "measure.py", monkeypatch)
    monkeypatch.setattr(measure, "LAST", 10_000)
    monkeypatch.setattr(measure, "SIZE", 1_000)
    result, parts, took_s = measure.run(primes.PrimeJob, 2, tmp_path)
    assert (result["primes"], parts) == (1229, 10)
    assert took_s > 0
    measure.draw({kind: [4.0, 2.0, 1.0] for kind in measure.KINDS.values()}, tmp_path / "primes.svg")
    assert "slots of the worker" in (tmp_path / "primes.svg").read_text()


def test_every_thumbnail_is_made_once_though_workers_are_killed(tmp_path: Path) -> None:
    sklearn, matplotlib = importlib.util.find_spec("sklearn"), importlib.util.find_spec("matplotlib")
    assert sklearn
    assert matplotlib
    places = [
        Path(str(sklearn.origin)).parent / "datasets" / "images",
        Path(str(matplotlib.origin)).parent / "mpl-data" / "sample_data",
    ]
    (tmp_path / "images").mkdir()
    found = [path for place in places for path in place.iterdir() if path.suffix in (".jpg", ".png")]
    for path in found:
        for copy in range(4):
            shutil.copy(path, tmp_path / "images" / f"{copy}-{path.name}")
    command = [sys.executable, str(EXAMPLES / "thumbnails" / "run.py"), "images", "results"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    jobs = 7 * 4 * len(found)
    assert f"{jobs} of {jobs} jobs are complete; the album has {jobs} lines, {jobs} different ones" in ran.stdout
    assert "killed with signal 9: the worker 'first'" in ran.stdout
    assert len(list((tmp_path / "results" / "64").iterdir())) == len(found) * 4
    assert (tmp_path / "results" / "album.jpg").stat().st_size > 10_000
