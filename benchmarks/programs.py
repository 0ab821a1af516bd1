"""Whole programs as contenders: started in a folder of their own, timed from start to end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

PIPELINES = Path(__file__).resolve().parent / "pipelines"
FOLDERS = PIPELINES.parent.parent / "build" / "benchmarks"
"""On the disk. What takes long to make is made once and kept there."""
USED = FOLDERS / "used"
"""Where folders are left that are removed when everything has been measured: ext4 makes new files many times slower for
minutes after others have been removed, since it keeps away from their inodes."""


class Cost(NamedTuple):
    """What a program has used.

    Attributes:
        seconds: From its start to its end.
        peak_bytes: The most memory that it had at once.
    """

    seconds: float
    peak_bytes: int


def cost_of(command: Sequence[str], folder: Path) -> Cost:
    """Run a program to its end.

    Raises:
        CalledProcessError: It failed.
    """
    # The interpreter may keep compiled modules, as after an installation.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(seconds, usage.ru_maxrss * 1024)


def python_program(name: str, *args: str) -> list[str]:
    """The command that runs one of our pipelines."""
    return [sys.executable, str(PIPELINES / name), *args]


def installed(name: str) -> str:
    """A program that is installed beside the interpreter, or else anywhere.

    Raises:
        FileNotFoundError: There is none.
    """
    found = shutil.which(name, path=os.path.dirname(sys.executable)) or shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found


def write_files(folder: Path, names: Iterable[str]) -> None:
    """Make small files."""
    for name in names:
        (folder / name).write_text("done\n")


def kept_folder(name: str, fill: Callable[[Path], None]) -> Path:
    """A folder that is filled once and kept for later turns.

    Args:
        name: Of what it is for.
        fill: Fills it.
    """
    folder = FOLDERS / name
    ready = folder.with_name(f"{name}.ready")
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        fill(folder)
        ready.touch()
    return folder
