"""Engines that have not come up, named with why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from gangline.cluster.hosts import Engine, EngineReport
from gangline.errors import BackendError

__all__ = ["named", "not_up"]


def not_up(bad: list[EngineReport], new: list[Engine]) -> BackendError:
    """The error of new engines some of which have not come up."""
    return BackendError("\n".join([f"{len(bad)} of {len(new)} new engines have not come up:", *named(bad)]))


def named(reports: Iterable[EngineReport]) -> Iterator[str]:
    """A line for each with its reason; for those in a row that share one, a line together."""
    for reason, group in groupby(reports, lambda report: report.reason):
        names = [report.name for report in group]
        yield f"  {names[0]}{f' to {names[-1]}' if names[1:] else ''}: {reason}"
