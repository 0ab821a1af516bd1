"""What a program's calls mean while a command line runs it: its runs with other options, its printouts or none.

It stands beside the packages whose functions ask it, and builds on none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gangline.pipeline.running.options import RunOptions
    from gangline.pipeline.running.watching import Watcher

__all__ = ["Steering", "find_steering", "steered"]


class Steering:
    """Decides what the calls of a program mean. This one changes nothing."""

    def run_wanted(self, options: RunOptions) -> RunOptions:
        """The program calls `pipeline_run`.

        Args:
            options: What it asked for.

        Returns:
            What is to be done instead.
        """
        return options

    def watchers(self) -> Sequence[Watcher]:
        """Who is told what happens in the run that was wanted last."""
        return ()

    def notes(self) -> Mapping[str, Any]:
        """What the record of the run that was wanted last keeps besides, as JSON types."""
        return {}

    def warn(self, text: str) -> None:
        """Something is odd in the run that was wanted last."""

    def shows_output(self, *, failed: bool) -> bool:
        """Whether what a job has printed is passed on when it has ended.

        Args:
            failed: It did not end well.
        """
        return True

    def print_wanted(self) -> bool:
        """The program calls `pipeline_printout` or `pipeline_printout_graph`: whether it may."""
        return True


_active: list[Steering] = []
"""At most one: a process has one command line."""


@contextmanager
def steered(steering: Steering) -> Iterator[None]:
    """While this is used, `steering` decides."""
    _active.append(steering)
    try:
        yield
    finally:
        _active.remove(steering)


def find_steering() -> Steering | None:
    """Who decides; None where nobody does, and in jobs: a pipeline that a job runs is its own affair."""
    if not _active:
        return None
    from gangline._engine.context import current

    engine = current()
    return None if engine is not None and engine.task is not None else _active[-1]
