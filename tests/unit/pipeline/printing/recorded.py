"""What upstream, Ruffus 3.0.0, prints and draws for the cases; recorded, so that tests need no upstream.

To record anew after a change of `programs.py`, name a Python that has ruffus==3.0.0:

    python -m tests.unit.pipeline.printing.recorded /path/to/python
"""

import json
import subprocess
import sys
from pathlib import Path

from tests.unit.pipeline.printing.programs import PROGRAMS, graph_cases, printout_cases

__all__ = ["ask", "load"]

HERE = Path(__file__).parent
RECORD = HERE / "answers.jsonl"


def load():
    """Pairs of a case and upstream's answer."""
    with RECORD.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def ask(python, cases):
    """Upstream's answers to cases."""
    question = json.dumps({"programs": PROGRAMS, "cases": cases})
    command = [python, str(HERE / "oracle.py")]
    answer = subprocess.run(command, input=question, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(answer.stdout)


def record(python):
    """Write the answers to all cases."""
    cases = [*printout_cases(), *graph_cases()]
    with RECORD.open("w", encoding="utf-8") as lines:
        for pair in zip(cases, ask(python, cases), strict=True):
            lines.write(json.dumps(pair, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    record(sys.argv[1])
