"""Connections to this host and over ssh."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gangline.remote import ConnectionOptions, HostConnection
from tests.hosts import Hosts


@pytest.fixture
def here() -> Iterator[HostConnection]:
    """A connection to this host."""
    connection = HostConnection("localhost")
    connection.connect()
    yield connection
    connection.close()


@pytest.fixture
def there(hosts: Hosts) -> Iterator[HostConnection]:
    """A connection over ssh."""
    connection = HostConnection(hosts.names[0], ConnectionOptions(hosts.ssh(), keepalive_s=60.0))
    connection.connect()
    yield connection
    connection.close()


@pytest.fixture(params=["here", "there"])
def connection(request: pytest.FixtureRequest) -> HostConnection:
    """A connection of either kind."""
    found: HostConnection = request.getfixturevalue(request.param)
    return found
