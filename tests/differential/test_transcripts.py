"""Programs for ipyparallel print the same here, with nothing but the name of the module changed.

`programs/` holds the programs as one would write them for ipyparallel, `expected/` what ipyparallel 9.2.0 prints. To
record them anew, or to check that they are still true, name a Python that has ipyparallel:

    GANGLINE_UPSTREAM_PYTHON=/path/to/python pytest tests/differential
    GANGLINE_UPSTREAM_PYTHON=/path/to/python python tests/differential/test_transcripts.py [PROGRAM...]
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = sorted(path.stem for path in (HERE / "programs").glob("*.py") if path.stem != "transcript")
UPSTREAM = os.environ.get("GANGLINE_UPSTREAM_PYTHON", "")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LIMIT_S = 280


@pytest.mark.parametrize("program", PROGRAMS)
def test_program_prints_what_it_prints_with_ipyparallel(program: str, tmp_path: Path) -> None:
    assert_same(expected(program), transcript(program, sys.executable, "gangline.views", tmp_path))


if UPSTREAM:

    @pytest.mark.parametrize("program", PROGRAMS)
    def test_recorded_transcript_is_what_ipyparallel_prints(program: str, tmp_path: Path) -> None:
        assert_same(expected(program), transcript(program, UPSTREAM, "ipyparallel", tmp_path))


def test_every_transcript_belongs_to_a_program() -> None:
    assert sorted(path.stem for path in (HERE / "expected").glob("*.txt")) == PROGRAMS


def expected(program: str) -> str:
    return (HERE / "expected" / f"{program}.txt").read_text(encoding="utf-8")


def transcript(program: str, python: str, module: str, folder: Path) -> str:
    """What the program prints under this Python, with `ipyparallel` in its text replaced by the module."""
    source = (HERE / "programs" / f"{program}.py").read_text(encoding="utf-8")
    script = folder / f"{program}.py"
    script.write_text(source.replace("ipyparallel", module), encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE / "programs"),
        "IPYTHONDIR": str(folder / "ipython"),
        "NO_COLOR": "1",
    }
    errors = folder / "stderr.txt"
    with errors.open("w") as stderr:
        done = subprocess.run(
            [python, str(script)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            timeout=LIMIT_S,
        )
    lines = [line.rstrip() for line in COLOUR.sub("", done.stdout).splitlines()]
    if done.returncode:
        lines += [f"exit code {done.returncode}", *errors.read_text().splitlines()[-15:]]
    return "\n".join(lines) + "\n"


def assert_same(wanted: str, got: str) -> None:
    if wanted != got:
        difference = difflib.unified_diff(
            wanted.splitlines(), got.splitlines(), "ipyparallel", "here", lineterm="", n=2
        )
        pytest.fail("\n".join(difference), pytrace=False)


def record(programs: list[str]) -> None:
    """Write what ipyparallel prints."""
    for program in programs:
        with tempfile.TemporaryDirectory() as folder:
            text = transcript(program, UPSTREAM, "ipyparallel", Path(folder))
        (HERE / "expected" / f"{program}.txt").write_text(text, encoding="utf-8")
        print(f"{program}: {len(text.splitlines())} lines, last: {text.splitlines()[-1]}")


if __name__ == "__main__":
    record(sys.argv[1:] or PROGRAMS)
