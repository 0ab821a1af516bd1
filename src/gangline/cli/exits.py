"""What the exit code says. The numbers are part of the interface: scripts read them."""

from __future__ import annotations

import click

from gangline.errors import BackendError, GanglineError, InternalError, RemoteError, StoreError, UsageError

WORK_FAILED = 1
WRONG_USAGE = 2
UNREACHABLE = 3
BUG = 70
INTERRUPTED = 130

_BY_KIND: tuple[tuple[type[GanglineError], int], ...] = (
    (UsageError, WRONG_USAGE),
    (BackendError, UNREACHABLE),
    (RemoteError, UNREACHABLE),
    (StoreError, UNREACHABLE),
    (InternalError, BUG),
)


class Failed(click.ClickException):
    """Ends a command with an error's message on stderr and the exit code for its kind."""

    def __init__(self, error: GanglineError) -> None:
        super().__init__(str(error))
        self.exit_code = next((code for kind, code in _BY_KIND if isinstance(error, kind)), WORK_FAILED)  # type: ignore[misc]
