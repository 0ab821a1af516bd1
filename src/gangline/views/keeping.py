"""Large results that stay where they are made until somebody asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle

__all__ = ["Keepable", "keep"]


class Keepable:
    """A result that need not come here."""

    _handles: Sequence[Handle]

    def keep(self) -> Self:
        """Have a large result stay with the worker of its engine until `get`, and go from there to where it is needed.

        So it is on the backend ``dask``, for tasks that have not ended, with results that become arguments of other
        calls, and with those that this is called for; on other backends nothing is gained by it. What stays there is
        lost with its worker: then `get` raises `EngineError`, and calls that need it fail with that.

        Returns:
            This result.
        """
        keep(self._handles)
        return self


def keep(handles: Iterable[Handle]) -> None:
    """Have large results of tasks stay where they are made, where the backend offers that."""
    for handle in handles:
        backend: Any = handle.session.backend
        if not hasattr(backend, "keep"):
            return
        with handle.session.lock:
            if handle.status is None:
                backend.keep(handle.id)
                handle.add_listener(lambda ended: ended.session.backend.keep_no_more(ended.id))  # type: ignore[attr-defined]
