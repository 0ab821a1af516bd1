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
        forced_only: bool = False, hasty: bool = False,
    ) -> TurnResult:  # fmt: skip
        """See `JobStore.turn`."""
        number = worker_id(worker)
        completed, others = self._endings(endings)
        with self._reading() as work:  # one statement is a transaction of its own; nothing else is sent
            ((answer,),) = work.run(
                "turn",
                worker=number,
                completed=completed,
                endings=others,
                room=room,
                ahead=json.dumps(dict(ahead or {})),
                forced_only=forced_only,
                hasty=hasty,
            )
        if answer is None:
            raise UsageError(f"the worker {worker} is not registered (any more)")
        claimed, lost, orders, next_in_s, halting = answer
        self._tidier.taken += len(claimed or ())
        return TurnResult(
            self._claims(claimed or []), [(job, fence) for job, fence in lost or []],
            [Order(job, fence, "kill") for job, fence in orders or []], next_in_s, halting,
        )  # fmt: skip

    def confirm(self, claims: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """See `JobStore.confirm`."""
        with self._reading() as work:
            ((_, lost),) = work.run("confirm", jobs=[job for job, _ in claims], fences=[fence for _, fence in claims])
        return [(job, fence) for job, fence in lost or []]

    def _claims(self, rows: Sequence[Sequence[Any]]) -> list[Claim]:
        if unknown := {row[2] for row in rows} - self._lanes.keys():
            with self._reading() as work:
                found = work.run("list_lanes", lanes=sorted(unknown))
            self._lanes |= {number: lane_of(*fields) for number, *fields in found}
        best_first = sorted(rows, key=lambda row: (-row[5], row[0]))
        return [Claim(row[0], row[1], self._lanes[row[2]], *row[3:]) for row in best_first]

    def _endings(self, endings: Sequence[Ending]) -> tuple[str | None, str | None]:
        """Endings as `end_jobs` reads them: those that are simple, and the others; None if there are none."""
        simple: dict[int, Ending] = {}
        others = []
        for ending in endings:
            # The claims of a job that was lost and taken again may end at the same time.
            if ending.job in simple or ending.kind != "complete" or _has_more_to_tell(ending):
                others.append(ending)
            else:
                simple[ending.job] = ending
        for ending in others:
            if ending.next:
                self._know_lanes(ending.next)
        told = json.dumps([self._told(ending) for ending in others]) if others else None
        return _completed(list(simple.values())), told

    def _told(self, ending: Ending) -> dict[str, Any]:
        """What is empty is left out."""
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


def _has_more_to_tell(ending: Ending) -> bool:
    return bool(ending.error or ending.output or ending.sources or ending.next)


def _completed(endings: Sequence[Ending]) -> str | None:
    """Jobs that are complete, as lists of the same length; one in which there is nothing is left out."""
    if not endings:
        return None
    lists: dict[str, list[Any]] = {
        "jobs": [ending.job for ending in endings],
        "fences": [ending.fence for ending in endings],
        "runtimes": [ending.runtime_s for ending in endings],
    }
    if any(ending.message for ending in endings):
        lists["messages"] = [clean(ending.message, MESSAGE_LIMIT) or None for ending in endings]
    if any(ending.result for ending in endings):
        lists["results"] = [clean(ending.result) or None for ending in endings]
    return json.dumps(lists)
