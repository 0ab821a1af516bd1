"""Times, durations and counts as people read them, and as programs do."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["counted", "iso_time", "show_clock", "show_duration", "show_time"]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def show_duration(seconds: float) -> str:
    """A duration with its unit, as exact as makes sense: `0.02 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`."""
    seconds = max(0.0, seconds)
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def show_time(epoch_s: float) -> str:
    """Date and time in the zone of this machine, to the second."""
    return datetime.fromtimestamp(epoch_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def show_clock(epoch_s: float, now_s: float) -> str:
    """The time alone if it was today, else with its date, in the zone of this machine."""
    then, now = (datetime.fromtimestamp(moment, UTC).astimezone() for moment in (epoch_s, now_s))
    return then.strftime("%H:%M:%S" if then.date() == now.date() else "%Y-%m-%d %H:%M:%S")


def iso_time(epoch_s: float | None) -> str | None:
    """A moment for programs: ISO 8601, UTC, to the millisecond; None for none."""
    if epoch_s is None:
        return None
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds")


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: `1 task`, `3 tasks`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
