"""Sets of engines that were started together, and which engine belongs to which."""

from __future__ import annotations

from gangline.messages import EngineId, EngineJoined, EngineLost

__all__ = ["EngineSet", "Roster"]


class EngineSet:
    """Engines that were started together.

    Attributes:
        engine_set_id: Its id in the cluster.
        n: How many it was asked for.
        ids: The numbers of those that live.
        state: "running", or "after" it was stopped.
        starting: Whether it waits for its first engines.
    """

    def __init__(self, engine_set_id: str, n: int) -> None:
        self.engine_set_id = engine_set_id
        self.n = n
        self.ids: set[EngineId] = set()
        self.state = "running"
        self.starting = True

    def __repr__(self) -> str:
        return f"<EngineSet {self.engine_set_id}: {len(self.ids)} of {self.n}, {self.state}>"

    @property
    def running(self) -> bool:
        """Whether it was not stopped."""
        return self.state == "running"


class Roster:
    """Which engine belongs to which set. Not the cluster itself, so that the session does not keep that alive."""

    def __init__(self) -> None:
        self.sets: dict[str, EngineSet] = {}

    def __call__(self, event: EngineJoined | EngineLost) -> None:
        """Take note of an engine that is lost, or joins: a set that is being started, else one that lacks one."""
        if isinstance(event, EngineLost):
            for each in list(self.sets.values()):
                each.ids.discard(event.engine)
            return
        lacking = [each for each in self.sets.values() if each.running and len(each.ids) < each.n]
        for each in sorted(lacking, key=lambda each: not each.starting):
            each.ids.add(event.engine)
            return
