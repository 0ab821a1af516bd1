"""What is known about one task, as a dict that keeps itself up to date until the task is done."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, ValuesView
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gangline.messages import Dependency
from gangline.views.error import as_exception
from gangline.views.ids import msg_id

if TYPE_CHECKING:
    from gangline._runtime.handle import Handle

__all__ = ["METADATA_KEYS", "Metadata", "metadata_of"]

_BLANK: dict[str, Any] = {
    "msg_id": None,
    "submitted": None,
    "started": None,
    "completed": None,
    "received": None,
    "client_uuid": None,
    "engine_uuid": None,
    "engine_id": None,
    "follow": None,
    "after": None,
    "status": None,
    "execute_input": None,
    "execute_result": None,
    "error": None,
    "stdout": "",
    "stderr": "",
    "outputs": [],
    "data": {},
    "label": None,
    "is_broadcast": False,
    "is_coalescing": False,
}

METADATA_KEYS = frozenset(_BLANK)
"""The keys of every `Metadata`; an `AsyncResult` has them as attributes."""


class Metadata(dict[str, Any]):
    """What is known about a task. Keys are attributes too, and there are no others than the usual ones.

    Times are aware `datetime` objects in UTC, None until they are known.
    """

    __slots__ = ("_complete", "_handle")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(_BLANK, outputs=[], data={})
        self._bind(None)
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def _bind(self, handle: Handle | None) -> None:
        object.__setattr__(self, "_handle", handle)
        object.__setattr__(self, "_complete", handle is None)

    def _refresh(self) -> None:
        """Take in what has become known since."""
        if self._complete:
            return
        handle: Handle = self._handle
        done = handle.status is not None
        dict.update(self, _what_is_known(handle))
        if done:
            self._bind(None)

    def __getattr__(self, key: str) -> Any:
        if key in METADATA_KEYS:
            return self[key]
        raise AttributeError(key)

    def __setattr__(self, key: str, value: Any) -> None:
        if key not in METADATA_KEYS:
            raise AttributeError(key)
        self[key] = value

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in METADATA_KEYS:
            raise KeyError(key)
        super().__setitem__(key, value)

    def __getitem__(self, key: str) -> Any:
        self._refresh()
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or the default."""
        self._refresh()
        return super().get(key, default)

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """Keys and values."""
        self._refresh()
        return super().items()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """The values."""
        self._refresh()
        return super().values()

    def __iter__(self) -> Iterator[str]:
        self._refresh()
        return super().__iter__()

    def copy(self) -> Metadata:
        """What is known now; it does not change any more."""
        return Metadata(self.items())

    def __eq__(self, other: object) -> bool:
        self._refresh()
        return super().__eq__(other)

    __hash__ = None

    def __repr__(self) -> str:
        self._refresh()
        return super().__repr__()

    def __reduce__(self) -> tuple[Any, ...]:
        return (Metadata, (dict(self.items()),))


def metadata_of(handle: Handle) -> Metadata:
    """What is known about a task, kept up to date."""
    metadata = Metadata()
    metadata._bind(handle)
    return metadata


def moment(at: float | None) -> datetime | None:
    """Seconds since the epoch as a time of day."""
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _what_is_known(handle: Handle) -> dict[str, Any]:
    status = handle.status  # read first: what follows is complete if it is set
    info = handle.engine_info
    extras = handle.extras or {}
    terms = handle.terms
    known: dict[str, Any] = {
        "msg_id": msg_id(handle),
        "submitted": moment(handle.submitted_at),
        "started": moment(handle.started_at),
        "completed": moment(handle.completed_at),
        "received": moment(handle.received_at),
        "client_uuid": handle.session.id,
        "engine_uuid": info.uuid if info is not None else None,
        "engine_id": handle.engine,
        "follow": _ids(handle, terms.follow),
        "after": _ids(handle, terms.after),
        "status": status,
        "label": terms.label or None,
        **{key: extras[key] for key in ("stdout", "stderr", "outputs", "data") if key in extras},
    }
    if status is not None and status != "ok":
        known["error"] = as_exception(handle)
    if hasattr(handle.value, "execute_input"):
        known["execute_input"] = handle.value.execute_input
        known["execute_result"] = handle.value.execute_result
    return known


def _ids(handle: Handle, dependency: Dependency | None) -> list[str]:
    return [] if dependency is None else [f"{handle.session.id}_{task}" for task in sorted(dependency.ids)]
