"""Taking back what has not started."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures._base import CANCELLED_AND_NOTIFIED
from typing import TYPE_CHECKING, Any

from gangline.views.future import LazyFuture
from gangline.views.tasks import take_back

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle
    from gangline.views.ids import SessionOwner

__all__ = ["Cancellable"]


class Cancellable(LazyFuture):
    """A future of tasks that can be cancelled as long as they have not started."""

    _client: SessionOwner
    _handles: Sequence[Handle]
    _targets: Sequence[int | None] | None = None
    _cancelled = False
    _cancelling = False

    if TYPE_CHECKING:

        @property
        def msg_ids(self) -> list[str]:
            """The ids of the tasks."""

        def ready(self) -> bool:
            """Whether all tasks have ended."""

    def cancel(self) -> bool:
        """Take back what has not started.

        Returns:
            Whether that was all of it; False if a task runs, which it goes on to do, or if all have ended.
        """
        if self._cancelled:
            return True
        pending = [handle for handle in self._handles if handle.status is None]
        if not pending:
            return False
        self._cancelling = True
        taken = [take_back(handle) for handle in pending]
        self._cancelled = all(taken)
        self._cancelling = False
        if self._cancelled and self._armed:
            self._settle(CANCELLED_AND_NOTIFIED)
        return self._cancelled

    def cancelled(self) -> bool:
        """Whether `cancel` has taken it back."""
        return self._cancelled

    def running(self) -> bool:
        """Whether a task is being run at this moment."""
        session = self._client._session
        return any(
            handle.status is None and handle.engine is not None and session.running(handle.engine) == handle.id
            for handle in self._handles
        )

    def abort(self) -> Any:
        """Take back the tasks that have not started; running ones go on.

        Raises:
            RuntimeError: All have ended.
        """
        if self.ready():
            raise RuntimeError("there is nothing to abort: it has ended")
        return self._client.abort(self.msg_ids, targets=self._targets, block=True)  # type: ignore[attr-defined]
