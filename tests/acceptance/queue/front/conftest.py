"""What a user has: a folder with a program, a queue, and the commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gangline.cli.main import gangline
from gangline.queue import Queue
from tests.integration.queue_store.conftest import emptied

Run = Callable[..., subprocess.CompletedProcess[str]]
Command = Callable[..., str]

PROGRAM = """
import sys

from gangline.queue import DurableJob, JobExists, Queue


class Work(DurableJob):
    def execute(self, number=0, **more):
        return number


if __name__ == "__main__":
    with Queue() as queue:
        for number in map(int, sys.argv[1:]):
            try:
                print("entered", queue.enqueue(Work, number=number))
            except JobExists as error:
                print("exists", error.job)
"""


@pytest.fixture(params=["sqlite", "postgres"])
def queue(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    """An empty queue, which is the usual one in this test's folder."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/jobs.db"
    else:
        url = emptied(request.getfixturevalue("server").url)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("GANGLINE_QUEUE_URL", url)
    monkeypatch.delenv("GANGLINE_QUEUE_CONFIG", raising=False)
    (tmp_path / "program.py").write_text(PROGRAM)
    with Queue() as queue:
        yield queue
    sys.modules.pop("program", None)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program in the folder of the test."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def command() -> Command:
    """Give `gangline queue` some words; what it prints on stdout, or on stderr if it fails as it should."""

    def command(*words: str, exits: int = 0) -> str:
        result = CliRunner().invoke(gangline, ["queue", *words])
        assert result.exit_code == exits, result.output
        return result.stderr if exits else result.stdout

    return command
