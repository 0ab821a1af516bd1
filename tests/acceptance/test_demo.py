"""The main job: the standard library analysed as a user would have it done."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gangline.demo.run import Analysis, Progress, analyse
from gangline.demo.sources import Library, find_library
from gangline.views import Client

ENGINES = {"inline": 1, "threads": 2, "processes": 2}


OF_ANOTHER_LIBRARY = """
import sys
from gangline.cli import demo
from gangline.cli.main import main
library = demo.find_library(sys.argv.pop(1))
demo.find_library = lambda: library
main()
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A small part of the standard library, with files that cannot be read."""
    root = tmp_path_factory.mktemp("library")
    whole = Path(find_library().root)
    for package in ("json", "concurrent", "html"):
        shutil.copytree(whole / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(whole / "types.py", root)
    (root / "html" / "broken.py").write_text("def f(:\n")
    (root / "html" / "undecodable.py").write_bytes(b"x = '\xff\xfe'\n")
    return find_library(str(root))


@pytest.fixture(scope="module")
def answers(library: Library, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Analysis]:
    """The analysis of the small library on every backend."""
    found = {}
    for backend, engines in ENGINES.items():
        folder = tmp_path_factory.mktemp(backend)
        with Client(backend=backend, n=engines) as client:
            found[backend] = analyse(client, library, str(folder), picture=str(folder / "picture.svg"))
    return found


def test_every_backend_gives_the_same_answer(answers: dict[str, Analysis]) -> None:
    assert len({analysis.packages for analysis in answers.values()}) == 1
    assert len({analysis.digest for analysis in answers.values()}) == 1
    assert len({Path(analysis.picture or "").read_bytes() for analysis in answers.values()}) == 1


def test_each_task_is_done_once_by_some_engine(library: Library, answers: dict[str, Analysis]) -> None:
    tasks = len(library.sources) + len(library.packages) + 1
    for analysis in answers.values():
        assert analysis.tasks == tasks == sum(analysis.per_engine.values())


def test_files_that_cannot_be_read_are_told(answers: dict[str, Analysis]) -> None:
    (html,) = [summary for summary in answers["processes"].packages if summary.package == "html"]
    assert [module for module, _ in html.unreadable] == ["html.broken", "html.undecodable"]


def test_the_progress_grows_to_the_end(library: Library, tmp_path: Path) -> None:
    seen: list[Progress] = []
    with Client(backend="threads", n=2) as client:
        analysis = analyse(client, library, str(tmp_path), watch=seen.append)
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert seen[-1] == Progress(
        analysis.tasks, analysis.tasks, sum(summary.lines for summary in analysis.packages), engines=2
    )


GATE = "a = 1\n"


@pytest.fixture
def gates(tmp_path: Path) -> list[Path]:
    """The last two modules of a library: whoever reads one of them waits until somebody writes it."""
    package = tmp_path / "library" / "last"
    package.mkdir(parents=True)
    found = [package / name for name in ("one.py", "two.py")]
    for gate in found:
        os.mkfifo(gate)
    for number in range(20):
        (package.parent / f"module{number}.py").write_text(f"def f{number}(): pass\n")
    return found


def test_another_engine_takes_the_place_and_the_work_of_one_that_is_killed(gates: list[Path], tmp_path: Path) -> None:
    library = find_library(str(tmp_path / "library"))
    writers: dict[Path, int] = {}

    def open_gates(progress: Progress) -> None:
        """As soon as two engines wait at them: when one of the two was killed, another one has come."""
        if len(writers) == len(gates) or 0 in client.ids:
            return
        for gate in set(gates) - writers.keys():
            with contextlib.suppress(OSError):  # nobody reads it yet
                writers[gate] = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
        if len(writers) == len(gates):
            for writer in writers.values():
                os.write(writer, GATE.encode())
                os.close(writer)

    (tmp_path / "killed").mkdir()
    with Client(backend="processes", n=2) as client:
        disturbed = analyse(client, library, str(tmp_path / "killed"), kill=True, watch=open_gates)
    assert disturbed.kill is not None
    assert (disturbed.kill.engine, disturbed.kill.replaced_by) == (0, (2,))
    assert disturbed.per_engine[2] > 0
    assert sum(disturbed.per_engine.values()) == disturbed.tasks
    for gate in gates:
        gate.unlink()
        gate.write_text(GATE)
    (tmp_path / "inline").mkdir()
    with Client(backend="inline") as client:
        assert analyse(client, library, str(tmp_path / "inline")).digest == disturbed.digest


@pytest.fixture(scope="module")
def told(library: Library, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the command tells a person."""
    folder = tmp_path_factory.mktemp("told")
    command = [sys.executable, "-c", OF_ANOTHER_LIBRARY, library.root, "demo", "--backend", "threads", "--no-picture"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=280)
    assert "analysing" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert list(folder.iterdir()) == []
    return done.stdout


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What it tells a program about the whole standard library, with an engine killed half way."""
    folder = tmp_path_factory.mktemp("report")
    command = [sys.executable, "-m", "gangline", "demo", "--engines", "2", "--kill", "--picture", "library.svg"]
    done = subprocess.run([*command, "--output", "json"], capture_output=True, text=True, cwd=folder, timeout=280)
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def test_the_whole_standard_library(report: dict[str, Any]) -> None:
    sources = find_library().sources
    assert report["totals"]["modules"] == len(sources) > 600
    assert report["totals"]["lines"] == sum(len(Path(source.path).read_bytes().splitlines()) for source in sources)
    assert {"asyncio", "json", "email"} <= {summary["package"] for summary in report["packages"]}
    titles = ElementTree.parse(report["picture"]).iter("{http://www.w3.org/2000/svg}title")
    assert sum(1 for _ in titles) == report["totals"]["modules"]


def test_a_killed_engine_takes_no_result_with_it(report: dict[str, Any]) -> None:
    killed, per_engine = report["killed"], report["per_engine"]
    assert 2 * killed["after"] >= report["tasks"] > killed["after"]
    assert killed["engine"] not in killed["replaced_by"]
    assert set(per_engine) - {"0", "1"} <= {str(engine) for engine in killed["replaced_by"]}, (killed, per_engine)
    assert sum(per_engine.values()) == report["tasks"]


def test_what_a_person_reads(told: str, answers: dict[str, Analysis]) -> None:
    assert f"Answer: {answers['inline'].digest} " in told
    assert "The standard library of Python" in told
    assert "(the same on every backend)" in told
    assert "Left out: " in told
