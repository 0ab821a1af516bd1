"""Programs that are only read, to see what they would do: recipes do not run in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gangline.errors import UsageError

__all__ = ["check_runs", "only_reading"]

_reading: list[bool] = []


@contextmanager
def only_reading() -> Iterator[None]:
    """For the time of this block, recipes that are asked to run say that they are not."""
    _reading.append(True)
    try:
        yield
    finally:
        _reading.pop()


def check_runs() -> None:
    """See that recipes may run.

    Raises:
        UsageError: The program is only read.
    """
    if _reading:
        raise UsageError(
            "this is a program of recipes. What they would do is known only when they run: with `gangline run`, or as "
            "a program of their own; what is done already is left out"
        )
