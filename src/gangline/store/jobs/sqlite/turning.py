"""A worker's turn on an SQLite file: endings are written and jobs taken in one transaction.

Nobody else writes meanwhile, so that what is read here holds until the end. A turn that changes nothing writes nothing:
others are not woken by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from gangline.errors import UsageError
from gangline.store.jobs.base import Row, lane_of, worker_id
from gangline.store.jobs.claiming import Allowance, Head, choose, is_open
from gangline.store.jobs.port import Claim, Ending, Lane, Order, TurnResult
from gangline.store.jobs.sqlite.ending import EndingClaims
from gangline.store.jobs.sqlite.statements import STATEMENTS, SqliteWork

__all__ = ["Turning"]


class Turning(EndingClaims):
    """The part of the store that gives out jobs."""

    _lanes: dict[int, Lane]

    def turn(
        self, worker: str, endings: Sequence[Ending] = (), *, room: int = 0, ahead: Mapping[str, int] | None = None,
        forced_only: bool = False, hasty: bool = False,
    ) -> TurnResult:  # fmt: skip
        """See `JobStore.turn`."""
        number = worker_id(worker)
        with self._writing() as work:
            assert isinstance(work, SqliteWork)
            lost = self._end(work, endings) if endings else []
            look = work.connection.execute(STATEMENTS["look"], (number,)).fetchone()
            if look is None:
                raise UsageError(f"the worker {worker} is not registered (any more)")
            name, host, lease_s, halting, waiting, due, pauses, ordered, first_lane, last_lane = look
            if waiting is not None and waiting <= work.now:
                work.connection.execute(STATEMENTS["promote"], (work.now,)).close()
                look = work.connection.execute(STATEMENTS["look"], (number,)).fetchone()
                waiting, first_lane, last_lane = look[4], look[8], look[9]
            claimed: list[Claim] = []
            if first_lane is not None and not halting and (room > 0 or ahead):
                ids = [first_lane] if first_lane == last_lane else [lane for (lane,) in work.run("ready_lanes")]
                paused = [(scope, what) for scope, what, *_ in work.run("list_pauses")] if pauses else []
                lanes = self._known_lanes(work, ids)
                may = partial(is_open, worker=name, host=host, paused=paused, forced_only=forced_only)
                free = {lane: lanes[lane] for lane in ids if may(lanes[lane])}
                if free:
                    allowance = Allowance(room, ahead or {}, lambda of: dict(work.run("count_running", name=of)), host)
                    claimed = self._claim(work, free, allowance, number, work.now + lease_s)
            orders = (
                [Order(job, fence, "kill") for job, fence in work.run("list_orders", worker=number)] if ordered else []
            )
            times = [at for at in (waiting, due) if at is not None]
            next_in_s = max(0.0, min(times) - work.now) if times else None
        return TurnResult(claimed, lost, orders, next_in_s, bool(halting))

    def confirm(self, claims: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """See `JobStore.confirm`. There is no server that could forget them."""
        return []

    def _claim(
        self, work: SqliteWork, lanes: Mapping[int, Lane], allowance: Allowance, worker: int, lease_until: float
    ) -> list[Claim]:  # fmt: skip
        marks = (worker, work.now, lease_until)
        rows: list[Row] = []
        if len(lanes) == 1:
            ((number, lane),) = lanes.items()
            if most := allowance.most(lane):
                rows = work.connection.execute(STATEMENTS["claim_head"], (*marks, number, most)).fetchall()
        else:
            for job in choose({number: partial(_head, work, number) for number in lanes}, lanes, allowance):
                rows += work.connection.execute(STATEMENTS["claim_job"], (*marks, job)).fetchall()
        rows.sort(key=lambda row: (-row[5], row[0]))
        return [Claim(row[0], row[1], lanes[row[2]], *row[3:]) for row in rows]

    def _known_lanes(self, work: SqliteWork, ids: Sequence[int]) -> dict[int, Lane]:
        if unknown := [lane for lane in ids if lane not in self._lanes]:
            self._lanes |= {number: lane_of(*fields) for number, *fields in work.run("list_lanes", lanes=unknown)}
        return self._lanes


def _head(work: SqliteWork, lane: int, most: int) -> Iterator[Head]:
    for priority, job in work.connection.execute(STATEMENTS["head_of_lane"], (lane, most)):
        yield -priority, job, lane
