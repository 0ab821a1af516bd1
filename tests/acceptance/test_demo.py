"""The main job: the standard library analysed as a user would have it done."""

from __future__ import annotations

import json
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


def demonstrate(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gangline", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=280)


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


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the command tells a person about the whole standard library."""
    folder = tmp_path_factory.mktemp("told")
    done = demonstrate("--backend", "threads", "--no-picture", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "analysing" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert list(folder.iterdir()) == []
    return done.stdout


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What it tells a program, with an engine killed half way."""
    folder = tmp_path_factory.mktemp("report")
    done = demonstrate("--engines", "2", "--kill", "--picture", "library.svg", "--output", "json", cwd=folder)
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def test_the_whole_standard_library(report: dict[str, Any]) -> None:
    assert report["totals"]["modules"] == len(find_library().sources) > 600
    assert {"asyncio", "json", "email"} <= {summary["package"] for summary in report["packages"]}
    titles = ElementTree.parse(report["picture"]).iter("{http://www.w3.org/2000/svg}title")
    assert sum(1 for _ in titles) == report["totals"]["modules"]


def test_a_killed_engine_is_replaced_and_takes_no_result_with_it(report: dict[str, Any], told: str) -> None:
    assert f"Answer: {report['answer']} " in told
    killed, per_engine = report["killed"], report["per_engine"]
    assert 2 * killed["after"] >= report["tasks"] > killed["after"]
    assert killed["engine"] not in killed["replaced_by"] != [], (killed, per_engine)
    assert set(per_engine) - {"0", "1"} == {str(engine) for engine in killed["replaced_by"]}, (killed, per_engine)
    assert sum(per_engine.values()) == report["tasks"]


def test_what_a_person_reads(told: str) -> None:
    assert "The standard library of Python" in told
    assert "(the same on every backend)" in told
    assert "Left out: " in told
