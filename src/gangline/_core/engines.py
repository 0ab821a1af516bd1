"""An engine as the core sees it."""

from __future__ import annotations

from enum import Enum

from gangline._core.limits import Pool
from gangline._core.task import Task
from gangline.messages import EngineId, EngineInfo, TaskId


class Standing(Enum):
    """How much room an engine has."""

    IDLE = "idle"
    SLACK = "busy, and could be sent more"
    FULL = "busy, or new"


class Engine:
    """One process that runs tasks one after another.

    Attributes:
        id: Its number.
        info: As its backend announced it.
        pool: What it shares with the other engines of its host.
        assigned: Tasks sent to it that have not ended, in order.
        backlog_s: Sum of their costs.
        used: When it was last given work, in counts of batches; the smallest is the least recently used.
        heard_at: When it last reported, or was sent work while idle; monotonic seconds.
        standing: How much room it has, as last worked out.
        stuck: It gave tasks back, so it is sent none ahead until it reports.
        leaving: It is sent nothing any more and stopped when it is done.
    """

    __slots__ = ("assigned", "backlog_s", "heard_at", "id", "info", "leaving", "pool", "standing", "stuck", "used")

    def __init__(self, engine_id: EngineId, info: EngineInfo, pool: Pool, now: float) -> None:
        self.id = engine_id
        self.info = info
        self.pool = pool
        self.assigned: dict[TaskId, Task] = {}
        self.backlog_s = 0.0
        self.used = 0
        self.heard_at = now
        self.standing = Standing.FULL
        self.stuck = False
        self.leaving = False

    def __repr__(self) -> str:
        return f"<Engine {self.id} {len(self.assigned)} assigned>"
