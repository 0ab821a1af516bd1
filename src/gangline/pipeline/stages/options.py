"""What a stage asks of the scheduler: resources, retries, a time limit, where to run, what becomes of its outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from gangline.errors import UsageError

if TYPE_CHECKING:
    from gangline.remote.resources import Resources

__all__ = ["OPTION_NAMES", "StageOptions", "change_options"]


class StageOptions(NamedTuple):
    """Options of one stage; None is whatever the run says.

    Attributes:
        resources: Name and amount of what each of its tasks needs, such as `("cores", 4.0)`, `("memory_bytes", 2e9)`.
        retries: How often a task is attempted again after a failure.
        retry_delay_s: Wait before the first retry; it doubles from one retry to the next.
        time_limit_s: How long one attempt may run.
        temporary: Its outputs are removed when nothing needs them any more, and their absence is no reason to run.
        backend: Where its tasks run: `"processes"`, `"threads"`, `"inline"`, `"dask"`, `"batch"`.
        batch: What its jobs ask of the site's scheduler, beside cores, memory and time; see `Resources.read`.
    """

    resources: tuple[tuple[str, float], ...] = ()
    retries: int | None = None
    retry_delay_s: float | None = None
    time_limit_s: float | None = None
    temporary: bool = False
    backend: str | None = None
    batch: Resources | None = None


def _wrong(stage: str, what: str, value: Any) -> UsageError:
    return UsageError(f"{_where(stage)}: {what}, not {value!r}")


def _where(stage: str) -> str:
    return stage if stage == CALL else f"stage {stage!r}"


def _count(name: str, value: Any, stage: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong(stage, f"{name} must be a whole number, 0 or more", value)
    return value


def _seconds(name: str, value: Any, stage: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (value >= 0 and math.isfinite(value)):
        raise _wrong(stage, f"{name} must be a number of seconds, 0 or more", value)
    return float(value)


def _text(name: str, value: Any, stage: str) -> str:
    if not isinstance(value, str):
        raise _wrong(stage, f"{name} must be a name", value)
    return value


def _flag(name: str, value: Any, stage: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(stage, f"{name} must be True or False", value)
    return value


def _amounts(name: str, value: Any, stage: str) -> tuple[tuple[str, float], ...]:
    if not isinstance(value, Mapping):
        raise _wrong(stage, f"{name} must be a dictionary like {{'cores': 2, 'memory': '4 GB'}}", value)
    return tuple(_amount(resource, amount, stage) for resource, amount in value.items())


def _amount(resource: Any, value: Any, stage: str) -> tuple[str, float]:
    amount = value
    if isinstance(value, str):
        from gangline.remote.resources import parse_bytes  # hardly any stage asks for an amount

        try:
            amount = parse_bytes(str(resource), value)
        except UsageError:
            amount = None
    if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not (amount > 0 and math.isfinite(amount)):
        raise _wrong(stage, f"the amount of {resource!r} must be a positive number or a text like '2 GB'", value)
    return "memory_bytes" if resource == "memory" else str(resource), float(amount)


def _asked(name: str, value: Any, stage: str) -> Resources:
    if not isinstance(value, Mapping):
        raise _wrong(stage, f"{name} must be a dictionary like {{'queue': 'long'}}", value)
    from gangline.remote.resources import Resources  # hardly any run has a site's scheduler

    try:
        return Resources.read(value)
    except UsageError as exc:
        raise UsageError(f"{_where(stage)}: {exc}") from exc


_OPTIONS: dict[str, tuple[str, Callable[[str, Any, str], Any]]] = {
    "resources": ("resources", _amounts),
    "retries": ("retries", _count),
    "retry_delay": ("retry_delay_s", _seconds),
    "time_limit": ("time_limit_s", _seconds),
    "temporary": ("temporary", _flag),
    "backend": ("backend", _text),
    "batch": ("batch", _asked),
}
_DEFAULTS = StageOptions()

CALL = "pipeline_run"
"""What stands for a stage where options are those of a run."""

OPTION_NAMES = tuple(_OPTIONS)
"""The keywords by which a stage is given its options."""


def change_options(options: StageOptions, given: Mapping[str, Any], stage: str) -> StageOptions:
    """The options with some of them changed.

    Args:
        options: As before.
        given: New values by keyword (see `OPTION_NAMES`), None for the default; durations in seconds; memory as a
            number of bytes or as text like `"2 GB"`.
        stage: The stage's name, for errors.

    Raises:
        UsageError: A value makes no sense.
    """
    changes = {}
    for name, value in given.items():
        attribute, check = _OPTIONS[name]
        changes[attribute] = getattr(_DEFAULTS, attribute) if value is None else check(name, value, stage)
    return options._replace(**changes)
