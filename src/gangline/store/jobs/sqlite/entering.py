"""Entering jobs into a queue in an SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Literal, NamedTuple, cast

from gangline.errors import JobExists, UsageError
from gangline.store.jobs.base import Base, Work
from gangline.store.jobs.lanes import lane_id
from gangline.store.jobs.port import Alike, Lane, NewJob, State
from gangline.store.jobs.sqlite.statements import STATEMENTS, SqliteWork
from gangline.store.jobs.texts import clean, key

__all__ = ["Entering"]

_MANY = 100
"""From so many on jobs that are alike are entered together."""

_AT_ONCE, _AT_ONCE_CHARACTERS = 2_000, 2**22
"""So many of them are given to SQLite at a time."""

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode

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

    def add_alike(self, jobs: Alike) -> list[int]:
        """See `JobStore.add_alike`."""
        like = jobs.like
        if len(jobs) < _MANY or like.needs or like.needs_classes:
            return self.add(_apart(jobs))
        parts = list(_parts(jobs))  # nobody waits for the file meanwhile
        with self._writing() as work:
            return self._enter_alike(cast(SqliteWork, work), jobs, parts)

    def _enter_alike(self, work: SqliteWork, jobs: Alike, parts: Sequence[_Part]) -> list[int]:
        like = jobs.like
        if like.parent is not None:
            _check_ids(work, {like.parent})
        ((last,),) = work.connection.execute(STATEMENTS["last_id"])
        (lane,) = self._lane_column(work, [like.lane])
        place, query_at = ("waiting", work.now + like.wait_s) if like.wait_s > 0 else ("ready", None)
        common = {
            "lane": lane, "place": place, "priority": like.priority, "attempts": like.attempts, "now": work.now,
            "query_at": query_at, "parent": like.parent, "is_unique": like.unique, "hidden": like.hidden,
            "host": clean(like.host), "user": clean(like.user), "tag": clean(like.tag), "author": clean(like.author),
            "properties": like.properties,
        }  # fmt: skip

        def insert() -> None:
            first = last + 1
            for part in parts:
                of_part = {"first": first, "args": part.args, "digests": part.digests, "size": part.digest_bytes}
                work.connection.execute(STATEMENTS["add_alike"], common | of_part)
                first += part.size

        _insert_whole(work, insert, lambda: _apart(jobs))
        return list(range(last + 1, last + 1 + len(jobs)))

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
        is_one = len(jobs) == 1 and not (jobs[0].needs or jobs[0].needs_classes)

        def insert() -> None:
            rows = zip(*_columns(here, jobs, lanes, first), strict=False)
            if is_one:
                here.connection.execute(STATEMENTS["add_job"], next(rows)).close()
            else:
                here.connection.executemany(STATEMENTS["add_job"], rows).close()

        _insert_whole(here, insert, lambda: jobs, is_one_row=is_one)
        return list(range(first, first + len(jobs)))

    def _lane_column(self, work: SqliteWork, lanes: Sequence[Lane]) -> Sequence[int]:
        if len(lanes) == 1 and lanes[0] in self._lane_ids:
            return [self._lane_ids[lanes[0]]]
        for lane in set(lanes) - self._lane_ids.keys() - work.new_lanes.keys():
            work.new_lanes[lane] = lane_id(work, lane)
        numbers = self._lane_ids | work.new_lanes
        return [numbers[lane] for lane in lanes]


class _Part(NamedTuple):
    """Some of many jobs as SQLite takes them apart: arguments as texts in a JSON array, digests one after another."""

    size: int
    args: str
    digests: bytes
    digest_bytes: int


def _parts(jobs: Alike) -> Iterator[_Part]:
    texts: list[str] = []
    digests: list[bytes] = []
    size = 0
    for text, digest in jobs:
        texts.append(text)
        digests.append(digest)
        size += len(text)
        if len(texts) == _AT_ONCE or size > _AT_ONCE_CHARACTERS:
            yield _Part(len(texts), _encode(texts), b"".join(digests), len(digest))
            texts, digests, size = [], [], 0
    if texts:
        yield _Part(len(texts), _encode(texts), b"".join(digests), len(digest))


def _apart(jobs: Alike) -> list[NewJob]:
    return [jobs.like._replace(args=args, digest=digest) for args, digest in jobs]


def _insert_whole(
    work: SqliteWork, insert: Callable[[], None], jobs: Callable[[], Sequence[NewJob]], *, is_one_row: bool = False
) -> None:
    """Write the rows of new jobs, all or none; completed jobs give up their keys to equal ones.

    Args:
        work: The transaction, which may go on if they are refused.
        insert: Writes them.
        jobs: They; asked for if there are equal ones.
        is_one_row: It is not written in part anyhow.

    Raises:
        JobExists: One is equal to another.
    """
    connection = work.connection
    for is_last in (False, True):
        try:
            if is_one_row:
                insert()
            else:
                _saved(connection, insert)
            return
        except sqlite3.IntegrityError as error:
            if is_last:
                raise _refusal(work, jobs(), error) from error
            keys = [(job.digest,) for job in jobs() if job.unique]
            connection.executemany(STATEMENTS["free_keys"], keys).close()


def _saved(connection: sqlite3.Connection, insert: Callable[[], None]) -> None:
    connection.execute("SAVEPOINT entering")
    try:
        insert()
    except sqlite3.IntegrityError:
        connection.execute("ROLLBACK TO entering")
        raise
    finally:
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
