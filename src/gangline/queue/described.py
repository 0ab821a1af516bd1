"""Classes that describe jobs: their properties, checked when they are set."""

from __future__ import annotations

import inspect
from typing import Any

from gangline.errors import UsageError
from gangline.queue import naming
from gangline.queue.properties import CHECKS, DEFAULTS, check_property

__all__ = ["Described", "locate"]


class Described:
    """What a class says about its jobs; `Properties` has the meaning of each."""

    priority: int = DEFAULTS.priority
    max_parallel: int | None = DEFAULTS.max_parallel
    max_parallel_total: int | None = DEFAULTS.max_parallel_total
    attempts: int = DEFAULTS.attempts
    error_time: float = DEFAULTS.error_time
    defer_time: float = DEFAULTS.defer_time
    defer_max: float = DEFAULTS.defer_max
    wall_time: float | None = DEFAULTS.wall_time
    wall_action: str = DEFAULTS.wall_action
    zombie_time: float | None = DEFAULTS.zombie_time
    zombie_action: str = DEFAULTS.zombie_action
    progress_interval: float = DEFAULTS.progress_interval
    worker: Any = DEFAULTS.worker
    force: bool = DEFAULTS.force
    schedule: str | None = DEFAULTS.schedule
    timezone: str = DEFAULTS.timezone
    missed: str = DEFAULTS.missed
    chain: Any = DEFAULTS.chain
    dependency: Any = DEFAULTS.dependency
    python: Any = DEFAULTS.python
    project: Any = DEFAULTS.project
    unique: bool = DEFAULTS.unique
    tag: str = DEFAULTS.tag
    author: str = DEFAULTS.author
    hidden: bool = DEFAULTS.hidden

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name in CHECKS.keys() & vars(cls).keys():
            check_property(name, vars(cls)[name], f"class {cls.__qualname__}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in CHECKS:
            value = check_property(name, value, type(self).__qualname__)
        super().__setattr__(name, value)

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """The work. Subclasses define it."""
        raise NotImplementedError(_without_work(type(self)))


def locate(cls: Any) -> naming.Location:
    """The name of a class of jobs for workers.

    Raises:
        UsageError: It is no class of jobs, it has no work to do, or no worker could import it.
    """
    if not isinstance(cls, type):
        raise UsageError(f"{cls!r} is no class of jobs; give a class, or its name as 'module.Class'")
    if not issubclass(cls, Described):
        raise UsageError(f"{cls.__qualname__} is no class of jobs; make it one: class {cls.__name__}(DurableJob)")
    if cls.execute is Described.execute:
        raise UsageError(_without_work(cls))
    if inspect.iscoroutinefunction(cls.execute):
        raise UsageError(f"{cls.__qualname__}.execute is async; let it be a plain function: asyncio.run(...) in it")
    if inspect.isgeneratorfunction(cls.execute) or inspect.isasyncgenfunction(cls.execute):
        raise UsageError(f"{cls.__qualname__}.execute is a generator (it has a yield), of which nothing would run")
    return naming.locate(cls)


def _without_work(cls: type) -> str:
    return f"{cls.__qualname__} has no method execute(self, ...), which does the work"
