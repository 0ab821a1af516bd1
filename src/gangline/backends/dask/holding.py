"""Large arguments on their way to a Dask worker: kept as they were when the call was prepared, and sent from there."""

from __future__ import annotations

from collections.abc import Sequence

from gangline._engine.segments import Lease, SegmentPool
from gangline.backends.dask.kept import Gap, Kept

__all__ = ["Absent", "Held", "Holding"]

Absent = tuple[Kept, int]
"""A part of a result that is kept elsewhere, by its number there."""


class Held(Lease):
    """The parts of a value: its pickle, and copies of the buffers that belong to it.

    Attributes:
        frames: The parts.
        complete: Whether they are all here.
    """

    __slots__ = ("complete", "frames")

    def __init__(self, frames: Sequence[bytes | Absent]) -> None:
        self.frames = frames
        self.complete = all(isinstance(frame, bytes) for frame in frames)

    @property
    def size_bytes(self) -> int:
        """The bytes that the value takes here."""
        return sum(len(frame) for frame in self.frames if isinstance(frame, bytes))

    def __del__(self) -> None:
        """Nothing: it is this process's own memory."""


class Holding(SegmentPool):
    """Takes the place of a pool of shared memory where there is none to share."""

    def lease(self, parts: Sequence[memoryview | bytes], *, spare: int = 0) -> Lease:
        """Keep the parts of a value."""
        return Held([_frame(part) for part in parts])


def _frame(part: memoryview | bytes) -> bytes | Absent:
    exporter = part.obj if isinstance(part, memoryview) else None
    return (exporter.kept, exporter.part) if isinstance(exporter, Gap) else bytes(part)
