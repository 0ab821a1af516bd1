"""What joblib calls. Imports joblib, and is therefore imported only by whoever has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from joblib.parallel import AutoBatchingMixin, ParallelBackendBase

from gangline.views.result import AsyncResult

__all__ = ["GanglineBackend"]


class GanglineBackend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]
    """Batches of calls become tasks.

    Args:
        view_factory: Makes the load-balanced view, when it is needed.
        owned: Whether to close the view's client in the end.
        options: joblib's own.
    """

    supports_retrieve_callback = True
    supports_return_generator = True
    default_n_jobs = -1

    def __init__(self, view_factory: Callable[[], Any], owned: bool, **options: Any) -> None:
        super().__init__(**options)
        self._view_factory = view_factory
        self._owned = owned
        self._view: Any = None

    def _get_view(self) -> Any:
        if self._view is None:
            self._view = self._view_factory()
        return self._view

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """How many calls run at once: as many as there are engines."""
        engines = len(self._get_view())
        if n_jobs is None or n_jobs < 0:
            return max(1, engines)
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        return max(1, min(n_jobs, engines))

    def submit(self, func: Callable[[], Any], callback: Callable[[Any], None] | None = None) -> AsyncResult:
        """Submit a batch."""
        result: AsyncResult = self._get_view().apply_async(func)
        if callback is not None:
            result.add_done_callback(callback)
        return result

    apply_async = submit  # its name before joblib 1.5

    def retrieve_result_callback(self, out: AsyncResult) -> Any:
        """The results of a batch that has ended."""
        return out.get()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Take back what has not started."""
        self._get_view().abort()

    def terminate(self) -> None:
        """Close what was made here; joblib has done with it."""
        if self._owned and self._view is not None:
            self._view.client.close()
            self._view = None
