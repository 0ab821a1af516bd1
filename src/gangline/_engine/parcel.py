"""Values on their way: in the packet where they are small, in a segment of shared memory where they are large."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

from gangline._engine import serialize
from gangline._engine.segments import Lease, SegmentPool

__all__ = ["pack", "unpack"]

_INLINE_LIMIT_BYTES = 1 << 30
"""More than this does not go into a packet, even when all segments are taken."""


def pack(value: Any, pool: SegmentPool) -> bytes | Lease:
    """Pickle a value; a large one is copied into a segment at once, so that later changes do not show.

    Raises:
        Exception: whatever the pickler or the value's own code raises.
        MemoryError: when there is no room.
    """
    buffers: list[memoryview] = []
    data = serialize.dumps(value, buffers)
    if not buffers and len(data) < serialize.OUT_OF_BAND_BYTES:
        return data
    lease = pool.lease([data, *buffers])
    if lease is not None:
        return lease
    data = serialize.dumps(value)
    if len(data) > _INLINE_LIMIT_BYTES:
        raise MemoryError(f"{len(data)} bytes cannot be sent now: the shared memory for large values is all in use")
    return data


def unpack(data: bytes | Sequence[memoryview]) -> Any:
    """The value again; the large buffers of a value in a segment are used in place.

    Raises:
        Exception: whatever the value's own code raises.
    """
    if isinstance(data, bytes):
        return pickle.loads(data)
    return pickle.loads(data[0], buffers=data[1:])
