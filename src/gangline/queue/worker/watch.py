"""Watches over the jobs that run: what they tell, and whether they run for too long."""

from __future__ import annotations

import logging
from typing import Any, Literal

from gangline.queue.properties import Properties
from gangline.queue.worker.held import Held
from gangline.queue.worker.said import read_properties
from gangline.store.jobs.port import JobStore

__all__ = ["Watch"]

_OUTPUT_EVERY_S = 0.5
_log = logging.getLogger("gangline.worker")


class Watch:
    """Writes what running jobs tell into the store.

    Args:
        store: The store.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def look(self, held: Held, now: float) -> None:
        """Look at a job that runs. One that exceeds its wall time and is to be ended for it is ended.

        Raises:
            StoreUnavailable: The store is not there; what the job has told is told later.
        """
        if held.begun_at is None or held.ended_by:
            return
        properties = read_properties(held.claim.properties)
        self._tell(held, properties, now)
        if properties.wall_time is not None and now - held.begun_at > properties.wall_time:
            self._flag(held, "wall")
            if properties.wall_action == "kill":
                self._end(held, "wall", f"it runs for longer than its wall_time of {properties.wall_time:g} s")
        silent_s = now - max(held.active_at, held.begun_at)
        if properties.zombie_time is not None and silent_s > properties.zombie_time and not held.ended_by:
            self._flag(held, "zombie")
            if properties.zombie_action == "kill":
                self._end(held, "zombie", f"it has told no progress for {properties.zombie_time:g} s")

    @staticmethod
    def _end(held: Held, why: Literal["wall", "zombie"], said: str) -> None:
        _log.warning("job %d is ended: %s", held.claim.id, said)
        held.ended_by, held.said = why, said
        held.place.kill(held.handle, said)

    def _tell(self, held: Held, properties: Properties, now: float) -> None:
        told = (held.handle.extras or {}).get("data", {})
        news: dict[str, Any] = {}
        progress = told.get("progress")
        if progress is not None and progress != held.progress:
            held.active_at = now
            if now - held.told_at >= properties.progress_interval or held.progress is None:
                value, message, _ = progress
                news = {"progress": value, "message": message}
        due = now - held.output_told_at >= _OUTPUT_EVERY_S
        output = held.news() if due else ()
        if not news and not output:
            return
        try:
            self._store.tell(held.claim.id, held.claim.fence, output=output, **news)
        except BaseException:
            held.forget_news()
            raise
        if news:
            held.progress, held.told_at = progress, now
        if output:
            held.output_told_at = now

    def _flag(self, held: Held, flag: Any) -> None:
        if flag not in held.flagged:
            self._store.tell(held.claim.id, held.claim.fence, flag=flag)
            held.flagged.add(flag)
