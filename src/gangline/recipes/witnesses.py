"""Those whom a schedule asks what was done before, and tells what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gangline.recipes.jobs import ComputeJob

__all__ = ["Journal", "Memory"]


class Memory(Protocol):
    """Knows what earlier runs have done."""

    def recall(self, job: ComputeJob) -> dict[str, object] | None:
        """The outputs of the job, if it was done with success before and nothing has changed since."""

    def remember(self, job: ComputeJob) -> None:
        """The job has been done with success."""


class Journal(Protocol):
    """Is told what happens, for the record."""

    def job_ended(self, job: ComputeJob, *, started_at: float | None, ended_at: float, output: str) -> None:
        """The job is decided."""
