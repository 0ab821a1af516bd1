"""What can be said of a job, by its class, by the configuration, and when it is entered; the later wins.

Every value is checked when it is set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from typing import Any, Final

from gangline.errors import UsageError
from gangline.queue import checks
from gangline.queue.checks import Check, Refused
from gangline.queue.schedules import check_line, check_zone
from gangline.queue.words import meant

__all__ = ["CHECKS", "DEFAULTS", "NAMES", "Properties", "as_json", "check_all", "check_property", "effective", "take"]


@dataclass(frozen=True, slots=True)
class Properties:
    """All properties of a job. Spans are seconds.

    Attributes:
        priority: The higher, the sooner it runs; of the same priority the one that was entered first.
        max_parallel: How many jobs of this class run at once on one host at most.
        max_parallel_total: The same over all hosts.
        attempts: How often it may run and fail before it is an error.
        error_time: The wait before the next attempt.
        defer_time: The wait after `defer()`.
        defer_max: A job that has been deferring for longer becomes inactive.
        wall_time: A job that runs longer is flagged as nonstop.
        wall_action: "kill" ends it, too.
        zombie_time: A job that shows no progress for so long is flagged as a zombie.
        zombie_action: "kill" ends it, too.
        progress_interval: How often progress is written.
        worker: The names of the workers that may take it; none is any.
        force: It runs whatever the load of the host is.
        schedule: The crontab line of `Queue.schedule`.
        timezone: By which clock the line is read, such as "Europe/Berlin"; empty is UTC.
        missed: What becomes of times that went by while no worker was there: "one" job for all of them, one for each
            ("all"), or "none".
        chain: Jobs that are entered when this one is complete.
        dependency: Jobs, or classes with their newest job, that must be complete before.
        python: The interpreter that runs it, or the folder of its virtual environment; empty is the worker's own.
        project: The folder with its modules, and with its virtual environment if it has one.
        unique: It is refused while an equal job (same class, same arguments) is not final.
        tag: For people.
        author: For people.
        hidden: Left out of lists unless asked for.
    """

    priority: int = 0
    max_parallel: int | None = None
    max_parallel_total: int | None = None
    attempts: int = 1
    error_time: float = 600
    defer_time: float = 300
    defer_max: float = 3600
    wall_time: float | None = None
    wall_action: str = "flag"
    zombie_time: float | None = 1800
    zombie_action: str = "flag"
    progress_interval: float = 5
    worker: tuple[str, ...] = ()
    force: bool = False
    schedule: str | None = None
    timezone: str = ""
    missed: str = "one"
    chain: tuple[Any, ...] = ()
    dependency: tuple[Any, ...] = ()
    python: str = ""
    project: str = ""
    unique: bool = True
    tag: str = ""
    author: str = ""
    hidden: bool = False


CHECKS: Final[Mapping[str, Check]] = {
    "priority": checks.whole(-(2**31)),
    "max_parallel": checks.or_none(checks.whole(1)),
    "max_parallel_total": checks.or_none(checks.whole(1)),
    "attempts": checks.whole(1),
    "error_time": checks.span(),
    "defer_time": checks.span(),
    "defer_max": checks.span(),
    "wall_time": checks.or_none(checks.span(above_zero=True)),
    "wall_action": checks.one_of("flag", "kill"),
    "zombie_time": checks.or_none(checks.span(above_zero=True)),
    "zombie_action": checks.one_of("flag", "kill"),
    "progress_interval": checks.span(),
    "worker": checks.names,
    "force": checks.flag,
    "schedule": checks.or_none(check_line),
    "timezone": check_zone,
    "missed": checks.one_of("one", "all", "none"),
    "chain": checks.jobs(ids=False),
    "dependency": checks.jobs(ids=True),
    "python": checks.path,
    "project": checks.path,
    "unique": checks.flag,
    "tag": checks.text,
    "author": checks.text,
    "hidden": checks.flag,
}
NAMES: Final = tuple(field.name for field in fields(Properties))
DEFAULTS: Final = Properties()
take: Final = attrgetter(*NAMES)
"""The properties that a class has, in the order of `NAMES`."""

_TOLD_TO_WORKERS = (
    "error_time", "defer_time", "defer_max", "wall_time", "wall_action", "zombie_time", "zombie_action",
    "progress_interval",
)  # fmt: skip
_OF_THE_ENTRY = frozenset({"chain", "dependency", "schedule", "timezone", "missed", "project", "unique"})


def check_property(name: str, value: Any, where: str) -> Any:
    """A property's value in its usual form.

    Args:
        name: The property.
        value: What was said.
        where: Who said it; the beginning of the message.

    Raises:
        UsageError: There is no such property, or it cannot have this value; says what is allowed.
    """
    check = CHECKS.get(name)
    if check is None:
        raise UsageError(f"{where}: a job has no property {name!r}; {meant(name, NAMES)}")
    try:
        return check(value)
    except Refused as refusal:
        raise UsageError(f"{where}: {name} is {_shown(value)}, but must be {refusal}") from None


def check_all(said: Mapping[str, Any], where: str) -> dict[str, Any]:
    """All that was said in one place, checked.

    Raises:
        UsageError: As `check_property`.
    """
    return {name: check_property(name, value, where) for name, value in said.items()}


def effective(kept: Mapping[str, Any]) -> Properties:
    """All properties of a job, from what its row keeps."""
    known = {name: value for name, value in kept.items() if name in CHECKS and name not in _OF_THE_ENTRY}
    if "worker" in known:
        known["worker"] = tuple(known["worker"])
    return Properties(**known)


def as_json(properties: Properties, said: Mapping[str, Any]) -> dict[str, Any]:
    """What a row keeps of the properties that have no column of their own, for the worker and the job itself.

    Args:
        properties: All of them.
        said: Those that the configuration or the call has set: the job's instance gets them over those of its class.
    """
    all_of_them = asdict(properties)
    names = {name for name in said if name not in _OF_THE_ENTRY}
    names.update(name for name in _TOLD_TO_WORKERS if all_of_them[name] != getattr(DEFAULTS, name))
    return {name: all_of_them[name] for name in NAMES if name in names}


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
