"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts import Hosts, started_hosts
from tests.postgres import Server, started_server


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
