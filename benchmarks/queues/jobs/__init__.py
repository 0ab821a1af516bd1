"""What the workers run: the same job for each library, in the form that it wants. URL names the database."""

from __future__ import annotations

import os

URL = "BENCHMARK_QUEUE"


def url() -> str:
    """Where the queue is."""
    return os.environ[URL]
