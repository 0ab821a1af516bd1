"""Entering jobs into a queue in an SQLite file."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, Literal, cast

from gangline.errors import JobExists, UsageError
from gangline.store.jobs.base import Base, Work
from gangline.store.jobs.lanes import lane_id
from gangline.store.jobs.port import Lane, NewJob, State
from gangline.store.jobs.sqlite.statements import STATEMENTS, SqliteWork
from gangline.store.jobs.texts import clean, key

__all__ = ["Entering"]

_MANY = 500
"""From so many on it is worth while to see what they have in common."""

_LONGEST = 10_000
"""Longer texts are not put into a statement: it may not be longer than a million characters."""

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
        if equal != "refused":
            jobs = _put_up_with(here, jobs, leave_out=equal == "left out")
        if not jobs:
            return []
        ((last,),) = here.connection.execute(STATEMENTS["last_id"])
        first = last + 1
        lanes = self._lane_column(here, [job.lane for job in jobs])
        simple = len(jobs) == 1 and not (jobs[0].needs or jobs[0].needs_classes)
        try:
            _insert(here, jobs, lanes, first, simple=simple)
        except sqlite3.IntegrityError:
            keys = [(job.digest,) for job in jobs if job.unique]
            here.connection.executemany(STATEMENTS["free_keys"], keys).close()
            try:
                _insert(here, jobs, lanes, first, simple=simple)
            except sqlite3.IntegrityError as error:
                raise _refusal(here, jobs, error) from error
        return list(range(first, first + len(jobs)))

    def _lane_column(self, work: SqliteWork, lanes: Sequence[Lane]) -> Iterable[int]:
        if lanes[0] in self._lane_ids and lanes.count(lanes[0]) == len(lanes):
            return repeat(self._lane_ids[lanes[0]])
        for lane in set(lanes) - self._lane_ids.keys() - work.new_lanes.keys():
            work.new_lanes[lane] = lane_id(work, lane)
        numbers = self._lane_ids | work.new_lanes
        return [numbers[lane] for lane in lanes]


def _insert(work: SqliteWork, jobs: Sequence[NewJob], lanes: Iterable[int], first: int, *, simple: bool) -> None:
    """Write the rows of new jobs, all or none."""
    connection = work.connection
    if simple:
        connection.execute(STATEMENTS["add_job"], next(zip(*_columns(work, jobs, lanes, first), strict=False)))
        return
    connection.execute("SAVEPOINT entering")
    try:
        columns: Iterable[Iterable[Any]] = _columns(work, jobs, lanes, first)
        statement = STATEMENTS["add_job"]
        if len(jobs) >= _MANY:
            statement, columns = _with_constants(connection, columns)
        connection.executemany(statement, zip(*columns, strict=False)).close()
    except sqlite3.IntegrityError:
        connection.execute("ROLLBACK TO entering")
        connection.execute("RELEASE entering")
        raise
    connection.execute("RELEASE entering")


def _columns(work: SqliteWork, jobs: Sequence[NewJob], lanes: Iterable[int], first: int) -> tuple[Iterable[Any], ...]:
    """The columns of the rows of new jobs; what they wait for is written. There may be a hundred thousand."""
    (_, args, digests, uniques, priorities, attempts, properties, waits, parents, needs, classes, hosts, users,
     tags, authors, hidden) = zip(*jobs, strict=True)  # fmt: skip
    places, query_ats = ["ready"] * len(jobs), [None] * len(jobs)
    _check_ids(work, set(parents).difference((None,)).union(*set(needs)))
    if any(needs) or any(classes):
        places = ["held" if _note_needs(work, number, job) else "ready" for number, job in enumerate(jobs, first)]
    if any(waits):
        places = ["waiting" if wait_s > 0 else place for wait_s, place in zip(waits, places, strict=True)]
        query_ats = [work.now + wait_s if wait_s > 0 else None for wait_s in waits]
    return (
        range(first, first + len(jobs)), lanes, places, priorities, attempts, repeat(work.now), query_ats,
        parents, digests, uniques, hidden, _cleaned(hosts), _cleaned(users), _cleaned(tags), _cleaned(authors),
        properties, args,
    )  # fmt: skip


def _with_constants(
    connection: sqlite3.Connection, columns: Iterable[Iterable[Any]]
) -> tuple[str, list[Iterable[Any]]]:
    """The statement that enters jobs with the columns in it that are the same in all rows, and the other columns.

    Values that need not be bound to each row save half of the time.
    """
    names, varying = {}, []
    for number, column in enumerate(columns, 1):
        value = _constant(column)
        if value is column:
            varying.append(column)
            names[str(number)] = f"?{len(varying)}"
        else:
            ((names[str(number)],),) = connection.execute("SELECT quote(?)", (value,))
    return re.sub(r"\?(\d+)", lambda found: names[found[1]], STATEMENTS["add_job"]), varying


def _constant(column: Iterable[Any]) -> Any:
    """The value that is the same in all rows; the column itself if there is none."""
    if isinstance(column, repeat):
        return next(column)
    if isinstance(column, (list, tuple)) and column.count(column[0]) == len(column):
        value = column[0]
        return column if isinstance(value, str) and len(value) > _LONGEST else value
    return column


def _cleaned(texts: Sequence[str]) -> Sequence[str]:
    """A column of texts as they can be kept."""
    kept = {text: clean(text) for text in set(texts)}
    return texts if all(text is new for text, new in kept.items()) else [kept[text] for text in texts]


def _put_up_with(work: SqliteWork, jobs: Sequence[NewJob], *, leave_out: bool) -> list[NewJob]:
    """Jobs that may be entered: those that are equal to others are left out, or not called unique."""
    entered: list[NewJob] = []
    digests: set[bytes] = set()
    for job in jobs:
        if job.unique and (job.digest in digests or _unique_job(work, job.digest) is not None):
            if not leave_out:
                entered.append(job._replace(unique=False))
        else:
            entered.append(job)
            digests |= {job.digest} if job.unique else set()
    return entered


def _unique_job(work: SqliteWork, digest: bytes) -> int | None:
    found = work.connection.execute(STATEMENTS["find_unique"], (digest,)).fetchone()
    return None if found is None else int(found[0])


def _check_ids(work: SqliteWork, named: set[int]) -> None:
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


def _refusal(work: SqliteWork, jobs: Sequence[NewJob], error: sqlite3.IntegrityError) -> Exception:
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
        if existing is not None:
            return JobExists(f"job {existing} is equal ({job.lane.name}, same arguments) and not final", job=existing)
    return UsageError(f"the jobs cannot be entered: {error}")
