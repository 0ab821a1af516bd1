"""A connection to PostgreSQL that can hear of changes."""

from __future__ import annotations

import select
from typing import Any

import psycopg

__all__ = ["Ear"]


class Ear:
    """A connection that does everything, and hears of changes besides once it was told to `listen`.

    A worker that hears of a job has its turn on the same connection: the server's process behind it is awake by then.

    Args:
        connection: Without transactions of its own.
        schema: The queue's.
    """

    def __init__(self, connection: psycopg.Connection[Any], schema: str) -> None:
        self.connection = connection
        self._channel = f"gangline_{schema}"
        self._ends_channel = f"gangline_ends_{schema}"
        self._lock = f"gangline ends {schema}"
        self._listening: set[str] = set()
        self._heard: set[str] = set()
        connection.add_notify_handler(self._note)

    def _note(self, notice: psycopg.Notify) -> None:
        """What comes in while a statement runs."""
        self._heard.add(notice.channel)

    def listen(self, *, ends: bool) -> bool:
        """Begin to listen, where this was not done yet; then something may have been missed before."""
        wanted = {self._channel, self._ends_channel} if ends else {self._channel}
        fresh = wanted - self._listening
        for channel in sorted(fresh):
            self.connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
            if channel == self._ends_channel:
                self.connection.execute("SELECT pg_advisory_lock_shared(hashtextextended(%s, 0))", [self._lock])
        self._listening |= fresh
        return bool(fresh)

    def heard(self, *, ends: bool) -> bool:
        """Whether there was a change, of those that came in."""
        self._take_in()
        found = self._channel in self._heard or (ends and self._ends_channel in self._heard)
        self._heard.clear()
        return found

    def has_something(self) -> bool:
        """Whether something came in that nobody has read."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def has_gone(self) -> bool:
        """Whether the server has ended the connection while it lay idle."""
        if self.connection.closed:
            return True
        try:
            while self.has_something():
                self._take_in()
        except psycopg.OperationalError:
            return True
        return False

    def _take_in(self) -> None:
        server = self.connection.pgconn
        server.consume_input()
        while (notice := server.notifies()) is not None:
            self._heard.add(notice.relname.decode())

    def fileno(self) -> int:
        """The socket."""
        return self.connection.fileno()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
