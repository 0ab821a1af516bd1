"""The signal by which a job ends its run to be run again later."""

from __future__ import annotations

__all__ = ["Deferred"]


class Deferred(BaseException):
    """Raised by `DurableJob.defer`. It is no `Exception`, so that a job's own error handling lets it through.

    Attributes:
        message: Why, for people.
        wait_s: Seconds until the job may run again; None is its `defer_time`.
    """

    def __init__(self, message: str = "", wait_s: float | None = None) -> None:
        super().__init__(message, wait_s)
        self.message = message
        self.wait_s = wait_s

    def __str__(self) -> str:
        return self.message or "deferred"
