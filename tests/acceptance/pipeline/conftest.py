"""What the tests of the acceptance table share: an empty folder, and a few words for writing and looking at files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gangline.pipeline import Pipeline, pipeline_run

PLACES = [{"multiprocess": 1}, {"multithread": 2}, {"multiprocess": 2}]
"""This process, threads of it, processes."""


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    for variable in ("DEFAULT_RUFFUS_HISTORY_FILE", "DEFAULT_RUFFUS_CHECKSUM_LEVEL"):
        monkeypatch.delenv(variable, raising=False)
    Pipeline.clear_all()
    yield
    Pipeline.clear_all()


class Ear:
    """A logger that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def info(self, text: str) -> None:
        self.heard.append(text)

    debug = warning = error = info

    @property
    def text(self) -> str:
        return "\n".join(self.heard)


@pytest.fixture
def ear() -> Ear:
    return Ear()


def run(pipeline: Pipeline | None = None, *args: Any, **named: Any) -> None:
    """Run it without a word."""
    pipeline_run(*args, **({"verbose": 0, "pipeline": pipeline} | named))


def put(path: str, text: str = "") -> None:
    """Write a file. Jobs on other processes cannot import this: there use `Path.write_text`, or `make`."""
    Path(path).write_text(text, encoding="utf-8")


def get(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def files(pattern: str = "**/*") -> list[str]:
    """All files that are not hidden, by their names from here."""
    found = [path for path in Path().glob(pattern) if path.is_file() or path.is_symlink()]
    return sorted(str(path) for path in found if not any(part.startswith(".") for part in path.parts))


def make(text: str = "made") -> Callable[..., None]:
    """The function of a stage: writes all its outputs; travels to other processes by itself."""

    def work(*params: Any) -> None:
        outputs = params[min(1, len(params) - 1)]
        for output in [outputs] if isinstance(outputs, str) else outputs:
            with open(output, "w", encoding="utf-8") as file:
                file.write(text)

    return work


class Tally:
    """The function of a stage that notes each call; for jobs of this process, or of threads."""

    def __init__(self, text: str = "made") -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._make = make(text)

    def __call__(self, *params: Any) -> None:
        self.calls.append(params)
        self._make(*params)

    def take(self) -> list[tuple[Any, ...]]:
        """The calls since the last time, sorted."""
        calls, self.calls = self.calls, []
        return sorted(calls, key=repr)


def age(seconds: float, *names: str) -> None:
    """Make files so many seconds old."""
    for name in names:
        at = time.time() - seconds
        os.utime(name, (at, at))


def tick() -> None:
    """Return when the clock of files has gone on: what is written now is newer than what was written before."""
    put(".tick")
    before = os.stat(".tick").st_mtime_ns
    while os.stat(".tick").st_mtime_ns <= before:
        time.sleep(0.001)
        put(".tick")


def start(program: str, *args: str, **options: Any) -> subprocess.Popen[str]:
    """A program of its own, in a session of its own, that knows the whole vocabulary."""
    head = "import os, sys, time, signal, threading\nfrom gangline.pipeline import *\n"
    name = f"program{len(list(Path().glob('program*.py')))}.py"
    Path(name).write_text(head + textwrap.dedent(program), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, name, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def ran(program: str, *args: str, **options: Any) -> tuple[int, str, str]:
    """Run such a program to its end: exit code, output, errors."""
    process = start(program, *args, **options)
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, out, err


def wait_for(condition: Callable[[], Any], limit_s: float = 60.0) -> None:
    """Return when it holds."""
    limit = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def group_is_empty(pid: int) -> bool:
    """Whether no process is left of the session that a program has started, zombies apart."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == pid and fields[0] != "Z":
                return False
    return True
