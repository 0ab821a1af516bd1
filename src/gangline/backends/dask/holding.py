"""Large arguments on their way to a Dask worker: kept as they were when the call was prepared, and sent from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from weakref import ref

from gangline._engine.segments import Lease, SegmentPool
from gangline.backends.dask.kept import Gap, Kept, Place

__all__ = ["Absent", "Held", "Holding"]


class Absent(NamedTuple):
    """A part of a result that is kept elsewhere.

    Attributes:
        place: Where the result is.
        kept: The result, as long as anybody needs it.
        part: Which of its parts.
    """

    place: Place
    kept: ref[Kept]
    part: int


class Held(Lease):
    """The parts of a value: its pickle, and copies of the buffers that belong to it.

    Attributes:
        frames: The parts.
        needed: Results that are kept elsewhere, and are not to go before they have been used.
    """

    __slots__ = ("frames", "needed")

    def __init__(self, frames: Sequence[bytes | Absent], needed: Sequence[Kept] = ()) -> None:
        self.frames = frames
        self.needed = needed

    @property
    def complete(self) -> bool:
        """Whether all parts are here."""
        return all(isinstance(frame, bytes) for frame in self.frames)

    @property
    def size_bytes(self) -> int:
        """The bytes that the value takes here."""
        return sum(len(frame) for frame in self.frames if isinstance(frame, bytes))

    def let_go(self) -> None:
        """The task has ended."""
        self.needed = ()

    def __del__(self) -> None:
        """Nothing: it is this process's own memory."""


class Holding(SegmentPool):
    """Takes the place of a pool of shared memory where there is none to share."""

    def lease(self, parts: Sequence[memoryview | bytes], *, spare: int = 0) -> Lease:
        """Keep the parts of a value."""
        gaps = [_gap(part) for part in parts]
        frames = [
            bytes(part) if gap is None else Absent(gap.kept.place, ref(gap.kept), gap.part)
            for part, gap in zip(parts, gaps, strict=True)
        ]
        return Held(frames, [gap.kept for gap in gaps if gap is not None])


def _gap(part: memoryview | bytes) -> Gap | None:
    exporter = part.obj if isinstance(part, memoryview) else None
    return exporter if isinstance(exporter, Gap) else None
