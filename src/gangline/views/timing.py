"""How long the tasks of a result took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gangline.errors import WaitTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gangline._runtime.handle import Handle

__all__ = ["Timed"]

Moments = datetime | Iterable[datetime]


class Timed:
    """What a result says about its times, in seconds."""

    _handles: Sequence[Handle]

    if TYPE_CHECKING:

        def ready(self) -> bool:
            """Whether all tasks have ended."""

    def timedelta(
        self,
        start: Moments,
        end: Moments,
        start_key: Callable[[Iterable[datetime]], datetime] = min,
        end_key: Callable[[Iterable[datetime]], datetime] = max,
    ) -> float:
        """Seconds from one moment to another.

        Args:
            start: A moment, or several, such as ``ar.submitted``.
            end: A moment, or several, such as ``ar.received``.
            start_key: Which of several.
            end_key: Which of several.
        """
        begin = start if isinstance(start, datetime) else start_key(start)
        until = end if isinstance(end, datetime) else end_key(end)
        if begin.tzinfo is None and until.tzinfo is not None:
            begin = begin.astimezone()
        elif until.tzinfo is None and begin.tzinfo is not None:
            until = until.astimezone()
        return (until - begin).total_seconds()

    @property
    def elapsed(self) -> float:
        """Seconds since the first task was submitted; until the last result arrived, if all have."""
        if self.ready():
            return self.wall_time
        return time.time() - min((handle.submitted_at for handle in self._handles), default=time.time())

    @property
    def serial_time(self) -> float:
        """Seconds that the engines have worked on it, added up.

        Raises:
            TimeoutError: The tasks have not all ended.
        """
        self._check_ready()
        return sum(
            handle.completed_at - handle.started_at
            for handle in self._handles
            if handle.started_at is not None and handle.completed_at is not None
        )

    @property
    def wall_time(self) -> float:
        """Seconds from the first submission to the last arrival of a result.

        Raises:
            TimeoutError: The tasks have not all ended.
        """
        self._check_ready()
        handles = self._handles
        if not handles:
            return 0.0
        received = [handle.received_at for handle in handles if handle.received_at is not None]
        submitted = min(handle.submitted_at for handle in handles)
        return max(received, default=submitted) - submitted

    def _check_ready(self) -> Any:
        if not self.ready():
            raise WaitTimeout("the result is not ready")
