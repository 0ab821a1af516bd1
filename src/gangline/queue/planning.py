"""Entering schedules."""

from __future__ import annotations

from typing import Any

from gangline.errors import UsageError
from gangline.queue import entering
from gangline.queue.entering import Entrance, JobClass
from gangline.queue.properties import check_all
from gangline.queue.record import Scheduled
from gangline.queue.schedules import first_after
from gangline.store.jobs.port import JobStore

__all__ = ["plan"]


def plan(
    database: JobStore, entrance: Entrance, job: JobClass, line: str | None, name: str | None, given: dict[str, Any]
) -> Scheduled:
    """Keep a schedule; one of the same name is replaced.

    Raises:
        UsageError: There is no line, or something is not possible.
    """
    where = job if isinstance(job, str) else getattr(job, "__qualname__", repr(job))
    times: dict[str, Any] = {key: given.pop(key) for key in ("timezone", "missed") if key in given}
    if line is not None:
        times["schedule"] = line
    times = check_all(times, f"the schedule of {where}")
    said = entering.split(where, given)
    for key in ("delay", "dependency"):
        if key in given:
            raise UsageError(
                f"the schedule of {where}: {key} makes no sense for jobs that are entered at certain times"
            )
    template = entrance.template(job, {**said.properties, **times})
    properties = template.properties
    if not properties.schedule:
        raise UsageError(
            f"when is {template.lane.name} to run? Its class has no schedule; "
            "give a crontab line: schedule(..., '0 3 * * *')"
        )
    entry = entrance.entry(job, said)
    database.add_schedule(
        name or template.lane.name, properties.schedule, properties.timezone, properties.missed, entry,
        first_after(properties.schedule, properties.timezone, database.now()),
    )  # fmt: skip
    return next(Scheduled.of(row) for row in database.schedules() if row.name == (name or template.lane.name))
