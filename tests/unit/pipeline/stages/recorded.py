"""What upstream, Ruffus 3.0.0, makes of the programs; recorded, so that tests need no upstream.

To record anew after a change of `programs.py`, name a Python that has ruffus==3.0.0:

    python -m tests.unit.pipeline.stages.recorded /path/to/python
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.unit.pipeline.stages.programs import PROGRAMS

__all__ = ["RECORD", "ask", "make_files"]

HERE = Path(__file__).parent
RECORD = HERE / "answers.json"


def make_files(directory):
    """The files that programs find."""
    for name in "abc":
        Path(directory, f"{name}.in").touch()


def ask(python, programs, directory):
    """Upstream's answers, by the name of the program."""
    make_files(directory)
    question = json.dumps({"programs": programs, "directory": str(directory)})
    command = [python, str(HERE / "describing.py")]
    answer = subprocess.run(
        command, input=question, stdout=subprocess.PIPE, text=True, check=True, timeout=120, cwd=directory
    )
    return json.loads(answer.stdout)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        recorded = ask(sys.argv[1], PROGRAMS, folder)
    RECORD.write_text(json.dumps(recorded, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
