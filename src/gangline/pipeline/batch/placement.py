"""Where the commands of a pipeline's job run: here, or at the site's scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle
    from gangline.remote.command import Command
    from gangline.remote.resources import Resources

__all__ = ["Place", "Placement", "placed", "placement"]


class Place(Protocol):
    """A site's scheduler."""

    def submit(self, command: Command) -> Handle:
        """Give it a command."""

    def call_off(self, handle: Handle) -> None:
        """Remove the job of a command."""


class Placement(NamedTuple):
    """Where the commands of the job on this thread run.

    Attributes:
        site: The scheduler.
        resources: What they ask for.
        name: What the scheduler shows.
        key: Changes with the job's inputs, so that an earlier run's job for older inputs is not taken for this one.
    """

    site: Place
    resources: Resources
    name: str
    key: str


_placement: ContextVar[Placement | None] = ContextVar("gangline_placement", default=None)


def placement() -> Placement | None:
    """Where the commands of the job on this thread run; None is here."""
    return _placement.get()


@contextmanager
def placed(where: Placement) -> Iterator[None]:
    """Have commands that this thread runs meanwhile run there."""
    token = _placement.set(where)
    try:
        yield
    finally:
        _placement.reset(token)
