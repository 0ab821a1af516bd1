"""What a job asks of the site's scheduler: cores, memory, time, a queue, an account, and what else the site knows."""

from __future__ import annotations

import difflib
import math
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from gangline.errors import UsageError

__all__ = ["NOTHING_ASKED", "Resources", "parse_bytes", "parse_duration_s"]

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d+)-)?(\d+):(\d{1,2})(?::(\d{1,2}))?")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)?", re.IGNORECASE)
_SPAN_S = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_OPTION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Resources:
    """What a job asks for; None is what the site gives to who does not ask.

    Args:
        cores: Of one host.
        memory_bytes: Of all its processes together.
        wall_time_s: How long it may run; the site ends it then.
        queue: The queue, which Slurm calls a partition.
        account: Whose budget it is.
        options: More, in the site's own words, by name: ``(("qos", "long"), ("exclusive", None))`` is
            ``--qos=long --exclusive`` with Slurm; a name of one letter has one dash.
        words: More, as it would stand on the command line that submits; behind all others.

    Raises:
        UsageError: A value makes no sense.
    """

    cores: int | None = None
    memory_bytes: int | None = None
    wall_time_s: float | None = None
    queue: str | None = None
    account: str | None = None
    options: tuple[tuple[str, str | None], ...] = ()
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("cores", "memory_bytes"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise UsageError(f"{name} must be a whole number, 1 or more, not {value!r}")
        if self.wall_time_s is not None and not (self.wall_time_s > 0 and math.isfinite(self.wall_time_s)):
            raise UsageError(f"the wall time must be a positive number of seconds, not {self.wall_time_s!r}")
        texts: list[tuple[str, object]] = [("queue", self.queue), ("account", self.account)]
        for option, value in self.options:
            if not isinstance(option, str) or not _OPTION_NAME.fullmatch(option):
                raise UsageError(f"{option!r} cannot be the name of an option of a scheduler; leave out the dashes")
            texts.append((f"option {option!r}", value))
        for name, text in texts:
            if text is not None and (not isinstance(text, str) or not text or not text.isprintable()):
                raise UsageError(f"{name} must be a text of one line, not {text!r}")

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Resources:
        """Make them of what a user says, by name.

        Args:
            given: ``cores``; ``memory``, a number of bytes or a text like ``"4 GB"``; ``wall_time``, a number of
                seconds or a text like ``"1:30:00"``, ``"2-00:00:00"`` or ``"90 min"``; ``queue``; ``account``;
                ``options``, a dictionary (see the class; True or None for one without a value) or the text as it would
                stand on the command line. None is not asked for.

        Raises:
            UsageError: A name that is none of these, with the nearest that is; or a value that makes no sense.
        """
        for name in given:
            if name not in _READ:
                same = _OTHER_NAMES.get(str(name).lower().replace("-", "_"))
                near = [same] if same else difflib.get_close_matches(str(name), _READ, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_READ)}."
                raise UsageError(f"a job cannot ask for {name!r}: {hint} What only this site knows goes into options.")
        values = {name: value for name, value in given.items() if value is not None}
        if "memory" in values:
            values["memory_bytes"] = parse_bytes("memory", values.pop("memory"))
        if "wall_time" in values:
            values["wall_time_s"] = parse_duration_s("wall_time", values.pop("wall_time"))
        if isinstance(values.get("options"), str):
            values["words"] = tuple(_words(values.pop("options")))
        if "options" in values:
            values["options"] = tuple(_options(values["options"]))
        return cls(**values)

    def over(self, usual: Resources) -> Resources:
        """These, and what they leave open from others; options are joined by name."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        changes = {name: value for name, value in own.items() if value is not None}
        changes["options"] = tuple((dict(usual.options) | dict(self.options)).items())
        changes["words"] = (*usual.words, *self.words)
        return replace(usual, **changes)


_READ = ("cores", "memory", "wall_time", "queue", "account", "options")

_OTHER_NAMES = {
    "partition": "queue",
    "mem": "memory",
    "cpus": "cores",
    "cpus_per_task": "cores",
    "threads": "cores",
    "time": "wall_time",
    "time_limit": "wall_time",
    "project": "account",
}
"""What schedulers and other programs call them."""

NOTHING_ASKED = Resources()


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as exc:
        raise UsageError(f"options {line!r} cannot be read as a command line: {exc}") from exc


def _options(given: Any) -> Iterable[tuple[str, str | None]]:
    if not isinstance(given, Mapping):
        raise UsageError(f"options must be a dictionary like {{'qos': 'long'}} or a text, not {given!r}")
    for name, value in given.items():
        if value is False:
            continue
        yield str(name).lstrip("-"), None if value is None or value is True else str(value)


def parse_bytes(what: str, value: Any) -> int:
    """A number of bytes, from a number or from a text like ``"4 GB"`` (10⁹) or ``"4 GiB"`` (2³⁰).

    Raises:
        UsageError: It is neither.
    """
    match = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    amount: Any = float(match[1]) * _UNITS[(match[2] or "").lower()] if match is not None else value
    if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not (amount >= 1 and math.isfinite(amount)):
        raise UsageError(f"{what} must be a number of bytes or a text like '4 GB', not {value!r}")
    return int(amount)


def parse_duration_s(what: str, value: Any) -> float:
    """Seconds, from a number or from a text like ``"1:30:00"``, ``"2-00:00:00"``, ``"90 min"`` or ``"2h"``.

    Raises:
        UsageError: It is none of these.
    """
    if isinstance(value, str) and (clock := _CLOCK.fullmatch(value.strip())):
        days, first, second, third = (int(part or 0) for part in clock.groups())
        # As Slurm reads them: minutes and seconds, but hours and minutes after days.
        short = (first, second, 0) if clock[1] else (0, first, second)
        hours, minutes, seconds = (first, second, third) if clock[4] else short
        return float(days * 86400 + hours * 3600 + minutes * 60 + seconds)
    if isinstance(value, str) and (span := _SPAN.fullmatch(value.strip())):
        return float(span[1]) * _SPAN_S[(span[2] or "").lower()]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (value > 0 and math.isfinite(value)):
        raise UsageError(f"{what} must be a number of seconds or a text like '1:30:00' or '90 min', not {value!r}")
    return float(value)
