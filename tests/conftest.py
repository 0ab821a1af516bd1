"""What tests of several folders share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import hypothesis
import pytest

from tests.hosts import Hosts, started_hosts
from tests.postgres import Server, started_server

# A machine that is slow or busy makes no test fail, and one commit fails always or never. To look for what the usual
# examples do not show: pytest --hypothesis-profile=search tests/property
PATIENT = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("always the same", derandomize=True, **PATIENT)
hypothesis.settings.register_profile("search", max_examples=1000, **PATIENT)
hypothesis.settings.load_profile("always the same")


def pytest_configure() -> None:
    """Have signals end the programs of tests also when a shell has them ignored: in its background, or behind nohup.

    And a cluster that a developer has running is not to be used.
    """
    os.environ["GANGLINE_CLUSTERS"] = os.devnull
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


LONG = [
    "cluster/test_site_jobs.py",
    "acceptance/test_sky_example.py",
    "batch/test_backend.py",
    "cluster/test_adaptive.py",
    "conformance/test_backends.py",
    "conformance/test_dask.py",
    "batch/test_slurm.py",
    "dask/test_data.py",
    "workers/test_rows.py",
    "workers/test_running.py",
    "recipes/test_clusters.py",
    "remote/test_deaths.py",
    "pipeline/test_places.py",
    "batch/test_recipes.py",
    "dask/test_clusters.py",
    "batch/test_drmaa.py",
    "acceptance/test_clusters_guide.py",
    "cluster/test_over_ssh.py",
    "queue_store/test_races.py",
    "dask/test_own.py",
    "acceptance/test_examples.py",
    "recipes/test_hosts.py",
    "acceptance/test_demo.py",
    "workers/test_fencing.py",
    "workers/test_contact.py",
    "dask/test_views.py",
    "views/test_programs_that_end.py",
    "integration/test_run_job.py",
    "batch/test_grid_engine.py",
    "batch/test_dispatcher.py",
]
"""Files of tests that take about half a minute or more, the longest first."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """When files run side by side, those that take long come first, so that none is left over at the end."""
    if hasattr(config, "workerinput"):
        ranks = {file: rank for rank, file in enumerate(LONG)}
        items.sort(key=lambda item: ranks.get("/".join(item.path.parts[-2:]), len(LONG)))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server: one for all tests of a session."""
    yield from started_server()


@pytest.fixture(scope="session")
def standing_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Three hosts with sshd: the same for all tests of a session."""
    yield from started_hosts(tmp_path_factory.mktemp("hosts"))


@pytest.fixture
def hosts(standing_hosts: Hosts) -> Iterator[Hosts]:
    """Three hosts with sshd; whatever a test does to them is made good after it."""
    yield standing_hosts
    standing_hosts.restore()
