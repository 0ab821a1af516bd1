"""Celery's job."""

from __future__ import annotations

from celery import Celery  # type: ignore[import-not-found]

from benchmarks.queues import marks
from benchmarks.queues.jobs import url

app = Celery("bench", broker=url())
app.conf.task_ignore_result = True


@app.task  # type: ignore[untyped-decorator]
def mark(number: int) -> None:
    """Note that it ran."""
    marks.mark(number)
