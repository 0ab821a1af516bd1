"""Large arguments on their way to a Dask worker: kept as they were when the call was prepared, and sent from there."""

from __future__ import annotations

from collections.abc import Sequence

from gangline._engine.segments import Lease, SegmentPool

__all__ = ["Held", "Holding"]


class Held(Lease):
    """The parts of a value: its pickle, and copies of the buffers that belong to it."""

    __slots__ = ("frames",)

    def __init__(self, frames: Sequence[bytes]) -> None:
        self.frames = frames

    @property
    def size_bytes(self) -> int:
        """The bytes that the value takes."""
        return sum(map(len, self.frames))

    def __del__(self) -> None:
        """Nothing: it is this process's own memory."""


class Holding(SegmentPool):
    """Takes the place of a pool of shared memory where there is none to share."""

    def lease(self, parts: Sequence[memoryview | bytes], *, spare: int = 0) -> Lease:
        """Keep the parts of a value."""
        return Held([bytes(part) for part in parts])
