"""What becomes of a claim in an SQLite file, and who is let go by it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from gangline.store.jobs.base import Row
from gangline.store.jobs.leases import keep_output, keep_sources
from gangline.store.jobs.port import Ending, State
from gangline.store.jobs.sqlite.entering import Entering
from gangline.store.jobs.sqlite.statements import STATEMENTS, SqliteWork
from gangline.store.jobs.texts import MESSAGE_LIMIT, clean, clean_error

__all__ = ["EndingClaims"]


class EndingClaims(Entering):
    """The part of the store that ends claims."""

    def _end(self, work: SqliteWork, endings: Sequence[Ending]) -> list[tuple[int, int]]:
        """Write what became of claims; returns those that were not held."""
        lost: list[tuple[int, int]] = []
        complete: list[int] = []
        for plain, group in groupby(endings, _is_plain):
            if plain:
                some = list(group)
                if not _complete_all(work, some):
                    lost += [(ending.job, ending.fence) for ending in some if not _was_told(work, ending)]
                complete += [ending.job for ending in some]
            else:
                for ending in group:
                    state = self._end_one(work, ending)
                    if state is None:
                        lost.append((ending.job, ending.fence))
                    elif state == State.COMPLETE:
                        complete.append(ending.job)
        gone = {job for job, _ in lost}
        answer_needs(work, [job for job in complete if job not in gone] if gone else complete)
        return lost

    def _end_one(self, work: SqliteWork, ending: Ending) -> State | None:
        """Write any ending; the job's new state, or None if the claim is not held."""
        row = work.connection.execute(STATEMENTS["find_claim"], (ending.job,)).fetchone()
        if row is None or row[1] != ending.fence:
            return None
        state, _, killing, removing, trial, left, deferred_at, worker = row
        if state != State.RUNNING:
            return State(state)
        new = _decide(work.now, ending, left, deferred_at, ordered=bool(killing or removing))
        failed = ending.kind in ("failed", "refused")
        released = ending.kind == "released"
        if new == State.DEFERRED or ending.kind == "deferred":
            deferred_at = deferred_at or work.now
        final = new not in (State.DEFERRED, State.FAILED, State.PENDING)
        place = None if final else "ready" if new == State.PENDING else "waiting"
        work.run(
            "end_job", job=ending.job, state=new.value, place=place, journaled=bool(removing) or new == State.COMPLETE,
            final=final, trial=trial - released, attempts_left=max(0, left - failed), failed=int(bool(ending.error)),
            query_at=work.now + ending.wait_s if place == "waiting" else None, first_deferred_at=deferred_at,
            runtime_s=None if released else ending.runtime_s, message=clean(ending.message, MESSAGE_LIMIT),
            result=ending.result or None, removed=bool(removing),
        )  # fmt: skip
        if ending.error:
            work.run("add_error", job=ending.job, trial=trial, worker=worker, error=clean_error(ending.error))
        keep_output(work, ending.job, trial, ending.output)
        keep_sources(work, ending.job, ending.sources)
        if new == State.COMPLETE and ending.next:
            self._enter(work, ending.next, equal="left out")
        return new


def _is_plain(ending: Ending) -> bool:
    return ending.kind == "complete" and not (ending.error or ending.sources or ending.output or ending.next)


def _complete_all(work: SqliteWork, endings: Sequence[Ending]) -> bool:
    """Complete jobs that leave nothing else behind; False if not all of them were held."""
    now = work.now
    rows = [
        (now, ending.runtime_s, clean(ending.message, MESSAGE_LIMIT) if ending.message else "", ending.result or None,
         ending.job, ending.fence)
        for ending in endings
    ]  # fmt: skip
    cursor = work.connection.executemany(STATEMENTS["complete_job"], rows)
    return cursor.rowcount == len(endings)


def _was_told(work: SqliteWork, ending: Ending) -> bool:
    """Whether this claim ended: now, or when the same was told before."""
    row = work.connection.execute(STATEMENTS["find_claim"], (ending.job,)).fetchone()
    return row is not None and row[1] == ending.fence


def _decide(now: float, ending: Ending, left: int, deferred_at: float | None, *, ordered: bool) -> State:
    """What a job becomes. `ordered`: somebody wants it killed or removed."""
    if ending.kind == "complete":
        return State.COMPLETE
    if ordered or ending.kind == "killed":
        return State.KILLED
    if ending.kind == "released":
        return State.PENDING
    if ending.kind == "deferred":
        over = ending.defer_max_s is not None and deferred_at is not None and now - deferred_at > ending.defer_max_s
        return State.INACTIVE if over else State.DEFERRED
    return State.FAILED if ending.kind == "failed" and left > 1 else State.ERROR


def answer_needs(work: SqliteWork, jobs: Sequence[int]) -> None:
    """Let go what waited for jobs that are complete now."""
    if not jobs or not work.connection.execute(STATEMENTS["any_need"]).fetchone()[0]:
        return
    waiting: dict[int, Any] = {}
    for job in jobs:
        waiting |= dict.fromkeys(_first(work.connection.execute(STATEMENTS["answer_needs"], (job,)).fetchall()))
        waiting |= dict.fromkeys(_first(work.connection.execute(STATEMENTS["answer_class_needs"], (job,)).fetchall()))
    work.connection.executemany(STATEMENTS["release_held"], [(job,) for job in waiting]).close()


def _first(rows: list[Row]) -> list[int]:
    return [row[0] for row in rows]
