"""How a job ended, read from what a batch system or the operating system says of it. Pure."""

from __future__ import annotations

import re
import signal as signals
from collections.abc import Mapping
from typing import Any, NamedTuple

from gangline.errors import CommandFailed

__all__ = ["Ending", "ending_of_error", "ending_of_info", "ending_of_return_code", "format_bytes", "resources_in_words"]

_SIGNALLED = 128
_LARGEST_SIGNAL = 64
_UNITS = ("bytes", "KB", "MB", "GB")


class Ending(NamedTuple):
    """How a command ended. Both are None where it did not run, or where nobody knows.

    Attributes:
        exit_code: What it ended with.
        signal: The number of the signal that ended it.
        aborted: Whether the batch system took it away.
        known: Whether there is anything to go by.
        said: How it ended in the scheduler's words, where the others do not tell.
    """

    exit_code: int | None = None
    signal: int | None = None
    aborted: bool = False
    known: bool = True
    said: str = ""

    @property
    def failed(self) -> bool:
        """Whether it did not do what it should."""
        return self.aborted or not self.known or self.exit_code != 0

    def in_words(self) -> str:
        """The end of a sentence that begins with the command."""
        if self.said:
            return f"failed: {self.said}"
        if not self.known:
            return "was lost by the batch system: nothing is known of its end"
        if self.signal is not None:
            how = f"was terminated by signal {self.signal}{_name_of_signal(self.signal)}"
        elif self.exit_code is not None:
            how = f"exited with exit code {self.exit_code}"
        else:
            return "was never ran: the batch system could not start it, or it was deleted before"
        return f"{how}, and the batch system aborted its job" if self.aborted else how


def _name_of_signal(number: int) -> str:
    try:
        return f" ({signals.Signals(number).name})"
    except ValueError:
        return ""


def ending_of_return_code(code: int) -> Ending:
    """The ending of a child process of this one; negative codes mean signals."""
    return Ending(exit_code=code) if code >= 0 else Ending(signal=-code)


def ending_of_error(error: BaseException | None) -> Ending:
    """The ending of a command that a backend has run; None: it ended well."""
    if error is None:
        return Ending(exit_code=0)
    if isinstance(error, CommandFailed):
        number = _number_of_signal(error.signal) if error.signal else None
        said = "" if type(error) is CommandFailed else str(error)
        return Ending(exit_code=error.exit_code, signal=number, said=said)
    return Ending(known=False, said=str(error))


def ending_of_info(info: Any) -> Ending:
    """The ending of a job by its DRMAA `JobInfo`.

    A job that was deleted, or that the batch system set aside, counts as aborted and says nothing itself. How its
    command ended stands among the resources, if it ran: more than 128 is a signal, as for a shell.
    """
    if info.hasSignal:
        return Ending(signal=_number_of_signal(info.terminatedSignal), aborted=bool(info.wasAborted))
    if not info.wasAborted and info.hasExited:
        return Ending(exit_code=int(info.exitStatus))
    status = _as_int((info.resourceUsage or {}).get("exit_status"))
    if status is None:
        return Ending(aborted=bool(info.wasAborted), known=bool(info.wasAborted))
    if _SIGNALLED < status <= _SIGNALLED + _LARGEST_SIGNAL:
        return Ending(signal=status - _SIGNALLED, aborted=bool(info.wasAborted))
    return Ending(exit_code=status, aborted=bool(info.wasAborted))


def _number_of_signal(name: str) -> int | None:
    """The number of a signal by the name that a batch system gives it, as "SIGKILL", "KILL" or "unknown signal 33"."""
    for candidate in (name, f"SIG{name}"):
        if candidate in signals.Signals.__members__:
            return signals.Signals[candidate].value
    digits = re.search(r"\d+", name)
    return int(digits[0]) if digits else None


def _as_int(text: object) -> int | None:
    try:
        return int(float(str(text)))
    except ValueError:
        return None


def format_bytes(count: float) -> str:
    """A size to be read: one digit after the point, and the unit.

    Example:
        >>> format_bytes(3 * 1024 * 1024)
        '3.0MB'
    """
    for unit in _UNITS:
        if count < 1024.0:
            return f"{count:3.1f}{unit}"
        count /= 1024.0
    return f"{count:3.1f}TB"


def resources_in_words(usage: Mapping[str, str]) -> str:
    """Memory and time of a job, or an empty text where the batch system did not say."""
    parts = []
    try:
        if "maxvmem" in usage:
            memory = format_bytes(float(usage["maxvmem"]))
            parts.append(f"Mem={memory}({usage['mem']})" if "mem" in usage else f"Mem={memory}")
        if "ru_wallclock" in usage:
            parts.append(f"CPU wallclock= {float(usage['ru_wallclock']):.2g}s")
    except ValueError:
        return str(dict(usage))
    return ", ".join(parts)
