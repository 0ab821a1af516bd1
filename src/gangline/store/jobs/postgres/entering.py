"""Entering jobs into a queue in PostgreSQL: few by a function of the server's, many by COPY."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

import psycopg

from gangline.errors import JobExists, UsageError
from gangline.store.jobs.base import Base, Work
from gangline.store.jobs.lanes import lane_id
from gangline.store.jobs.port import Lane, NewJob
from gangline.store.jobs.postgres.statements import STATEMENTS, PostgresWork
from gangline.store.jobs.texts import clean, key

__all__ = ["Entering"]

Equal = Literal["refused", "entered", "left out"]

_MANY = 200
"""So many are copied."""


class Entering(Base):
    """The part of the store that jobs come in by."""

    _lane_ids: dict[Lane, int]

    def add(self, jobs: Sequence[NewJob]) -> list[int]:
        """See `JobStore.add`."""
        if not jobs:
            return []
        self._know_lanes(jobs)
        with self._writing() as work:
            return self._enter(work, jobs, equal="refused")

    def _enter(self, work: Work, jobs: Sequence[NewJob], *, equal: Equal) -> list[int]:
        """Enter jobs within a transaction."""
        here = cast(PostgresWork, work)
        self._know_lanes(jobs)
        if equal == "refused":
            _refuse_twins(jobs)
            if len(jobs) >= _MANY and not any(job.needs or job.needs_classes for job in jobs):
                return self._copy(here, jobs)
        ((numbers,),) = here.run("enter", jobs=self._dumped(jobs), equal=equal)
        return list(numbers)

    def _copy(self, work: PostgresWork, jobs: Sequence[NewJob]) -> list[int]:
        if parents := {job.parent for job in jobs if job.parent is not None}:
            known = {row[0] for row in work.run("existing_jobs", jobs=sorted(parents))}
            if missing := sorted(parents - known):
                raise UsageError(f"there is no job {missing[0]}, which a new job names as what it comes from")
        ((numbers,),) = work.run("take_numbers", count=len(jobs))
        ((now,),) = work.run("read_clock")
        try:
            with work.connection.transaction(), work.connection.cursor().copy(STATEMENTS["copy_jobs"]) as copy:
                for part in self._lines(jobs, numbers, now):
                    copy.write(part)
        except psycopg.errors.UniqueViolation as error:
            raise _clash(work, jobs) from error
        work.changed()
        return list(numbers)

    def _lines(self, jobs: Sequence[NewJob], numbers: Sequence[int], now: float) -> Iterator[str]:
        lanes, none = self._lane_ids, "\\N"
        known: dict[tuple[str, ...], str] = {}
        lines = []
        for number, job in zip(numbers, jobs, strict=True):
            (lane, args, digest, unique, priority, attempts, properties, wait_s, parent, _, _, host, user, tag, author,
             hidden) = job  # fmt: skip
            place, query_at = ("waiting", repr(now + wait_s)) if wait_s > 0 else ("ready", none)
            code = f"\\\\x{digest.hex()}"
            labels = (host, user, tag, author)
            texts = known.get(labels)
            if texts is None:
                texts = known[labels] = "\t".join(_escaped(clean(text)) for text in labels)
            lines.append(
                f"{number}\t{lanes[lane]}\tpending\t{place}\t{priority}\t{attempts}\t{attempts}\t{now!r}\t{query_at}\t"
                f"{none if parent is None else parent}\t{code}\t{unique}\t{code if unique else none}\t{hidden}\t"
                f"{texts}\t{_escaped(properties)}\t{_escaped(args)}\n"
            )
            if len(lines) == 500:
                yield "".join(lines)
                lines = []
        yield "".join(lines)

    def _dumped(self, jobs: Sequence[NewJob]) -> str:
        return json.dumps(self._plain(jobs))

    def _plain(self, jobs: Sequence[NewJob]) -> list[dict[str, Any]]:
        """Jobs as `enter_jobs` reads them; their lanes are known."""
        return [
            {
                "lane": self._lane_ids[job.lane], "args": job.args, "digest": job.digest.hex(), "is_unique": job.unique,
                "priority": job.priority, "attempts": job.attempts, "properties": job.properties, "wait_s": job.wait_s,
                "parent": job.parent, "needs": list(dict.fromkeys(job.needs)),
                "classes": [key(name, "the name of a class") for name in dict.fromkeys(job.needs_classes)],
                "host": clean(job.host), "user": clean(job.user), "tag": clean(job.tag), "author": clean(job.author),
                "hidden": job.hidden,
            }
            for job in jobs
        ]  # fmt: skip

    def _know_lanes(self, jobs: Sequence[NewJob]) -> None:
        """Have a row for every lane: a transaction of its own, of which nothing need be taken back."""
        if unknown := {job.lane for job in jobs} - self._lane_ids.keys():
            with self._writing() as work:
                known = {lane: lane_id(work, lane) for lane in unknown}
            self._lane_ids |= known


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


def _clash(work: PostgresWork, jobs: Sequence[NewJob]) -> JobExists:
    """Which of many jobs is equal to one that is there; the first."""
    there = {
        bytes(digest): job
        for digest, job in work.run("find_uniques", digests=[job.digest for job in jobs if job.unique])
    }
    for job in jobs:
        if job.unique and job.digest in there:
            number = there[job.digest]
            return JobExists(f"job {number} is equal ({job.lane.name}, same arguments) and not final", job=number)
    return JobExists("a job that is equal (same class, same arguments) has just been entered and ended")
