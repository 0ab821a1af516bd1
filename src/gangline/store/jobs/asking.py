"""What is asked of a queue: one job, many, how many, what they wrote, why one does not run; and forgetting old ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gangline.errors import UsageError
from gangline.store.jobs.base import Base, Row, Work, lane_of
from gangline.store.jobs.filters import compile_filter, compile_order
from gangline.store.jobs.orders import worker_row
from gangline.store.jobs.port import FINAL, JobRow, Lane, OutputLine, State

__all__ = ["Asking"]

_PURGED_AT_ONCE = 5_000


class Asking(Base):
    """The part of a store that answers."""

    def get(self, job: int) -> JobRow | None:
        """See `JobStore.get`."""
        if not isinstance(job, int) or not 0 < job < 2**63:
            return None
        with self._reading() as work:
            return next(iter(_job_rows(work, work.run("get_job", job=job))), None)

    def find(
        self, where: Mapping[str, Any] | None = None, *, journal: bool | None = False, order: str = "id",
        limit: int | None = None, offset: int = 0,
    ) -> list[JobRow]:  # fmt: skip
        """See `JobStore.find`."""
        condition, parameters = self._condition(where, journal)
        ordering = compile_order(order)
        statement = f"{self._words('job_columns')} {self._words('job_tables')} WHERE {condition} ORDER BY {ordering}"
        statement += " LIMIT :limit OFFSET :offset"
        parameters |= {"limit": 2**62 if limit is None else max(0, limit), "offset": max(0, offset)}
        with self._reading() as work:
            return _job_rows(work, work.query(statement, parameters))

    def count(self, where: Mapping[str, Any] | None = None, *, journal: bool | None = False) -> int:
        """See `JobStore.count`."""
        return sum(self.count_states(where, journal=journal).values())

    def count_states(self, where: Mapping[str, Any] | None = None, *, journal: bool | None = None) -> dict[State, int]:
        """See `JobStore.count_states`."""
        condition, parameters = self._condition(where, journal)
        tables = self._words("job_tables") if where else "FROM jobs j"
        with self._reading() as work:
            rows = work.query(f"SELECT j.state, count(*) {tables} WHERE {condition} GROUP BY j.state", parameters)
        return {State(state): number for state, number in rows}

    def output(self, job: int, *, after: int = 0, limit: int = 10_000) -> list[tuple[int, int, OutputLine]]:
        """See `JobStore.output`."""
        with self._reading() as work:
            rows = work.run("list_output", job=job, after=after, limit=limit)
        return [(number, trial, OutputLine(*piece)) for number, trial, *piece in rows]

    def blockers(self, job: int) -> Mapping[str, Any]:
        """See `JobStore.blockers`."""
        row = self.get(job)
        if row is None:
            raise UsageError(f"there is no job {job!r:.50}")
        lane = row.lane
        with self._reading() as work:
            ((place, now),) = work.run("find_place", job=job)
            running: dict[str, int] = dict(work.run("count_running", name=lane.name))
            pauses = work.run("list_pauses")
            workers = list(map(worker_row, work.run("list_workers")))
            ((before,),) = work.run("count_before", priority=row.priority, job=job) if place == "ready" else ((0,),)
            needs = [_need(work, need) for need in row.needs]
        return {
            "state": row.state.value, "journaled": row.journaled, "ready": place == "ready",
            "now": now, "query_at": row.query_at if place == "waiting" else None,
            "pauses": [
                {"scope": scope, "name": name, "since": since, "reason": reason}
                for scope, name, since, reason in pauses
                if scope != "class" or name == lane.name
            ],
            "limits": {
                "max_parallel": lane.max_parallel, "max_parallel_total": lane.max_parallel_total,
                "running": running, "running_total": sum(running.values()),
            },
            "needs": needs,
            "workers": [
                worker._asdict() | {"may_take": not lane.workers or worker.name in lane.workers} for worker in workers
            ],
            "before": before,
        }  # fmt: skip

    def purge(self, older_than_s: float, *, states: Iterable[State] = (State.COMPLETE,)) -> int:
        """See `JobStore.purge`."""
        names = [State(state).value for state in states]
        if any(State(name) not in FINAL for name in names):
            raise UsageError(f"only what is final can be purged: {', '.join(sorted(FINAL))}")
        total = 0
        for statement in ("purge_journal", "purge_final"):
            while True:
                with self._writing() as work:
                    jobs = [
                        job
                        for (job,) in work.run(
                            statement, older_than_s=float(older_than_s), states=names, limit=_PURGED_AT_ONCE
                        )
                    ]
                    if jobs:
                        for rest in ("purge_output", "purge_errors", "purge_needs"):
                            work.run(rest, jobs=jobs)
                total += len(jobs)
                if len(jobs) < _PURGED_AT_ONCE:
                    break
        return total

    def _condition(self, where: Mapping[str, Any] | None, journal: bool | None) -> tuple[str, dict[str, Any]]:
        compiled = compile_filter(where, self._dialect)
        place = "" if journal is None else "j.journaled AND " if journal else f"{self._words('in_queue')} AND "
        return place + compiled.sql, compiled.parameters


def _job_rows(work: Work, rows: Sequence[Row]) -> list[JobRow]:
    """Jobs from their rows, with their errors and what they wait for."""
    errors: dict[int, list[dict[str, Any]]] = {}
    needs: dict[int, list[int | str]] = {}
    if failed := [row[0] for row in rows if row[-1]]:
        for job, trial, at, error, worker, host in work.run("list_errors", jobs=failed):
            entry = {"trial": trial, "at": at, "error": error, "worker": worker, "host": host}
            errors.setdefault(job, []).append(entry)
    if waiting := [row[0] for row in rows if row[-2] in ("waiting", "held")]:
        for job, needed, name in work.run("list_needs", jobs=waiting):
            needs.setdefault(job, []).append(name if needed is None else needed)
    lanes: dict[Row, Lane] = {}
    return [_job_row(row, lanes, errors.get(row[0], []), tuple(needs.get(row[0], ()))) for row in rows]


def _job_row(row: Row, lanes: dict[Row, Lane], errors: list[dict[str, Any]], needs: tuple[int | str, ...]) -> JobRow:
    lane_fields = row[1:8]
    lane = lanes.get(lane_fields)
    if lane is None:
        lane = lanes[lane_fields] = lane_of(*lane_fields)
    (args, digest, state, journaled, priority, trial, attempts, attempts_left, properties, enqueued_at, enqueued_host,
     enqueued_user, parent, query_at, started_at, finished_at, runtime_s, worker, host, pid, lease_until, heartbeat,
     progress, message, result, sources, lost, first_deferred_at, wall_at, zombie_at, inactive_at, killed_at,
     removed_at, tag, author, hidden, unique) = row[8:-2]  # fmt: skip
    running = state == State.RUNNING
    return JobRow(
        row[0], lane, json.loads(args), bytes(digest), State(state), bool(journaled), priority, trial, attempts,
        attempts_left, json.loads(properties), enqueued_at, enqueued_host, enqueued_user, parent, needs, query_at,
        started_at, finished_at, runtime_s, worker, host, pid, started_at if running else None,
        lease_until if running else None, heartbeat, progress, message, json.loads(result) if result else None, errors,
        json.loads(sources), lost, first_deferred_at, wall_at,
        zombie_at, inactive_at, killed_at, removed_at, tag, author, bool(hidden), bool(unique),
    )  # fmt: skip


def _need(work: Work, need: int | str) -> dict[str, Any]:
    """What a job waits for, and how that stands."""
    if isinstance(need, int):
        found = work.run("existing_jobs", jobs=[need])
        return {"job": need, "state": found[0][1] if found else None}
    newest = next(iter(work.run("newest_of_class", name=need)), (None, None))
    return {"class": need, "job": newest[0], "state": newest[1]}
