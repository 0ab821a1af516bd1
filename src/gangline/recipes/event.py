"""The event that a recipe sets when jobs have failed."""

from __future__ import annotations

import threading

__all__ = ["ErrorEvent"]


class ErrorEvent(threading.Event):
    """As `threading.Event`, with its older spelling, which Python 3.13 has no longer."""

    def isSet(self) -> bool:  # the older spelling
        """The same as `is_set`."""
        return self.is_set()
