"""huey's job."""

from __future__ import annotations

from huey import SqliteHuey  # type: ignore[import-not-found]

from benchmarks.queues import marks
from benchmarks.queues.jobs import url

huey = SqliteHuey(filename=url())


@huey.task()  # type: ignore[untyped-decorator]
def mark(number: int) -> None:
    """Note that it ran."""
    marks.mark(number)
