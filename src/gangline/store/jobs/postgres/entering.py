"""Entering jobs into a queue in PostgreSQL: few by a function of the server's, many by COPY."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Literal, cast

import psycopg

from gangline.errors import JobExists, UsageError
from gangline.store.jobs.base import Base, Work
from gangline.store.jobs.lanes import lane_id
from gangline.store.jobs.port import Alike, Lane, NewJob
from gangline.store.jobs.postgres.opening import EQUAL_JOB
from gangline.store.jobs.postgres.statements import STATEMENTS, PostgresWork
from gangline.store.jobs.texts import clean, key

__all__ = ["Entering"]

Equal = Literal["refused", "entered", "left out"]

_MANY = 100
"""From so many on jobs that are alike are copied."""

_AT_ONCE = 500
"""So many of them are sent at a time; the server takes them in while the next ones are written."""


class Entering(Base):
    """The part of the store that jobs come in by."""

    _lane_ids: dict[Lane, int]

    def add(self, jobs: Sequence[NewJob]) -> list[int]:
        """See `JobStore.add`."""
        if not jobs:
            return []
        self._know_lanes(jobs)
        with self._reading() as work:  # one statement is a transaction of its own; nothing else is sent
            if len(jobs) == 1 and not (jobs[0].needs or jobs[0].needs_classes):
                entered = work.run("enter_one", **self._fields(jobs[0]))
                if entered[0][0] is not None:
                    return [entered[0][0]]
            try:
                return self._enter(work, jobs, equal="refused")  # which also says why one was not
            except psycopg.DatabaseError as error:
                if error.sqlstate == EQUAL_JOB:
                    work.run("outlast")  # nobody may rely on a job that a crash of the server would take with it
                raise

    def _enter(self, work: Work, jobs: Sequence[NewJob], *, equal: Equal) -> list[int]:
        """Enter jobs within a transaction."""
        here = cast(PostgresWork, work)
        self._know_lanes(jobs)
        if equal == "refused":
            _refuse_twins(jobs)
        ((numbers,),) = here.run("enter", jobs=self._dumped(jobs), equal=equal)
        return list(numbers)

    def add_alike(self, jobs: Alike) -> list[int]:
        """See `JobStore.add_alike`."""
        like = jobs.like
        if len(jobs) < _MANY or like.needs or like.needs_classes:
            return self.add(_apart(jobs))
        self._know_lanes([like])
        with self._writing() as work:
            here = cast(PostgresWork, work)
            try:
                return self._copy(here, jobs)
            except psycopg.errors.UniqueViolation as error:
                raise self._clash(_apart(jobs)) from error

    def _copy(self, work: PostgresWork, jobs: Alike) -> list[int]:
        parent = jobs.like.parent
        if parent is not None and not work.run("existing_jobs", jobs=[parent]):
            raise UsageError(f"there is no job {parent}, which a new job names as what it comes from")
        ((first, last, scattered, now),) = work.run("take_numbers", count=len(jobs))
        numbers = scattered or range(first, last + 1)
        lines = _lines(jobs, numbers, self._common_fields(jobs.like, now))
        with work.connection.cursor().copy(STATEMENTS["copy_jobs"]) as copy:
            while part := "".join(islice(lines, _AT_ONCE)):
                copy.write(part)
        work.changed()
        return list(numbers)

    def _common_fields(self, like: NewJob, now: float) -> str:
        place, query_at = ("waiting", now + like.wait_s) if like.wait_s > 0 else ("ready", None)
        return "\t".join(
            "\\N" if value is None else _escaped(str(value))
            for value in (
                self._lane_ids[like.lane], "pending", place, like.priority, like.attempts, like.attempts, now, query_at,
                like.parent, like.unique, like.hidden, clean(like.host), clean(like.user), clean(like.tag),
                clean(like.author), like.properties,
            )
        )  # fmt: skip

    def _clash(self, jobs: Sequence[NewJob]) -> JobExists:
        """Which of many jobs is equal to one that is there, or to another of them; the first."""
        _refuse_twins(jobs)
        with self._reading() as work:
            work.run("outlast")
            found = work.run("find_uniques", digests=[job.digest for job in jobs])
        there = {bytes(digest): number for digest, number in found}
        for job in jobs:
            if job.digest in there:
                number = there[job.digest]
                return JobExists(f"job {number} is equal ({job.lane.name}, same arguments) and not final", job=number)
        return JobExists("a job that is equal (same class, same arguments) has just been entered and ended")

    def _dumped(self, jobs: Sequence[NewJob]) -> str:
        return json.dumps(self._plain(jobs))

    def _plain(self, jobs: Sequence[NewJob]) -> list[dict[str, Any]]:
        """Jobs as `enter_jobs` reads them; their lanes are known."""
        return [
            self._fields(job)
            | {
                "digest": job.digest.hex(), "needs": list(dict.fromkeys(job.needs)),
                "classes": [key(name, "the name of a class") for name in dict.fromkeys(job.needs_classes)],
            }
            for job in jobs
        ]  # fmt: skip

    def _fields(self, job: NewJob) -> dict[str, Any]:
        return {
            "lane": self._lane_ids[job.lane], "args": job.args, "digest": job.digest, "is_unique": job.unique,
            "priority": job.priority, "attempts": job.attempts, "properties": job.properties, "wait_s": job.wait_s,
            "parent": job.parent, "host": clean(job.host), "user": clean(job.user), "tag": clean(job.tag),
            "author": clean(job.author), "hidden": job.hidden,
        }  # fmt: skip

    def _know_lanes(self, jobs: Sequence[NewJob]) -> None:
        """Have a row for every lane: a transaction of its own, of which nothing need be taken back."""
        if unknown := {job.lane for job in jobs} - self._lane_ids.keys():
            with self._writing() as work:
                known = {lane: lane_id(work, lane) for lane in unknown}
            self._lane_ids |= known


def _apart(jobs: Alike) -> list[NewJob]:
    return [jobs.like._replace(args=args, digest=digest) for args, digest in jobs]


def _lines(jobs: Alike, numbers: Iterable[int], common: str) -> Iterator[str]:
    """Jobs as COPY reads them."""
    if jobs.like.unique:
        for number, (args, digest) in zip(numbers, jobs, strict=True):
            code = digest.hex()
            yield f"{number}\t{_escaped(args)}\t\\\\x{code}\t\\\\x{code}\t{common}\n"
    else:
        for number, (args, digest) in zip(numbers, jobs, strict=True):
            yield f"{number}\t{_escaped(args)}\t\\\\x{digest.hex()}\t\\N\t{common}\n"


def _escaped(text: str) -> str:
    """A text as COPY reads it."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\n" in text or "\t" in text or "\r" in text:
        text = text.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return text


def _refuse_twins(jobs: Sequence[NewJob]) -> None:
    seen: dict[bytes, int] = {}
    for number, job in enumerate(jobs, 1):
        if job.unique and seen.setdefault(job.digest, number) != number:
            places = f"{seen[job.digest]} and {number}"
            raise JobExists(f"jobs {places} of the {len(jobs)} to be entered are equal ({job.lane.name})")
