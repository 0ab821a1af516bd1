"""Programs, and runs of them, for the tests of the commands that read the record."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from gangline.cli.main import gangline

FAILING = """
import subprocess
import sys
from gangline.pipeline import *


@originate(["a.txt", "b.txt", "c.txt"])
def make(output):
    open(output, "w").write("x")


@transform(make, suffix(".txt"), ".upper")
def upper(source, target):
    print("working on", source)
    print("it looks odd", file=sys.stderr)
    if source == "b.txt":
        subprocess.run(["sh", "-c", "echo no way >&2; exit 3"], check=True)
    if source == "c.txt":
        raise ValueError("c is not to be used\\nsays the boss")
    open(target, "w").write(open(source).read().upper())


@merge(upper, "all.out")
def join(sources, target):
    open(target, "w").write("".join(open(name).read() for name in sources))


if __name__ == "__main__":
    pipeline_run(multiprocess=2, verbose=0, keep_going=True, record=".gangline")
"""


def run_program(folder: Path, text: str, name: str = "pipe.py") -> subprocess.CompletedProcess[str]:
    """Write a program and run it as its users do."""
    (folder / name).write_text(text, encoding="utf-8")
    return subprocess.run([sys.executable, name], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def call(*arguments: str) -> Result:
    """A command in this process, in the current folder."""
    return CliRunner().invoke(gangline, arguments)


def call_json(*arguments: str) -> Any:
    """What a command says to programs; it must succeed and print nothing else."""
    result = call(*arguments, "--output", "json")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return json.loads(result.stdout)
