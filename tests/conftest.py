"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Server, started_server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server: one for all tests of a session."""
    yield from started_server()
