"""Cases of the acceptance table of views, as they stand for local engines, on the workers of a Dask cluster.

To run all of them there: GANGLINE_TEST_CLUSTER=tcp://... pytest tests/acceptance/views
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dask_clusters import ROOT, running_cluster

CASES = ("direct_view", "dependencies_between_tasks", "outputs", "abort")
ALIKE = "not rc[0] and not rc[-1] and not broadcast"
"""Without views that differ from others only in which engines they name."""


@pytest.mark.timeout(600)
def test_cases_of_the_acceptance_table(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as cluster:
        finished = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-k",
                f"not threads and not inline and {ALIKE}",
                *(f"tests/acceptance/views/test_{case}.py" for case in CASES),
            ],
            cwd=ROOT,
            env=os.environ | {"GANGLINE_TEST_CLUSTER": cluster.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    assert finished.returncode == 0, finished.stdout
