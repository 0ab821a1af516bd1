"""Lanes as rows."""

from __future__ import annotations

import json

from gangline.store.jobs.base import Work
from gangline.store.jobs.port import Lane
from gangline.store.jobs.texts import clean, key

__all__ = ["lane_id"]


def lane_id(work: Work, lane: Lane) -> int:
    """The number of a lane, which is entered if it is new.

    Raises:
        UsageError: A name in it cannot be one.
    """
    key(lane.name, "the name of a class")
    for name in lane.workers:
        key(name, "the name of a worker")
    fields = {
        "name": lane.name, "workers": json.dumps(lane.workers), "python": clean(lane.python),
        "folder": clean(lane.folder),
        "force": lane.force, "max_parallel": lane.max_parallel, "max_parallel_total": lane.max_parallel_total,
    }  # fmt: skip
    row_key = json.dumps(list(fields.values()))
    found = work.run("find_lanes", keys=[row_key])
    if not found:
        work.run("add_lane", key=row_key, **fields)
        found = work.run("find_lanes", keys=[row_key])
    return int(found[0][1])
