"""Entering jobs into a queue in an SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

from gangline.errors import JobExists, UsageError
from gangline.store.jobs.base import Base, Work
from gangline.store.jobs.lanes import lane_id
from gangline.store.jobs.port import Lane, NewJob, State
from gangline.store.jobs.sqlite.statements import STATEMENTS, SqliteWork
from gangline.store.jobs.texts import clean, key

__all__ = ["Entering"]

Equal = Literal["refused", "entered", "left out"]


class Entering(Base):
    """The part of the store that jobs come in by."""

    _lane_ids: dict[Lane, int]

    def add(self, jobs: Sequence[NewJob]) -> list[int]:
        """See `JobStore.add`."""
        if not jobs:
            return []
        with self._writing() as work:
            return self._enter(work, jobs, equal="refused")

    def _enter(self, work: Work, jobs: Sequence[NewJob], *, equal: Equal) -> list[int]:
        """Enter jobs within a transaction."""
        here = cast(SqliteWork, work)
        if equal == "left out":
            jobs = [job for job in jobs if not (job.unique and _unique_job(here, job.digest))]
        elif equal == "entered":
            jobs = [job._replace(unique=False) if job.unique and _unique_job(here, job.digest) else job for job in jobs]
        if not jobs:
            return []
        self._know_lanes(here, jobs)
        _check_ids(here, jobs)
        ((last,),) = here.connection.execute(STATEMENTS["last_id"])
        first = last + 1
        try:
            if len(jobs) == 1:
                here.connection.execute(STATEMENTS["add_job"], next(self._rows(here, jobs, first)))
            else:
                here.connection.executemany(STATEMENTS["add_job"], self._rows(here, jobs, first)).close()
        except sqlite3.IntegrityError as error:
            raise _refusal(here, jobs, first, error) from error
        return list(range(first, first + len(jobs)))

    def _rows(self, work: SqliteWork, jobs: Sequence[NewJob], first: int) -> Iterator[tuple[Any, ...]]:
        now, lanes = work.now, self._lane_ids | work.new_lanes if work.new_lanes else self._lane_ids
        for number, job in enumerate(jobs, first):
            (lane, args, digest, unique, priority, attempts, properties, wait_s, parent, needs, classes, host, user,
             tag, author, hidden) = job  # fmt: skip
            place = "ready"
            if (needs or classes) and _note_needs(work, number, job):
                place = "held"
            query_at = None
            if wait_s > 0:
                place, query_at = "waiting", now + wait_s
            if not (tag.isascii() and author.isascii() and host.isascii() and user.isascii()) or "\0" in tag + author:
                tag, author, host, user = map(clean, (tag, author, host, user))
            yield (
                lanes[lane], place, priority, attempts, attempts, now, query_at, parent, digest, unique,
                digest if unique else None, hidden, host, user, tag, author, properties, args, number,
            )  # fmt: skip

    def _know_lanes(self, work: SqliteWork, jobs: Sequence[NewJob]) -> None:
        for lane in {job.lane for job in jobs} - self._lane_ids.keys():
            work.new_lanes[lane] = lane_id(work, lane)


def _unique_job(work: SqliteWork, digest: bytes) -> int | None:
    found = work.connection.execute(STATEMENTS["find_unique"], (digest,)).fetchone()
    return None if found is None else int(found[0])


def _check_ids(work: SqliteWork, jobs: Sequence[NewJob]) -> None:
    named = {job.parent for job in jobs if job.parent is not None}.union(*(job.needs for job in jobs if job.needs))
    if named:
        known = {row[0] for row in work.run("existing_jobs", jobs=sorted(named))}
        if missing := sorted(named - known):
            raise UsageError(f"there is no job {missing[0]}, which a new job names as what it comes from or waits for")


def _note_needs(work: SqliteWork, number: int, job: NewJob) -> bool:
    """Write what a job waits for; whether it waits for anything."""
    open_needs: list[dict[str, Any]] = []
    if job.needs:
        states = {row[0]: row[1] for row in work.run("existing_jobs", jobs=list(job.needs))}
        waited = [needed for needed in dict.fromkeys(job.needs) if states[needed] != State.COMPLETE]
        open_needs += ({"job": number, "needed": needed, "class": None} for needed in waited)
    for name in dict.fromkeys(job.needs_classes):
        newest = work.run("newest_of_class", name=key(name, "the name of a class"))
        if not newest or newest[0][1] != State.COMPLETE:
            open_needs.append({"job": number, "needed": None, "class": name})
    if open_needs:
        work.run_many("add_need", open_needs)
    return bool(open_needs)


def _refusal(work: SqliteWork, jobs: Sequence[NewJob], first: int, error: sqlite3.IntegrityError) -> Exception:
    """Why jobs were not entered, after the first of them that could not be."""
    seen: dict[bytes, int] = {}
    for number, job in enumerate(jobs):
        if not job.unique:
            continue
        if job.digest in seen:
            places = f"{seen[job.digest] + 1} and {number + 1}"
            return JobExists(f"jobs {places} of the {len(jobs)} to be entered are equal ({job.lane.name})")
        seen[job.digest] = number
        existing = _unique_job(work, job.digest)
        if existing is not None and existing < first:
            return JobExists(f"job {existing} is equal ({job.lane.name}, same arguments) and not final", job=existing)
    return UsageError(f"the jobs cannot be entered: {error}")
