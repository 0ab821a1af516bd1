"""What the parts of a store build on: a transaction in which statements are run by their names."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from gangline.errors import UsageError
from gangline.store.jobs.filters import Dialect
from gangline.store.jobs.port import Lane

__all__ = ["Base", "Row", "Work", "lane_of", "worker_id"]

Row = tuple[Any, ...]


class Work(Protocol):
    """One transaction."""

    def run(self, name: str, /, **parameters: Any) -> list[Row]:
        """Run a named statement; its rows. Lists are for IN_LIST."""

    def run_many(self, name: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        """Run a named statement once for each of these."""

    def query(self, statement: str, parameters: Mapping[str, Any], /) -> list[Row]:
        """Run a statement that was put together; its rows."""

    def lock(self, name: str, /) -> None:
        """Let no other transaction that asks for the same go on before this one has ended."""

    def changed(self, *, ends: bool = False) -> None:
        """Once the transaction stands, wake those who wait for a change (`ends`: those who wait for jobs to end)."""


class Base(ABC):
    """A store: where its parts find the database."""

    url: str
    _dialect: Dialect

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Work]:
        """A transaction that only reads."""

    @abstractmethod
    def _words(self, name: str) -> str:
        """A named statement."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Work]:
        """A transaction that is done whole or not at all."""


def worker_id(uid: str) -> int:
    """The number of a worker.

    Raises:
        UsageError: It is no uid.
    """
    try:
        number = int(uid, 16)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < 2**63:
        raise UsageError(f"{uid!r:.100} is no worker; `register` names them")
    return number


def lane_of(name: str, workers: str, python: str, folder: str, force: Any, here: Any, total: Any) -> Lane:
    """A lane, from its row."""
    return Lane(name, tuple(json.loads(workers)), python, folder, bool(force), here, total)
