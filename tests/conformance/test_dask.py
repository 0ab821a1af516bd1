"""The suite that every backend passes, on the workers of a Dask cluster that runs already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from gangline.backends.dask.backend import DaskBackend
from gangline.testing.conformance import BackendConformance, Interrupts, Traits
from gangline.testing.conformance.stage import PATIENCE_S
from tests.dask_clusters import running_cluster


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster.address


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
        return DaskBackend(self.address, connect_timeout_s=PATIENCE_S)
