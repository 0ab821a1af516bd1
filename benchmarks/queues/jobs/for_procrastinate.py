"""procrastinate's job."""

from __future__ import annotations

from procrastinate import App, PsycopgConnector  # type: ignore[import-not-found]

from benchmarks.queues import marks
from benchmarks.queues.jobs import url

app = App(connector=PsycopgConnector(conninfo=url()))


@app.task  # type: ignore[untyped-decorator]
def mark(number: int) -> None:
    """Note that it ran."""
    marks.mark(number)
