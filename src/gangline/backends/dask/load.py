"""What clients tell of their load: the scheduler of Dask sees none of the tasks, and could not scale a cluster by them.

A client logs an event of the scheduler whenever its load has changed, and from time to time if it has not. Whoever
scales the cluster adds up what the clients have said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

__all__ = ["REPEAT_S", "TOPIC", "Load", "Loads"]

TOPIC = "gangline-load"
REPEAT_S = 10.0
_EXPIRES_S = 3 * REPEAT_S


class Load(NamedTuple):
    """One client's.

    Attributes:
        waiting: How many tasks would run at once if there were more engines.
        busy: The addresses of workers that have something to do, or something to keep.
    """

    waiting: int
    busy: frozenset[str]

    def to_message(self, client: str) -> dict[str, Any]:
        """As it travels."""
        return {"client": client, "waiting": self.waiting, "busy": sorted(self.busy)}


class Loads:
    """What all clients of a cluster have to do. The times are seconds of any clock that never goes back."""

    def __init__(self) -> None:
        self._loads: dict[str, tuple[float, Load]] = {}

    def on_message(self, message: Mapping[str, Any], now: float) -> None:
        """Take in what a client has said."""
        try:
            load = Load(int(message["waiting"]), frozenset(map(str, message["busy"])))
            self._loads[str(message["client"])] = (now, load)
        except (LookupError, TypeError, ValueError):  # whoever may have said that
            return

    def forget(self, client: str) -> None:
        """A client is gone."""
        self._loads.pop(client, None)

    def total(self, now: float) -> Load:
        """All together; without clients that have not been heard of for long."""
        self._loads = {client: each for client, each in self._loads.items() if now - each[0] < _EXPIRES_S}
        loads: Collection[Load] = [load for _, load in self._loads.values()]
        return Load(sum(load.waiting for load in loads), frozenset().union(*(load.busy for load in loads)))
