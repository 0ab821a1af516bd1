"""What went wrong with a command."""

from __future__ import annotations

from collections.abc import Sequence

from gangline.errors import GanglineError

__all__ = ["error_drmaa_job"]


class error_drmaa_job(GanglineError):
    """A command failed, was ended by a signal, was refused by the batch system or was lost by it.

    Attributes:
        exit_code: What the command ended with; None where it did not end by itself or nobody knows.
        signal: The number of the signal that ended it, or None.
        job_id: The batch system's name for the job, or None.
        stdout: The lines that it wrote to standard output.
        stderr: The lines that it wrote to standard error.
    """

    def __init__(
        self,
        *errmsg: object,
        exit_code: int | None = None,
        signal: int | None = None,
        job_id: str | None = None,
        stdout: Sequence[str] = (),
        stderr: Sequence[str] = (),
    ) -> None:
        super().__init__(*errmsg)
        self.exit_code = exit_code
        self.signal = signal
        self.job_id = job_id
        self.stdout = list(stdout)
        self.stderr = list(stderr)
