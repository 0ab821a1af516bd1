"""A worker's turn on PostgreSQL: one call of a function on the server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gangline.errors import UsageError
from gangline.store.jobs.base import lane_of, worker_id
from gangline.store.jobs.port import Claim, Ending, Lane, Order, TurnResult
from gangline.store.jobs.postgres.entering import Entering
from gangline.store.jobs.postgres.tidying import Tidier
from gangline.store.jobs.texts import MESSAGE_LIMIT, clean, clean_error

__all__ = ["Turning"]


class Turning(Entering):
    """The part of the store that gives out jobs."""

    _lanes: dict[int, Lane]
    _tidier: Tidier

    def turn(
        self, worker: str, endings: Sequence[Ending] = (), *, room: int = 0, ahead: Mapping[str, int] | None = None,
        forced_only: bool = False,
    ) -> TurnResult:  # fmt: skip
        """See `JobStore.turn`."""
        number = worker_id(worker)
        told = self._endings(endings) if endings else None
        with self._reading() as work:  # one statement is a transaction of its own; nothing else is sent
            ((answer,),) = work.run(
                "turn",
                worker=number,
                endings=told,
                room=room,
                ahead=json.dumps(dict(ahead or {})),
                forced_only=forced_only,
            )
        if answer is None:
            raise UsageError(f"the worker {worker} is not registered (any more)")
        claimed, lost, orders, next_in_s, halting = answer
        self._tidier.taken += len(claimed or ())
        return TurnResult(
            self._claims(claimed or []), [(job, fence) for job, fence in lost or []],
            [Order(job, fence, "kill") for job, fence in orders or []], next_in_s, halting,
        )  # fmt: skip

    def _claims(self, rows: Sequence[Sequence[Any]]) -> list[Claim]:
        if unknown := {row[2] for row in rows} - self._lanes.keys():
            with self._reading() as work:
                found = work.run("list_lanes", lanes=sorted(unknown))
            self._lanes |= {number: lane_of(*fields) for number, *fields in found}
        return [Claim(row[0], row[1], self._lanes[row[2]], *row[3:]) for row in rows]

    def _endings(self, endings: Sequence[Ending]) -> str:
        """Endings as `end_jobs` reads them: what is empty is left out."""
        for ending in endings:
            if ending.next:
                self._know_lanes(ending.next)
        return json.dumps([self._told(ending) for ending in endings])

    def _told(self, ending: Ending) -> dict[str, Any]:
        told: dict[str, Any] = {
            "job": ending.job, "fence": ending.fence, "kind": ending.kind, "runtime_s": ending.runtime_s,
        }  # fmt: skip
        if ending.wait_s:
            told["wait_s"] = ending.wait_s
        if ending.defer_max_s is not None:
            told["defer_max_s"] = ending.defer_max_s
        if ending.message:
            told["message"] = clean(ending.message, MESSAGE_LIMIT)
        if ending.error:
            told["error"] = clean_error(ending.error)
        if ending.result:
            told["result"] = clean(ending.result)
        if ending.sources:
            told["sources"] = [clean(source) for source in ending.sources]
        if ending.output:
            told["output"] = [(clean(line.stream), line.at, clean(line.text)) for line in ending.output]
        if ending.next:
            told["next"] = self._plain(ending.next)
        return told
