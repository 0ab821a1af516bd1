"""The suite that every backend passes, on the workers of a Dask cluster that runs already."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import ClassVar

import pytest

from gangline.backends.dask.backend import DaskBackend
from gangline.testing.conformance import BackendConformance, Interrupts, Traits

CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler with two workers, all of them processes of a user's own program."""
    program = tmp_path_factory.mktemp("cluster") / "cluster.py"
    program.write_text(CLUSTER)
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        yield running.stdout.readline().strip()
        running.communicate()


class TestDask(BackendConformance):
    traits = Traits(
        own_processes=True,
        concurrent=True,
        ends_by_force=True,
        copies=True,
        last_words=True,
        interrupts=Interrupts.ANYWHERE,
    )
    address: ClassVar[str]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _cluster(cls, address: str) -> None:
        cls.address = address

    def make_backend(self) -> DaskBackend:
        return DaskBackend(self.address)
