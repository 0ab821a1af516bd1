"""What the core asks the runtime to do."""

from __future__ import annotations

from typing import NamedTuple

from gangline._core.task import Task
from gangline.errors import GanglineError
from gangline.messages import Attempt, EngineId


class Dispatch(NamedTuple):
    """Carry these tasks to that engine, in this order."""

    engine: EngineId
    tasks: list[Task]


class Resolve(NamedTuple):
    """The task has ended: with what its attempt brought, or with `error` where the core decided."""

    task: Task
    attempt: Attempt | None
    error: GanglineError | None


class Succeed(NamedTuple):
    """These tasks have ended well, each with its attempt: as many `Resolve` in one, since this is what happens most."""

    tasks: list[Task]
    attempts: list[Attempt]


class Recall(NamedTuple):
    """Take back what the engine has not started."""

    engine: EngineId


class Interrupt(NamedTuple):
    """Raise KeyboardInterrupt in the task if the engine runs it."""

    engine: EngineId
    task: Task


class Kill(NamedTuple):
    """End the engine by force."""

    engine: EngineId
    reason: str


class Dismiss(NamedTuple):
    """The engine that was to leave has nothing left to do: stop it."""

    engine: EngineId


Command = Dispatch | Succeed | Resolve | Recall | Interrupt | Kill | Dismiss
