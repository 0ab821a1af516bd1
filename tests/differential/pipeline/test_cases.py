"""Many short programs for Ruffus print, log, make and raise the same here, with nothing but their import lines changed.

`cases/` holds books of programs, `expected_cases/` what they tell with Ruffus 3.0.0; what is compared is said in
`casebook.py`.
To record that anew, or to check that it is still true, name a Python that has Ruffus:

    GANGLINE_RUFFUS_PYTHON=/path/to/python pytest tests/differential/pipeline/test_cases.py
    GANGLINE_RUFFUS_PYTHON=/path/to/python python tests/differential/pipeline/test_cases.py [BOOK...]

Left out are programs whose output with Ruffus is not the same each time: the order of stages that do not wait for each
other is left to chance there.
"""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BOOKS = sorted(path.stem for path in (HERE / "cases").glob("*.py"))
RUFFUS = os.environ.get("GANGLINE_RUFFUS_PYTHON", "")
LIMIT_S = 280


@pytest.mark.parametrize("book", BOOKS)
def test_programs_tell_what_they_tell_with_ruffus(book: str) -> None:
    assert_same(expected(book), told(book, sys.executable, "gangline.pipeline"))


if RUFFUS:

    @pytest.mark.parametrize("book", BOOKS)
    def test_recorded_cases_are_what_ruffus_tells(book: str) -> None:
        assert_same(expected(book), told(book, RUFFUS, "ruffus"))


def expected(book: str) -> str:
    return (HERE / "expected_cases" / f"{book}.txt").read_text(encoding="utf-8")


def told(book: str, python: str, module: str) -> str:
    """What the programs of a book tell under this Python."""
    unset = ("DEFAULT_RUFFUS_HISTORY_FILE", "DEFAULT_RUFFUS_CHECKSUM_LEVEL")
    done = subprocess.run(
        [python, str(HERE / "casebook.py"), module, str(HERE / "cases" / f"{book}.py")],
        env={name: value for name, value in os.environ.items() if name not in unset} | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_same(wanted: str, got: str) -> None:
    if wanted == got:
        return
    differences = []
    ours = dict(part.split("\n", 1) for part in got.split("=== ")[1:])
    for part in wanted.split("=== ")[1:]:
        title, text = part.split("\n", 1)
        lines = difflib.unified_diff(text.split("\n"), ours.get(title, "").split("\n"), title, "got", lineterm="", n=2)
        differences += lines
    pytest.fail("\n".join(differences), pytrace=False)


if __name__ == "__main__":
    for name in sys.argv[1:] or BOOKS:
        (HERE / "expected_cases" / f"{name}.txt").write_text(told(name, RUFFUS, "ruffus"), encoding="utf-8")
