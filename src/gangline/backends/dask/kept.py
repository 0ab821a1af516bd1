"""Large results that stay with the Dask worker on which they were made, until somebody asks for them.

Nothing of Dask is needed here: front ends have to tell such results from others, and engines unpickle what stands for
one in a call.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gangline._engine import parcel, serialize
from gangline._engine.assembly import fail
from gangline._engine.failures import describe
from gangline.errors import EngineError, ResultUnreadable
from gangline.messages import TaskId

__all__ = ["Gap", "Kept", "Place", "loss"]


class Place(NamedTuple):
    """Where a result is.

    Attributes:
        address: The worker's.
        relay: Which of its relays has it.
        task: The task whose result it is.
        nbytes: How much memory it takes there.
    """

    address: str
    relay: str
    task: TaskId
    nbytes: int


def loss(place: Place, reason: str) -> EngineError:
    """The error of a result that is lost."""
    what = f"the result of task {place.task} ({place.nbytes:,} bytes), kept by the Dask worker at {place.address}"
    return EngineError(f"{what}, {reason}", host=place.address, reason=reason)


class Gap(bytearray):
    """Stands for one part of a kept result among the buffers of a call; the relay there puts it in.

    As large as it must be to travel beside the pickle.

    Attributes:
        kept: The result.
        part: Which of its parts.
    """

    kept: Kept
    part: int


class Kept:
    """A result that is somewhere else, as long as this object lives. In a call it stands for the result itself.

    Args:
        place: Where it is.
        parts: How many parts it has: the pickle, and the buffers that belong to it.
        fetch: Asks for its parts; they come to `arrived`.

    Attributes:
        place: Where it is.
        nbytes: How much memory it takes there.
        lost: Why it cannot be had any more, if so.
        readers: The links to workers that may have copies of it.
    """

    elsewhere = True
    """For those who remember results."""

    __slots__ = (
        "__weakref__",
        "_asked",
        "_count",
        "_fetch",
        "_lock",
        "_parts",
        "_value",
        "lost",
        "nbytes",
        "place",
        "readers",
    )

    def __init__(self, place: Place, parts: int, fetch: Callable[[], None]) -> None:
        self.place = place
        self.nbytes = place.nbytes
        self.lost = ""
        self.readers: set[Any] = set()
        self._count = parts
        self._fetch = fetch
        self._asked = False
        self._parts: Sequence[memoryview] | None = None
        self._value: tuple[Any, ...] = ()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<result of {self.nbytes:,} bytes at {self.place.address}>"

    def get(self, wait_for: Callable[[Callable[[], bool]], Any]) -> Any:
        """The result itself, and always the same object.

        Args:
            wait_for: Waits until a condition holds.

        Raises:
            EngineError: It is lost.
            ResultUnreadable: It cannot be unpickled here.
        """
        with self._lock:
            asked, self._asked = self._asked, True
        if not asked and not self.lost:
            self._fetch()
        wait_for(lambda: bool(self._value) or self._parts is not None or bool(self.lost))
        with self._lock:
            if not self._value:
                if self._parts is None:
                    raise loss(self.place, self.lost)
                self._value = (_unpacked(self._parts),)
                self._parts = None
        return self._value[0]

    def arrived(self, parts: Sequence[memoryview]) -> None:
        """Its parts are here; none if it is not there any more."""
        if parts:
            self._parts = parts
        else:
            self.lost = "is not there any more"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.lost:
            return (fail, (loss(self.place, self.lost),))
        return (_put_together, tuple(pickle.PickleBuffer(self._gap(part)) for part in range(self._count)))

    def _gap(self, part: int) -> Gap:
        gap = Gap(serialize.OUT_OF_BAND_BYTES)
        gap.kept, gap.part = self, part
        return gap


def _unpacked(parts: Sequence[memoryview]) -> Any:
    try:
        return parcel.unpack(parts)
    except BaseException as exc:  # code of the result's class
        ename, evalue, _ = describe(exc)
        raise ResultUnreadable(f"the result arrived, but cannot be unpickled here: {ename}: {evalue}") from exc


def _put_together(*parts: Any) -> Any:
    return parcel.unpack(parts)
