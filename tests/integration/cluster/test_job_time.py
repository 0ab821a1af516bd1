"""The program of a job ends its engines some time before the site would end the job."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

from gangline.cluster.job import KEYS
from gangline.cluster.keys import make_keys


def test_the_time_of_a_job_is_over_before_the_site_says_so(tmp_path: Path) -> None:
    """Here engines wait for a scheduler that never answers."""
    (tmp_path / KEYS).write_text(json.dumps({**make_keys(), "keepalive_s": 10.0}))
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tls://127.0.0.1:{mute.getsockname()[1]}"
        options = ["--name", "night-0", "--folder", str(tmp_path), "--engines", "2", "--wall-time", "1"]
        done = subprocess.run(
            [sys.executable, "-m", "gangline.cluster.job", address, *options],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1, done
    said = done.stdout.splitlines()
    assert any(line.endswith("has reached its wall_time of 1 s") for line in said), said
    assert said[-1] == "no engine of this job has come up"
