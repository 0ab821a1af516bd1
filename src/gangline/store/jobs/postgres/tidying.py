"""Takes away what ended jobs leave behind in PostgreSQL's indexes.

A claim looks for the first ready job, and what was taken since the last VACUUM stands before it. The server's own
vacuuming comes once a minute; in that time a few workers take hundreds of thousands of jobs, and each claim walks past
all of them.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

__all__ = ["Tidier"]

EVERY_S = 3.0
DEAD = 50_000
"""So many dead rows are worth it, if they are a tenth of the living ones, too."""

_NEED = """
SELECT n_dead_tup > %s AND n_dead_tup * 10 > n_live_tup AND pg_try_advisory_lock(hashtextextended(%s, 0))
FROM pg_stat_user_tables WHERE relid = 'jobs'::regclass
"""
_log = logging.getLogger("gangline.queue")


class Tidier:
    """Vacuums now and then, on a thread and a connection of its own; one at a time over all workers.

    Args:
        connect: Makes a connection without transactions.
        schema: The queue's schema.

    Attributes:
        taken: How many jobs were taken by this worker since it last looked; who takes few need not look.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], schema: str) -> None:
        self._connect = connect
        self._lock = f"gangline vacuum {schema}"
        self._next_at = 0.0
        self.taken = 0
        self._thread: threading.Thread | None = None
        self._connection: psycopg.Connection[Any] | None = None

    def remind(self) -> None:
        """It may be time; costs nothing if it is not."""
        now = time.monotonic()
        if self.taken < DEAD // 20 or now < self._next_at or (self._thread is not None and self._thread.is_alive()):
            return
        self.taken = 0
        self._next_at = now + EVERY_S
        self._thread = threading.Thread(target=self._run, name="gangline-vacuum", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop what is going on."""
        self._next_at = float("inf")
        thread, connection = self._thread, self._connection
        if thread is not None and thread.is_alive():
            if connection is not None:
                with contextlib.suppress(psycopg.Error):
                    connection.cancel()
            thread.join()

    def _run(self) -> None:
        try:
            with self._connect() as self._connection:
                found = self._connection.execute(_NEED, [DEAD, self._lock]).fetchone()
                if found and found[0]:
                    self._connection.execute("VACUUM (ANALYZE) jobs")
        except psycopg.Error as error:  # the next time, or the server by itself
            _log.debug("the queue was not vacuumed: %s", error)
        finally:
            self._connection = None
