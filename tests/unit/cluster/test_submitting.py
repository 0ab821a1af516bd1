"""The program that submits a cluster's jobs: orders that have come before it was ready."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from gangline.cluster.launchers import JobShape
from gangline.remote.resources import Resources


def test_orders_that_are_there_before_it_reads(tmp_path: Path) -> None:
    """They are obeyed, however long it took to start."""
    shape = JobShape("pbs", 1, 1, Resources(cores=1, memory_bytes=2**29, wall_time_s=600.0))
    common = {
        "shape": shape.to_json(), "cluster": "night", "folder": str(tmp_path / "keys"), "python": sys.executable,
        "pythonpath": "", "ledgers": str(tmp_path),
    }  # fmt: skip
    order = {"do": "submit", "name": "night-0", "address": "tls://127.0.0.1:1"}
    there = "".join(json.dumps(line) + "\n" for line in (common, order))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "gangline.cluster.submitting"],
        input=there, capture_output=True, text=True, check=True, env=os.environ | {"PATH": str(tmp_path)},
    )  # fmt: skip
    (word,) = map(json.loads, done.stdout.splitlines())
    assert word["name"] == "night-0"
    assert word["refused"].startswith("there is no qsub here")
