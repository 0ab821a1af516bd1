"""What joins a job that runs to whoever runs it: what it is told, and where what it says goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

__all__ = ["ClaimInfo", "Link"]


@dataclass(frozen=True, slots=True)
class ClaimInfo:
    """One run of a job, as the job itself sees it.

    Attributes:
        id: The job; None for one that is in no queue.
        name: Its class, as "module.Class".
        args: What `execute` is called with.
        url: Its queue, with all that is needed to open it; empty for a job that is in no queue.
        fence: Names the claim.
        trial: Which run of it this is, from 1.
        attempts_left: This one included.
        properties: What was said about this job, as the store keeps it.
        enqueued_at: Seconds since the epoch.
        parent: The job that entered it.
    """

    id: int | None
    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""
    fence: int = 0
    trial: int = 1
    attempts_left: int = 1
    properties: Mapping[str, Any] = field(default_factory=dict)
    enqueued_at: float | None = None
    parent: int | None = None


class Link(Protocol):
    """Takes what a job says while it runs. Called from the job's threads."""

    def progress(self, value: float | None, message: str) -> None:
        """How far it is (0 to 1, None if only something is said); who takes it decides how often it is written."""

    def source(self, name: str) -> None:
        """It works on this."""

    def completed(self) -> None:
        """It has written its own completion (`DurableJob.completion`); whatever it does now changes nothing."""
