"""How closely it is looked at whether a job is up to date."""

from __future__ import annotations

import os
from enum import IntEnum

from gangline.pipeline.ruffus_exceptions import error_checksum_level

__all__ = ["LEVEL_VARIABLE", "Level", "get_level"]

LEVEL_VARIABLE = "DEFAULT_RUFFUS_CHECKSUM_LEVEL"


class Level(IntEnum):
    """What makes a job out of date. Each level looks at all that the ones below it look at.

    At every level an output counts only if the run that made it finished its job.
    """

    TIMES = 0
    """A file is missing, or an input is not older than an output."""
    HISTORY = 1
    """An output is not in the history; times come from the history where the file system's are coarse."""
    FUNCTIONS = 2
    """The stage's function has changed: code, constants, names, defaults."""
    PARAMETERS = 3
    """The job's other arguments have changed."""
    SIZES = 4
    """A file has another size than when the job ran, or a helper that the function calls in its module has changed."""
    CONTENTS = 5
    """A file has other contents. Its time alone is no reason: a file that was only touched is the same file."""


_NAMES = {
    "CHECKSUM_FILE_TIMESTAMPS": Level.TIMES,
    "CHECKSUM_HISTORY_TIMESTAMPS": Level.HISTORY,
    "CHECKSUM_FUNCTIONS": Level.FUNCTIONS,
    "CHECKSUM_FUNCTIONS_AND_PARAMS": Level.PARAMETERS,
    "CHECKSUM_FILE_SIZES": Level.SIZES,
    "CHECKSUM_FILE_CONTENTS": Level.CONTENTS,
    **{level.name: level for level in Level},
}


def get_level(given: int | str | None) -> Level:
    """The level for a run.

    Args:
        given: A number from 0 to 5 or a name such as "contents" or "CHECKSUM_FUNCTIONS"; None takes what the
            environment variable `DEFAULT_RUFFUS_CHECKSUM_LEVEL` says, and level 1 where it is not set.

    Raises:
        error_checksum_level: There is no such level.
    """
    if given is None:
        return _level_of_environment()
    try:
        return _parse(given)
    except (KeyError, ValueError, TypeError) as error:
        raise error_checksum_level(
            f"checksum_level should be: [0-5 | {' | '.join(_shown())}] (rather than {given!r})"
        ) from error


def _level_of_environment() -> Level:
    value = os.environ.get(LEVEL_VARIABLE)
    if value is None:
        return Level.HISTORY
    try:
        return _parse(value)
    except (KeyError, ValueError) as error:
        raise error_checksum_level(
            f"The environmental value {LEVEL_VARIABLE} should be: [0-5 | {' | '.join(_shown())}] "
            f"(rather than '{value}') "
        ) from error


def _parse(given: int | str) -> Level:
    if isinstance(given, str) and not given.isdecimal():
        return _NAMES[given.upper()]
    return Level(int(given) if isinstance(given, str) else given)


def _shown() -> list[str]:
    return [name for name in _NAMES if name.startswith("CHECKSUM_")]
