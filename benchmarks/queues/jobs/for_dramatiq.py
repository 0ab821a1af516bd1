"""dramatiq's job."""

from __future__ import annotations

import dramatiq  # type: ignore[import-not-found]
from dramatiq.brokers.redis import RedisBroker  # type: ignore[import-not-found]

from benchmarks.queues import marks
from benchmarks.queues.jobs import url

broker = RedisBroker(url=url())
dramatiq.set_broker(broker)


@dramatiq.actor  # type: ignore[untyped-decorator]
def mark(number: int) -> None:
    """Note that it ran."""
    marks.mark(number)
