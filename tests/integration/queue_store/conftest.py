"""One suite for both stores: each test gets a queue of its own, first in a file, then in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from gangline.store.jobs import open_store
from gangline.store.jobs.port import JobStore
from tests.integration.queue_store.support import eventually
from tests.postgres import Server

Open = Callable[[], JobStore]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where there is an empty queue, or none yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/queue.db"
    server: Server = request.getfixturevalue("server")
    return emptied(server.url)


def emptied(url: str) -> str:
    """The queue of a server, without what an earlier test has left in it: to make a new one takes much longer.

    What a program that was killed has asked for last may still be under way there.
    """
    others = "FROM pg_stat_activity WHERE application_name = 'gangline' AND pid <> pg_backend_pid()"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) {others}".encode())
        eventually(lambda: connection.execute(f"SELECT count(*) = 0 {others}".encode()).fetchone() == (True,))
        found = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'gangline' AND tablename <> 'about'"
        )
        if tables := [f'gangline."{name}"' for (name,) in found]:
            connection.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY".encode())
    return url


@pytest.fixture
def open_queue(url: str) -> Iterator[Open]:
    """Opens the queue of this test, as often as it is called, as other processes would."""
    opened: list[JobStore] = []

    def open_one() -> JobStore:
        opened.append(open_store(url))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_queue: Open) -> JobStore:
    """An empty queue."""
    return open_queue()
