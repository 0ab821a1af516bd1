"""What a queue keeps beside jobs: cookies of classes, values that jobs share, schedules, the clock."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

from gangline.errors import UsageError
from gangline.store.jobs.base import Base, Work
from gangline.store.jobs.port import CookieAction, Lane, NewJob, ScheduleRow
from gangline.store.jobs.texts import clean, strict_json
from gangline.store.jobs.texts import key as checked

__all__ = ["Beside"]


class Beside(Base):
    """The part of a store that is not about jobs."""

    @abstractmethod
    def _enter(
        self, work: Work, jobs: Sequence[NewJob], *, equal: Literal["refused", "entered", "left out"]
    ) -> list[int]:
        """Enter jobs within a transaction."""

    def cookie(self, name: str) -> dict[str, Any]:
        """See `JobStore.cookie`."""
        with self._reading() as work:
            return {key: json.loads(value) for key, value in work.run("list_cookie", name=name)}

    def change_cookie(self, name: str, action: CookieAction, key: str, value: Any) -> Any:
        """See `JobStore.change_cookie`."""
        checked(name, "the name of a cookie")
        checked(key, "a key of a cookie")
        strict_json(value, f"the value for {key!r}")
        if action not in ("set", "inc", "max", "min"):
            raise UsageError(f"{action!r:.50} is nothing that a cookie can do; it knows set, inc, max and min")
        with self._writing() as work:
            work.lock(f"cookie {name}")
            found = work.run("find_crumb", name=name, key=key)
            new = (
                value if action == "set" else _combined(action, key, json.loads(found[0][0]) if found else None, value)
            )
            work.run("set_crumb", name=name, key=key, value=strict_json(new, f"the value for {key!r}"))
        return new

    def delete_cookie(self, name: str, key: str | None = None) -> None:
        """See `JobStore.delete_cookie`."""
        with self._writing() as work:
            if key is None:
                work.run("drop_cookie", name=name)
            else:
                work.run("drop_crumb", name=name, key=key)

    def read_value(self, key: str) -> bytes | None:
        """See `JobStore.read_value`."""
        with self._reading() as work:
            return next((bytes(value) for (value,) in work.run("find_value", key=checked(key, "a key"))), None)

    def write_value(self, key: str, value: bytes | None, *, expect: bytes | Literal[False] | None = False) -> bool:
        """See `JobStore.write_value`."""
        checked(key, "a key")
        with self._writing() as work:
            work.lock(f"value {key}")
            if expect is not False:
                old = next((bytes(row[0]) for row in work.run("find_value", key=key)), None)
                if old != expect:
                    return False
            if value is None:
                work.run("drop_value", key=key)
            else:
                work.run("set_value", key=key, value=bytes(value))
        return True

    def keys(self, prefix: str = "") -> list[str]:
        """See `JobStore.keys`."""
        with self._reading() as work:
            return sorted(key for (key,) in work.run("list_keys", prefix=prefix))

    def schedules(self) -> list[ScheduleRow]:
        """See `JobStore.schedules`."""
        with self._reading() as work:
            rows = work.run("list_schedules")
        return [
            ScheduleRow(number, name, line, timezone, missed, _new_job(job), next_at, last_at)
            for number, name, line, timezone, missed, job, next_at, last_at in rows
        ]

    def add_schedule(self, name: str, line: str, timezone: str, missed: str, job: NewJob, first_at: float) -> int:
        """See `JobStore.add_schedule`."""
        checked(name, "the name of a schedule")
        with self._writing() as work:
            ((schedule,),) = work.run(
                "add_schedule", name=name, line=clean(line), timezone=clean(timezone), missed=clean(missed),
                job=_dumped(job), next_at=float(first_at),
            )  # fmt: skip
            work.changed()
        return int(schedule)

    def fire_schedule(self, schedule: int, due_at: float, next_at: float, jobs: Sequence[NewJob]) -> list[int] | None:
        """See `JobStore.fire_schedule`."""
        with self._writing() as work:
            if not work.run("move_schedule", schedule=schedule, due_at=float(due_at), next_at=float(next_at)):
                return None
            return self._enter(work, jobs, equal="entered") if jobs else []

    def remove_schedule(self, schedule: int) -> bool:
        """See `JobStore.remove_schedule`."""
        with self._writing() as work:
            return bool(work.run("drop_schedule", schedule=schedule))

    def now(self) -> float:
        """See `JobStore.now`."""
        with self._reading() as work:
            return float(work.run("read_clock")[0][0])


def _combined(action: str, key: str, old: Any, value: Any) -> Any:
    for number in (old, value):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
            raise UsageError(f"{action} of {key!r} needs numbers, not {number!r:.100}")
    if value is None:
        raise UsageError(f"{action} of {key!r} needs a number")
    if action == "inc":
        return (old or 0) + value
    return value if old is None else max(old, value) if action == "max" else min(old, value)


def _dumped(job: NewJob) -> str:
    fields = job._asdict()
    return json.dumps(fields | {"digest": job.digest.hex()})


def _new_job(text: str) -> NewJob:
    fields = json.loads(text)
    lane = Lane(*fields.pop("lane"))
    return NewJob(**fields | {
        "lane": lane._replace(workers=tuple(lane.workers)), "digest": bytes.fromhex(fields["digest"]),
        "needs": tuple(fields["needs"]), "needs_classes": tuple(fields["needs_classes"]),
    })  # fmt: skip
