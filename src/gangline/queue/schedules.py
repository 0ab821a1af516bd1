"""When schedules are due. Crontab lines are read as Debian's cron reads them, changes to summer time included.

Of the rules for summer time: a job for a certain time of day runs once on every day. If the clock leaves its time out,
it runs when the clock has gone on; if its time comes twice, at the first. Jobs for every so many minutes or hours keep
their pace.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

from gangline.queue.checks import Refused
from gangline.queue.words import meant
from gangline.store.jobs.port import JobStore, NewJob, ScheduleRow

__all__ = ["Due", "check_line", "check_zone", "due_times", "fire_due", "first_after"]

_log = logging.getLogger("gangline.queue")

PUNCTUAL_S = 60.0
"""A time that is over for less was not missed: workers look as often as that."""
MOST_AT_ONCE = 1000
"""After a long time without workers no more jobs of one schedule are entered than that, the latest ones."""
_FIRST_LOOK_S = 2 * 86400.0


class Due(NamedTuple):
    """What is to be entered, and when to look again. Times are seconds since the epoch.

    Attributes:
        times: The times for which a job is entered now, rising.
        next_at: The first time that is still to come.
    """

    times: tuple[float, ...]
    next_at: float


def due_times(line: str, timezone: str, due_at: float, now: float, missed: str) -> Due:
    """What a schedule asks for at a moment.

    Args:
        line: Its crontab line.
        timezone: By which clock it is read; empty is UTC.
        due_at: The first time that was not looked at yet.
        now: The moment.
        missed: "one" job for all times that went by, one for each ("all"), or "none" for those that were missed.

    Returns:
        Nothing and `due_at`, if that is still to come.
    """
    if due_at > now:
        return Due((), due_at)
    wanted = MOST_AT_ONCE if missed == "all" else 1
    span_s = _FIRST_LOOK_S
    while True:
        # Only the latest times count, and after a long time there may be very many: look back no further than needed.
        start = max(due_at, now - span_s)
        times, next_at = _times_until(line, timezone, start, now)
        if len(times) >= wanted or start == due_at:
            break
        span_s *= 2
    latest = times[-wanted:]
    if missed == "none":
        latest = [time for time in latest if now - time <= PUNCTUAL_S]
    return Due(tuple(latest), next_at)


def _times_until(line: str, timezone: str, start: float, end: float) -> tuple[list[float], float]:
    """The times from start to end, and the one after."""
    times: list[float] = []
    for time in _times_after(line, timezone, start - 1):
        if time > end:
            return times, time
        times.append(time)
    return times, math.inf


def first_after(line: str, timezone: str, moment: float) -> float:
    """The first time of a schedule that is later than a moment; seconds since the epoch."""
    return next(_times_after(line, timezone, moment))


def _times_after(line: str, timezone: str, moment: float) -> Iterator[float]:
    from cronsim import CronSim

    for time in CronSim(line, datetime.fromtimestamp(moment, _zone(timezone))):
        found = time.timestamp()
        # By a clock that is set back, the hour that comes twice is read once; what lies before the moment was due then.
        if found > moment:
            yield found


def fire_due(store: JobStore) -> float | None:
    """Enter the jobs of all schedules that are due. Any number of workers may do this: each time is served once.

    Returns:
        Seconds until the next schedule is due; None if there is no schedule.
    """
    while True:
        lost_race = False
        soonest = math.inf
        rows = store.schedules()
        now = store.now()
        for row in rows:
            try:
                due = due_times(row.line, row.timezone, row.next_at, now, row.missed)
            except (ValueError, OSError) as error:  # a time zone that this host does not know
                _log.error("the schedule %s cannot be read on this host: %s", row.name, error)
                continue
            if row.next_at <= now:
                # Of several equal ones only the first keeps others out, if that is asked for.
                jobs = [_job_of(row, time, row.job.unique and not number) for number, time in enumerate(due.times)]
                if store.fire_schedule(row.id, row.next_at, due.next_at, jobs) is None:
                    lost_race = True
            soonest = min(soonest, due.next_at)
        if not lost_race:
            return None if soonest == math.inf else max(0.0, soonest - store.now())


def _job_of(row: ScheduleRow, time: float, unique: bool) -> NewJob:
    properties = {**json.loads(row.job.properties), "due_at": time}
    return row.job._replace(properties=json.dumps(properties), unique=unique)


def check_line(value: Any) -> str:
    """A crontab line that has a time to come.

    Raises:
        Refused: It cannot be read; says where.
    """
    from cronsim import CronSim, CronSimError

    allowed = "a crontab line of five fields (minute, hour, day of month, month, day of week), such as '*/5 * * * *'"
    if not isinstance(value, str):
        raise Refused(allowed)
    line = " ".join(value.split())
    if len(line.split(" ")) != 5:
        raise Refused(f"{allowed}; this has {len(line.split(' ')) if line else 0}")
    try:
        next(CronSim(line, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise Refused(f"{allowed} ({str(error)[0].lower()}{str(error)[1:]})") from None
    except StopIteration:
        raise Refused(f"{allowed}; there is no such day in any year") from None
    return line


def check_zone(value: Any) -> str:
    """The name of a time zone.

    Raises:
        Refused: There is none of this name here.
    """
    if not isinstance(value, str):
        raise Refused("the name of a time zone, such as 'Europe/Berlin'")
    if value:
        try:
            _zone(value)
        except (ValueError, OSError):
            from zoneinfo import available_timezones

            zones = available_timezones()
            hint = meant(value, zones) if zones else "this host has no time zones; install the package tzdata"
            raise Refused(f"the name of a time zone, such as 'Europe/Berlin'; {hint}") from None
    return value


@lru_cache(maxsize=32)
def _zone(name: str) -> tzinfo:
    if not name or name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except KeyError as error:  # ZoneInfoNotFoundError
        raise ValueError(f"no time zone is called {name!r}") from error
