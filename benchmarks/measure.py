"""One measurement in a process of its own: `python -m benchmarks.measure SCENARIO CONTENDER SIZE` prints it as JSON.

So nobody is slowed down by threads, modules and memory that another has left behind, and whoever hangs or crashes
loses their own figure only.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from benchmarks.last_words import last_words
from benchmarks.scenario import Contender, Figure, Scenario
from benchmarks.scenarios import scenario

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_S = 300.0


class MeasurementFailed(Exception):
    """The process has crashed or took too long; the message is the last that it said."""


def measure_apart(scenario: Scenario, contender: Contender, size: int) -> Figure:
    """One measurement by a new interpreter.

    Raises:
        MeasurementFailed: with the last line that it wrote.
    """
    if contender.fixed():
        return contender.measure(size)
    command = [sys.executable, "-m", "benchmarks.measure", scenario.name, contender.name, str(size)]
    # The engines, too, must find the `benchmarks` package.
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with last_words(f"kill -KILL -{process.pid}") as words:
        try:
            output, complaints = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired as exc:
            raise MeasurementFailed(f"no result within {TIMEOUT_S:g} s") from exc
        finally:
            _end_group(process)
            words.done()
    if process.returncode:
        complaint = complaints.strip().rpartition("\n")[2].replace(f"{ROOT}/", "")
        raise MeasurementFailed(complaint or f"exit status {process.returncode}")
    return Figure(*json.loads(output.strip().rpartition("\n")[2]))


def _end_group(process: subprocess.Popen[str]) -> None:
    """End whatever the measurement has left running."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def main() -> None:
    """Measure what the command line names."""
    _, scenario_name, contender_name, size = sys.argv
    contender = scenario(scenario_name).contender(contender_name)
    print(json.dumps(contender.measure(int(size))))


if __name__ == "__main__":
    main()
