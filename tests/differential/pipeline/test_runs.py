"""Pipelines written for Ruffus make, say and raise the same here, with nothing but the name of the module changed.

`programs/` holds them, `expected/` what comes of them with Ruffus 3.0.0. To record that anew, or to check that it is
still true, name a Python that has Ruffus:

    GANGLINE_RUFFUS_PYTHON=/path/to/python pytest tests/differential/pipeline
    GANGLINE_RUFFUS_PYTHON=/path/to/python python tests/differential/pipeline/test_runs.py [PROGRAM...]
"""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = sorted(path.stem for path in (HERE / "programs").glob("*.py") if path.stem != "telling")
RUFFUS = os.environ.get("GANGLINE_RUFFUS_PYTHON", "")
LIMIT_S = 200


@pytest.mark.parametrize("program", PROGRAMS)
def test_pipeline_does_what_it_does_with_ruffus(program: str, tmp_path: Path) -> None:
    assert_same(expected(program), transcript(program, sys.executable, "gangline.pipeline", tmp_path))


if RUFFUS:

    @pytest.mark.parametrize("program", PROGRAMS)
    def test_recorded_transcript_is_what_ruffus_does(program: str, tmp_path: Path) -> None:
        assert_same(expected(program), transcript(program, RUFFUS, "ruffus", tmp_path))


def expected(program: str) -> str:
    return (HERE / "expected" / f"{program}.txt").read_text(encoding="utf-8")


def transcript(program: str, python: str, module: str, folder: Path) -> str:
    """What the program tells under this Python, with `ruffus` in its text replaced by the module."""
    source = (HERE / "programs" / f"{program}.py").read_text(encoding="utf-8")
    script = folder / f"{program}.py"
    script.write_text(
        source.replace("from ruffus.", f"from {module}.").replace("from ruffus ", f"from {module} "), encoding="utf-8"
    )
    done = subprocess.run(
        [python, str(script)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HERE / "programs"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_same(ours: str, theirs: str) -> None:
    difference = difflib.unified_diff(ours.splitlines(), theirs.splitlines(), "expected", "got", lineterm="")
    assert not (text := "\n".join(difference)), text


if __name__ == "__main__":
    for name in sys.argv[1:] or PROGRAMS:
        with tempfile.TemporaryDirectory() as here:
            text = transcript(name, RUFFUS, "ruffus", Path(here))
            (HERE / "expected" / f"{name}.txt").write_text(text, encoding="utf-8")
