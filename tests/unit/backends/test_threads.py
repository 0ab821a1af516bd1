"""Threads as engines: what is special about them."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import cProfile, time
from gangline import Client

profile = cProfile.Profile()
profile.enable()
with Client(engines=2, backend="threads") as client:
    view = client.load_balanced_view()
    assert view.map_sync(lambda number: number + 1, range(500)) == list(range(1, 501))
profile.disable()
print("through")
"""


def test_a_profiled_program_runs_tasks_on_threads() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "through\n"
