"""What was found out about a job, and the words for it, which are those of Ruffus."""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from gangline.pipeline.names.paths import abbreviate

__all__ = ["UP_TO_DATE", "Cause", "Freshness", "Times", "show_time"]

SHORT = 3
"""How many files a summary names."""


class Cause(Enum):
    """Why a job has something to do, or nothing."""

    NOT_SPECIFIED = auto()
    NO_OUTPUTS = auto()
    MISSING = auto()
    UNFINISHED = auto()
    FUNCTION = auto()
    PARAMETERS = auto()
    HELPERS = auto()
    INPUTS = auto()
    OUTPUTS = auto()
    TIMES = auto()
    NO_INPUTS = auto()
    UP_TO_DATE = auto()
    DIRECTORIES = auto()
    NO_DIRECTORIES = auto()


class Times(NamedTuple):
    """The files of a job with their times, in seconds since the epoch; outputs that are inputs are left out."""

    inputs: list[tuple[float, str]]
    outputs: list[tuple[float, str]]


_HEADINGS = {
    Cause.FUNCTION: "Pipeline function has changed:\n        ",
    Cause.PARAMETERS: "Pipeline parameters have changed:\n        ",
    Cause.HELPERS: "Functions used by the pipeline function have changed:\n        ",
    Cause.INPUTS: "Input files have changed:\n        ",
    Cause.OUTPUTS: "Output files have changed since they were made:\n        ",
}
_WORDS = {
    Cause.NOT_SPECIFIED: "",
    Cause.NO_OUTPUTS: "Missing output file",
    Cause.NO_INPUTS: "Missing input files",
    Cause.UP_TO_DATE: "Up to date",
    Cause.NO_DIRECTORIES: "All directories exist",
}
_SHORT_WORDS = {
    Cause.MISSING: ("is missing", "are missing"),
    Cause.UNFINISHED: ("is not known to be complete", "are not known to be complete"),
    Cause.FUNCTION: ("was made by an older function", "were made by an older function"),
    Cause.PARAMETERS: ("was made with other parameters", "were made with other parameters"),
    Cause.HELPERS: ("was made with older helper functions", "were made with older helper functions"),
    Cause.INPUTS: ("has changed", "have changed"),
    Cause.OUTPUTS: ("was changed since it was made", "were changed since they were made"),
    Cause.DIRECTORIES: ("is missing", "are missing"),
}
_SHORT_SENTENCES = {
    Cause.NOT_SPECIFIED: "it names no files to compare",
    Cause.NO_OUTPUTS: "it names no output file",
    Cause.NO_INPUTS: "up to date: it has no inputs and its outputs exist",
    Cause.UP_TO_DATE: "up to date",
    Cause.NO_DIRECTORIES: "up to date: all directories exist",
}


class Freshness(NamedTuple):
    """Whether a job has something to do.

    Attributes:
        needs_update: Whether it has.
        cause: Why, or why not.
        files: The files that it is about, as the job names them.
        times: All files with their times, where these decided or were compared.
    """

    needs_update: bool
    cause: Cause
    files: Sequence[str] = ()
    times: Times | None = None

    def reason(self, path_level: int, directory: str, *, with_times: bool = False) -> str:
        """The reason as printouts and logs show it.

        Args:
            path_level: How far names are abbreviated, as `verbose_abbreviated_path`.
            directory: The absolute folder that relative names start from.
            with_times: Show the times of the files even when all is up to date.
        """
        match self.cause:
            case Cause.MISSING:
                names = abbreviate(list(self.files), path_level, directory)
                return f"...\n        Missing file{self._plural()} {names}"
            case Cause.UNFINISHED:
                names = abbreviate(list(self.files), path_level, directory)
                return f"Uncheckpointed file{self._plural()} (left over from a failed run?):\n        {names}"
            case Cause.DIRECTORIES:
                verb = "are" if len(self.files) > 1 else "is"
                return f": Directories {', '.join(self.files)!r} {verb} missing"
            case Cause.TIMES if self.times is not None:
                return _table(self.times, path_level, directory)
            case Cause.UP_TO_DATE if with_times and self.times is not None:
                return f"Up to date\n{_table(self.times, path_level, directory)}"
        heading = _HEADINGS.get(self.cause)
        return _WORDS[self.cause] if heading is None else heading + abbreviate(list(self.files), path_level, directory)

    def summary(self) -> str:
        """The reason in one short line, for the record and for `explain`."""
        if self.cause is Cause.TIMES and self.times is not None:
            newest, oldest = max(self.times.inputs), min(self.times.outputs)
            word = "newer than" if newest[0] > oldest[0] else "as new as"
            return f"{newest[1]} is {word} {oldest[1]}"
        words = _SHORT_WORDS.get(self.cause)
        if words is None:
            return _SHORT_SENTENCES[self.cause]
        named = ", ".join(self.files[:SHORT])
        more = len(self.files) - SHORT
        return f"{named}{f' and {more} more' if more > 0 else ''} {words[len(self.files) > 1]}"

    def _plural(self) -> str:
        return "s" if len(self.files) > 1 else ""


UP_TO_DATE = Freshness(False, Cause.UP_TO_DATE)


def _table(times: Times, path_level: int, directory: str) -> str:
    """All files with their times; an asterisk marks those that put the job out of date."""
    inputs, outputs = sorted(times.inputs), sorted(times.outputs)
    oldest_output = outputs[0][0] if outputs else float("inf")
    newest_input = inputs[-1][0]
    lines = ["\n"]
    lines.append("  Input files:\n")
    lines += [_row(mtime >= oldest_output, mtime, abbreviate(name, path_level, directory)) for mtime, name in inputs]
    lines.append("  Output files:\n")
    lines += [_row(mtime <= newest_input, mtime, abbreviate(name, path_level, directory)) for mtime, name in outputs]
    return "".join(lines)


def _row(marked: bool, mtime: float, shown: str) -> str:
    return f"   {'*' if marked else ' '} {show_time(mtime)}: {shown}\n"


def show_time(epoch_s: float) -> str:
    """Date and time to a hundredth of a second, in UTC, 24 characters long."""
    fraction = f"{epoch_s - int(epoch_s):.2f}"[1:]
    return time.strftime("%d %b %Y %H:%M:%S", time.gmtime(epoch_s)) + fraction
