"""`self.config.sys.queue` of core4's jobs: the queue and the journal, asked as MongoDB's collections are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gangline.queue.words import meant

if TYPE_CHECKING:
    from gangline.queue.facade import Queue
    from gangline.queue.record import JobRecord

__all__ = ["Collection", "Config"]


class Config:
    """What jobs have as `self.config`."""

    def __init__(self, queue: Queue) -> None:
        self.sys = _Collections(queue)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"the config of a job has 'sys' only, with 'sys.queue' and 'sys.journal', and no {name!r}: "
            "pass settings as arguments"
        )


class _Collections:
    def __init__(self, queue: Queue) -> None:
        self.queue = Collection(queue, journal=False)
        self.journal = Collection(queue, journal=True)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"config.sys has no {name!r}; {meant(name, ('queue', 'journal'))}")


class Collection:
    """Jobs in the queue, or those in the journal: what is complete or removed.

    Args:
        queue: Where they are.
        journal: Which of the two.
    """

    def __init__(self, queue: Queue, *, journal: bool) -> None:
        self._queue = queue
        self._journal = journal

    def count_documents(self, filter: Mapping[str, Any] | None = None) -> int:
        """How many match."""
        return self._queue.count(filter, journal=self._journal)

    def estimated_document_count(self) -> int:
        """How many there are."""
        return self._queue.count(journal=self._journal)

    def find(self, filter: Mapping[str, Any] | None = None, *, limit: int | None = None) -> list[JobRecord]:
        """Those that match, oldest first."""
        return self._queue.find(filter, journal=self._journal, limit=limit)

    def find_one(self, filter: Mapping[str, Any] | int | str | None = None) -> JobRecord | None:
        """The oldest one that matches, or the one with this id; None if there is none."""
        where = filter if isinstance(filter, Mapping) or filter is None else {"id": int(filter)}
        found = self.find(where, limit=1)
        return found[0] if found else None
